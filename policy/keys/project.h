#pragma once

#include "policy/keys/budget_settings.h"
#include "policy/keys/limit_settings.h"
#include "providers/base/clock.h"
#include "providers/contract/endpoint.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace headgate::policy {

/// What a budget does with a model that has no price: 400 `price_unknown`, or count it as 0.
enum class UnpricedModels : std::uint8_t { reject, free };

/// Who pays. Lives in the Snapshot.
struct Project {
    std::string id;
    bool enabled = true;
    std::vector<std::string> models;         // globs; empty: all
    std::vector<std::string> endpoints;      // families; empty: all
    std::vector<LimitEntry> limits;          // in file order
    std::optional<std::int64_t> max_output;  // the output cap sent upstream when a request has none
    std::optional<BudgetSettings> budget;
    UnpricedModels unpriced_models = UnpricedModels::reject;

    bool may_use_model(std::string_view model) const;
    bool may_use_family(std::string_view family) const;
};

/// SHA-256 of a client key.
using KeyDigest = std::array<std::uint8_t, 32>;

struct KeyDigestHash {
    std::size_t operator()(const KeyDigest& digest) const noexcept;
};

/// What proves a project. `expires` is the first moment at which it no longer does.
struct Key {
    std::string name;
    const Project* project = nullptr;
    std::optional<providers::WallTime> expires;
    std::vector<LimitEntry> limits;  // in file order
    /// The first characters of the key's text, "hg-Ab12"; empty where only its digest is known.
    std::string prefix;
    KeyDigest digest{};
};

/// Both, found.
struct Identity {
    const Project* project = nullptr;
    const Key* key = nullptr;
};

/// 64 lower-case hex digits ↔ digest; nullopt for anything else.
std::optional<KeyDigest> digest_from_hex(std::string_view hex);
std::string to_hex(const KeyDigest& digest);

/// SHA-256 of a key's text. One object a thread: the context is reused (fetched once).
class KeyHasher {
public:
    KeyHasher();
    ~KeyHasher();
    KeyHasher(const KeyHasher&) = delete;
    KeyHasher& operator=(const KeyHasher&) = delete;

    KeyDigest digest(std::string_view key);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// Looks keys up by digest; the last step compares in constant time.
class KeyRing {
public:
    /// False where the digest is already taken.
    bool add(const KeyDigest& digest, Key key);
    const Key* find(const KeyDigest& digest) const;
    /// For explaining: looks at every key.
    const Key* find_named(const Project& project, std::string_view name) const;
    std::size_t size() const { return keys_.size(); }
    /// Every key, in no order.
    const std::unordered_map<KeyDigest, Key, KeyDigestHash>& all() const { return keys_; }

private:
    std::unordered_map<KeyDigest, Key, KeyDigestHash> keys_;
};

/// A new client key: "hg-" and 43 base62 digits of 256 random bits from the operating system.
std::string make_client_key();

}  // namespace headgate::policy
