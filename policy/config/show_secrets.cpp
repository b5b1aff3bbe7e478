#include "policy/config/show_secrets.h"

#include "policy/config/header_fields.h"
#include "policy/config/secret_text.h"
#include "policy/config/source_text.h"

#include <set>
#include <unordered_set>

namespace headgate::policy {
namespace {

using Kind = YamlNode::Kind;

/// The names that lead to a node; elements of lists have none.
using Path = std::vector<std::string_view>;

/// `[providers, NAME, block]`: a block inside a provider, whatever the provider's own name is.
bool is_in_provider(const Path& path, std::string_view block) {
    return path.size() == 3 && path[0] == "providers" && path[2] == block;
}

bool is_digest(const YamlNode& value) {
    return value.text.size() == 64 &&
           value.text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

bool names_secret_header(std::string_view name) {
    std::string lower{name};
    for (char& c : lower) {
        c = static_cast<char>('A' <= c && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    const bool has_word = std::ranges::any_of(
        std::array<std::string_view, 5>{"cookie", "signature", "session", "auth-", "passphrase"},
        [&lower](std::string_view word) { return lower.contains(word); });
    return has_word || lower.ends_with("auth") || is_credential_field(lower) || names_secret(lower);
}

/// Whether the setting `name` of the block at `path` holds a secret.
bool is_secret(const Path& path, std::string_view name, const YamlNode& value) {
    if (is_in_provider(path, "headers")) {
        return names_secret_header(name) || looks_like_credential(value.text);
    }
    const bool names_models = is_in_provider(path, "deployments");
    const bool names_condition =
        path.size() == 3 && path[0] == "routes" && path[1] == "when" && path[2] == "header";
    const bool names_file = path.size() == 1 && path[0] == "tls" && name == "key";
    if (names_models || names_condition || names_file) {
        return false;
    }
    // `keys` is a list of maps; a text there is a key that was put in the wrong place.
    return (names_secret(name) || name == "keys") && !(name == "sha256" && is_digest(value));
}

/// Finds the scalars that hold secrets: by node, so that an alias does not show what its anchor
/// hides.
class SecretSearch {
public:
    void look_into(const YamlNode& node) {
        for (const YamlPtr& item : node.items) {
            look_into(*item);
        }
        for (const YamlEntry& entry : node.entries) {
            if (is_secret(path_, entry.key->text, *entry.value)) {
                add(*entry.value);
            }
            path_.push_back(entry.key->text);
            look_into(*entry.value);
            path_.pop_back();
        }
    }

    bool found(const YamlNode& node) const { return secrets_.contains(&node); }

private:
    void add(const YamlNode& value) {
        for (const YamlPtr& item : value.items) {
            add(*item);
        }
        if (value.kind == Kind::scalar) {
            secrets_.insert(&value);
        }
    }

    Path path_;
    std::unordered_set<const YamlNode*> secrets_;
};

YamlPtr redacted(const YamlNode& node, const SecretSearch& secrets) {
    auto result = std::make_shared<YamlNode>(node);
    if (node.kind == Kind::scalar) {
        result->text = secrets.found(node) ? redacted_secret(node.text) : redacted_urls(node.text);
        result->is_plain = node.is_plain && result->text == node.text;
    }
    for (YamlPtr& item : result->items) {
        item = redacted(*item, secrets);
    }
    std::set<std::string_view> seen;
    std::erase_if(result->entries,
                  [&seen](const YamlEntry& entry) { return !seen.insert(entry.key->text).second; });
    for (YamlEntry& entry : result->entries) {
        entry.value = redacted(*entry.value, secrets);
    }
    return result;
}

}  // namespace

YamlPtr without_secrets(const YamlNode& tree) {
    SecretSearch secrets;
    secrets.look_into(tree);
    return redacted(tree, secrets);
}

}  // namespace headgate::policy
