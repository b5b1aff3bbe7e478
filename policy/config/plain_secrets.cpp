#include "policy/config/plain_secrets.h"

#include "policy/config/secret_text.h"

namespace headgate::policy {
namespace {

bool is_plain_secret(const YamlEntry& entry) {
    constexpr std::string_view names[] = {"api_key", "key", "secret"};
    const YamlNode& value = *entry.value;
    if (value.kind != YamlNode::Kind::scalar) {
        return false;
    }
    const bool is_secret = !value.text.empty() && value.text != kRedacted &&
                           !is_plain_reference(value.text) &&
                           std::ranges::find(names, entry.key->text) != std::end(names);
    return is_secret || has_plain_password(value.text);
}

/// Collects the secrets below a node with the path by which messages call the first one.
class SecretSearch {
public:
    void look_into(const YamlNode& node, const std::string& path) {
        for (std::size_t i = 0; i < node.items.size(); ++i) {
            if (!node.items[i]->items.empty() || !node.items[i]->entries.empty()) {
                look_into(*node.items[i], path + "[" + std::to_string(i) + "]");
            }
        }
        for (const YamlEntry& entry : node.entries) {
            const bool is_path = entry.key->text == "tls";  // `tls.key` names a file
            if (is_path || !(is_plain_secret(entry) || has_children(*entry.value))) {
                continue;
            }
            const std::string name = path.empty() ? entry.key->text : path + "." + entry.key->text;
            if (is_plain_secret(entry)) {
                note(*entry.value, name);
            } else {
                look_into(*entry.value, name);
            }
        }
    }

    const Setting& first() const { return first_; }
    std::size_t count() const { return count_; }

private:
    static bool has_children(const YamlNode& node) {
        return !node.items.empty() || !node.entries.empty();
    }

    void note(const YamlNode& value, const std::string& path) {
        if (count_ == 0) {
            first_ = {&value, path};
        }
        ++count_;
    }

    Setting first_;
    std::size_t count_ = 0;
};

}  // namespace

void warn_of_plain_secrets(Reading& reading, const YamlNode& root) {
    SecretSearch search;
    search.look_into(root, {});
    if (search.count() == 0) {
        return;
    }
    const std::string more =
        search.count() == 1 ? ""
                            : " (and " + std::to_string(search.count() - 1) + " more in this file)";
    reading.warning(
        search.first(),
        "is a secret in plain text" + more + ", in a file that every user of this machine may read",
        "chmod 600 " + reading.path_of(root.file) +
            ", or put ${NAME} or ${file:PATH} instead of the secret");
}

}  // namespace headgate::policy
