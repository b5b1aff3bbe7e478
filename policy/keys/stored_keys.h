#pragma once

#include "policy/keys/project.h"

#include <string>
#include <string_view>
#include <unordered_map>

namespace headgate::policy {

/// The keys that the record store holds and that are in force, as they were at the last look.
/// Immutable once it is shared; they name their project, because it may come and go with policies.
class StoredKeys {
public:
    struct Entry {
        std::string project;
        Key key;  // its `project` is null
    };

    void add(const KeyDigest& digest, Entry entry);
    /// The last step compares in constant time.
    const Entry* find(const KeyDigest& digest) const;
    const std::unordered_map<KeyDigest, Entry, KeyDigestHash>& all() const { return keys_; }
    std::size_t size() const { return keys_.size(); }

private:
    std::unordered_map<KeyDigest, Entry, KeyDigestHash> keys_;
};

/// The projects of a policy by id.
using ProjectIndex = std::unordered_map<std::string_view, const Project*>;

}  // namespace headgate::policy
