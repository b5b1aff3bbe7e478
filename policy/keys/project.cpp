#include "policy/keys/project.h"

#include "policy/keys/stored_keys.h"
#include "providers/contract/provider.h"

#include <openssl/crypto.h>

namespace headgate::policy {

bool Project::may_use_model(std::string_view model) const {
    return models.empty() || std::ranges::any_of(models, [model](const std::string& glob) {
               return providers::glob_matches(glob, model);
           });
}

bool Project::may_use_family(std::string_view family) const {
    return endpoints.empty() || std::ranges::find(endpoints, family) != endpoints.end();
}

std::size_t KeyDigestHash::operator()(const KeyDigest& digest) const noexcept {
    // A digest is evenly spread already. All of it, as a policy may hold made-up ones that are not.
    std::array<std::size_t, sizeof digest / sizeof(std::size_t)> parts{};
    std::memcpy(parts.data(), digest.data(), sizeof digest);
    std::size_t hash = 0;
    for (const std::size_t part : parts) {
        hash = hash * 31 + part;
    }
    return hash;
}

std::optional<KeyDigest> digest_from_hex(std::string_view hex) {
    constexpr std::string_view digits = "0123456789abcdef";
    KeyDigest digest{};
    if (hex.size() != 2 * digest.size()) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < digest.size(); ++i) {
        const std::size_t high = digits.find(hex[2 * i]);
        const std::size_t low = digits.find(hex[2 * i + 1]);
        if (high == std::string_view::npos || low == std::string_view::npos) {
            return std::nullopt;
        }
        digest[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return digest;
}

std::string to_hex(const KeyDigest& digest) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    hex.reserve(2 * digest.size());
    for (const std::uint8_t byte : digest) {
        hex += digits[byte >> 4];
        hex += digits[byte & 0x0F];
    }
    return hex;
}

namespace {

/// Not unordered_map::find(): its comparison stops at the first byte that differs.
template <class Map>
auto* find_in_constant_time(const Map& keys, const KeyDigest& digest) {
    const typename Map::mapped_type* found = nullptr;
    if (!keys.empty()) {
        const std::size_t bucket = keys.bucket(digest);
        for (auto entry = keys.begin(bucket); entry != keys.end(bucket); ++entry) {
            if (CRYPTO_memcmp(entry->first.data(), digest.data(), digest.size()) == 0) {
                found = &entry->second;
            }
        }
    }
    return found;
}

}  // namespace

bool KeyRing::add(const KeyDigest& digest, Key key) {
    key.digest = digest;
    return keys_.emplace(digest, std::move(key)).second;
}

const Key* KeyRing::find(const KeyDigest& digest) const {
    return find_in_constant_time(keys_, digest);
}

void StoredKeys::add(const KeyDigest& digest, Entry entry) {
    entry.key.digest = digest;
    keys_.insert_or_assign(digest, std::move(entry));
}

const StoredKeys::Entry* StoredKeys::find(const KeyDigest& digest) const {
    return find_in_constant_time(keys_, digest);
}

const Key* KeyRing::find_named(const Project& project, std::string_view name) const {
    const auto found = std::ranges::find_if(keys_, [&](const auto& entry) {
        return entry.second.project == &project && entry.second.name == name;
    });
    return found == keys_.end() ? nullptr : &found->second;
}

}  // namespace headgate::policy
