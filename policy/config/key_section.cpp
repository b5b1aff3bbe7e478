#include "policy/config/key_section.h"

namespace headgate::policy {
namespace {

constexpr KnownName kKeyNames[] = {{"name"}, {"sha256"}, {"key"}, {"expires"}, {"limits", kNotYet}};
constexpr KnownName kAdminKeyNames[] = {{"name"}, {"sha256"}, {"key"}};

/// Below it a key can be guessed; ours have 46 characters.
constexpr std::size_t kShortKey = 20;

Parsed<KeyDigest> parse_digest(std::string_view text) {
    if (const std::optional<KeyDigest> digest = digest_from_hex(text)) {
        return *digest;
    }
    return std::unexpected(std::string("must be 64 lower-case hex digits, the SHA-256 of a key"));
}

}  // namespace

std::vector<AdminKey> KeySection::read_admin(const Setting& keys) {
    std::vector<AdminKey> admin_keys;
    Owner owner{"admin key", {}};
    for (const Setting& item : read_list(keys)) {
        const MapReader map{reading_, item, kAdminKeyNames};
        if (item.node->kind != YamlNode::Kind::map) {
            continue;
        }
        std::string name = read_name(map, owner);
        if (const std::optional<KeyDigest> digest = read_digest(map)) {
            admin_keys.push_back({std::move(name), *digest});
        }
    }
    return admin_keys;
}

void KeySection::read(const Setting& keys, const Project& project) {
    Owner owner{"key of this project", {}};
    for (const Setting& item : read_list(keys)) {
        read_key(item, project, owner);
    }
}

void KeySection::read_key(const Setting& setting, const Project& project, Owner& owner) {
    const MapReader map{reading_, setting, kKeyNames};
    if (setting.node->kind != YamlNode::Kind::map) {
        return;
    }
    Key key;
    key.project = &project;
    key.name = read_name(map, owner);
    map.read("expires", parse_date, key.expires);
    if (const std::optional<KeyDigest> digest = read_digest(map)) {
        ring_.add(*digest, std::move(key));
    }
}

std::string KeySection::read_name(const MapReader& map, Owner& owner) {
    map.require("name", "name: prod");
    const std::optional<Setting> setting = map.find("name");
    if (!setting) {
        return {};
    }
    const std::optional<std::string> name = read_scalar(reading_, *setting, parse_plain_name);
    if (!name) {
        return {};
    }
    const auto [first, is_new] = owner.names.emplace(*name, setting->node);
    if (!is_new) {
        reading_.error(*setting, "is the name of another " + std::string(owner.text) + ", in " +
                                     reading_.place_of(*setting->node, *first->second));
    }
    return *name;
}

std::optional<KeyDigest> KeySection::read_digest(const MapReader& map) {
    if (map.has("sha256") == map.has("key")) {
        reading_.error(map.setting(), "must have exactly one of `sha256` and `key`");
        return std::nullopt;
    }
    std::optional<KeyDigest> digest;
    if (const std::optional<Setting> hex = map.find("sha256")) {
        digest = read_scalar(reading_, *hex, parse_digest);
    } else if (const std::optional<Setting> secret = map.find("key")) {
        digest = digest_of(*secret);
    }
    if (!digest) {
        return std::nullopt;
    }
    const auto [first, is_new] = places_.emplace(*digest, map.setting());
    if (!is_new) {
        reading_.error(map.setting(),
                       "is the same key as \"" + first->second.path + "\" in " +
                           reading_.place_of(*map.setting().node, *first->second.node));
        return std::nullopt;
    }
    return digest;
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

}  // namespace headgate::policy
