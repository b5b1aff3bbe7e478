#include "policy/config/key_section.h"

#include "policy/config/map_reader.h"

namespace headgate::policy {
namespace {

constexpr KnownName kKeyNames[] = {{"name"}, {"sha256"}, {"key"}, {"expires"}, {"limits", kNotYet}};

/// Below it a key can be guessed; ours have 46 characters.
constexpr std::size_t kShortKey = 20;

Parsed<KeyDigest> parse_digest(std::string_view text) {
    if (const std::optional<KeyDigest> digest = digest_from_hex(text)) {
        return *digest;
    }
    return std::unexpected(
        std::string("must be 64 lower-case hex digits, the SHA-256 of a client key"));
}

Parsed<std::string> parse_name(std::string_view text) {
    if (!is_plain_name(text)) {
        return std::unexpected(
            std::string("must be a name of 1 to 64 letters, digits, `_`, `.` and `-`"));
    }
    return std::string(text);
}

}  // namespace

void KeySection::read(const Setting& keys, const Project& project) {
    std::map<std::string, int> names;
    for (const Setting& item : read_list(keys)) {
        read_key(item, project, names);
    }
}

void KeySection::read_key(const Setting& setting,
                          const Project& project,
                          std::map<std::string, int>& names) {
    const MapReader map{reading_, setting, kKeyNames};
    if (setting.node->kind != YamlNode::Kind::map) {
        return;
    }
    Key key;
    key.project = &project;
    map.require("name", "name: prod");
    if (const std::optional<Setting> name = map.find("name")) {
        key.name = read_name(*name, names);
    }
    map.read("expires", parse_date, key.expires);
    if (map.has("sha256") == map.has("key")) {
        reading_.error(setting, "must have exactly one of `sha256` and `key`");
        return;
    }
    std::optional<KeyDigest> digest;
    if (const std::optional<Setting> hex = map.find("sha256")) {
        digest = read_scalar(reading_, *hex, parse_digest);
    } else if (const std::optional<Setting> secret = map.find("key")) {
        digest = digest_of(*secret);
    }
    if (digest) {
        add(*digest, setting, std::move(key));
    }
}

std::string KeySection::read_name(const Setting& setting, std::map<std::string, int>& names) {
    const std::optional<std::string> name = read_scalar(reading_, setting, parse_name);
    if (!name) {
        return {};
    }
    const auto [first, is_new] = names.emplace(*name, setting.node->line);
    if (!is_new) {
        reading_.error(setting, "is the name of another key of this project, in line " +
                                    std::to_string(first->second));
    }
    return *name;
}

std::optional<KeyDigest> KeySection::digest_of(const Setting& secret) {
    const std::optional<std::string> text = read_secret(reading_, secret);
    if (!text) {
        return std::nullopt;  // unknown: what stands for it must not become a usable key
    }
    if (text->empty()) {
        const bool is_judged = reading_.options().needs_secrets || secret.node->text.empty();
        if (is_judged) {
            reading_.error(secret, "is empty");
        }
        return std::nullopt;
    }
    if (text->size() < kShortKey) {
        reading_.warning(secret, "is shorter than 20 characters and can be guessed",
                         "`headgate keys new` makes one of 256 random bits");
    }
    return hasher_.digest(*text);
}

void KeySection::add(const KeyDigest& digest, const Setting& setting, Key key) {
    const auto [first, is_new] = places_.emplace(digest, Place{setting.path, setting.node->line});
    if (!is_new) {
        reading_.error(setting, "is the same key as \"" + first->second.path + "\" in line " +
                                    std::to_string(first->second.line));
        return;
    }
    ring_.add(digest, std::move(key));
}

}  // namespace headgate::policy
