#include "policy/config/key_section.h"

#include "policy/config/limits_section.h"

namespace headgate::policy {
namespace {

constexpr KnownName kKeyNames[] = {{"name"}, {"sha256"}, {"key"}, {"expires"}, {"limits"}};
constexpr KnownName kAdminKeyNames[] = {{"name"}, {"sha256"}, {"key"}};

/// Below it a key can be guessed; ours have 46 characters.
constexpr std::size_t kShortKey = 20;

/// What is shown of a key: "hg-Ab12". Nothing of one so short that this would be much of it, or of
/// another make, whose first characters may be all that is secret.
std::string prefix_of(std::string_view key) {
    constexpr std::size_t shown = 7;
    const bool is_shown = key.starts_with("hg-") && key.size() >= kShortKey;
    return std::string(key.substr(0, is_shown ? shown : 0));
}

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
        if (const std::optional<KeyIdentity> identity = read_identity(map)) {
            admin_keys.push_back({std::move(name), identity->digest});
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
    if (const std::optional<Setting> limits = map.find("limits")) {
        key.limits = read_limits(reading_, *limits);
    }
    if (std::optional<KeyIdentity> identity = read_identity(map)) {
        key.prefix = std::move(identity->prefix);
        ring_.add(identity->digest, std::move(key));
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

std::optional<KeySection::KeyIdentity> KeySection::read_identity(const MapReader& map) {
    if (map.has("sha256") == map.has("key")) {
        reading_.error(map.setting(), "must have exactly one of `sha256` and `key`");
        return std::nullopt;
    }
    std::optional<KeyIdentity> identity;
    if (const std::optional<Setting> hex = map.find("sha256")) {
        if (const auto digest = read_scalar(reading_, *hex, parse_digest)) {
            identity = KeyIdentity{.digest = *digest, .prefix = {}};
        }
    } else if (const std::optional<Setting> secret = map.find("key")) {
        identity = identity_of(*secret);
    }
    if (!identity) {
        return std::nullopt;
    }
    const auto [first, is_new] = places_.emplace(identity->digest, map.setting());
    if (!is_new) {
        reading_.error(map.setting(),
                       "is the same key as \"" + first->second.path + "\" in " +
                           reading_.place_of(*map.setting().node, *first->second.node));
        return std::nullopt;
    }
    return identity;
}

std::optional<KeySection::KeyIdentity> KeySection::identity_of(const Setting& secret) {
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
    return KeyIdentity{.digest = hasher_.digest(*text), .prefix = prefix_of(*text)};
}

}  // namespace headgate::policy
