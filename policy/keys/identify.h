#pragma once

#include "policy/keys/project.h"
#include "policy/keys/stored_keys.h"
#include "providers/contract/result.h"

#include <optional>
#include <string_view>

namespace headgate::policy {

/// The credentials that a request carried, as the head scanner found them. Views into the head.
struct Credentials {
    std::optional<std::string_view> authorization;  // the header's value
    std::optional<std::string_view> api_key;        // Azure-style `api-key`
};

/// Where keys are looked up: in the policy, then among those of the record store.
struct KeySources {
    const KeyRing& policy;
    const StoredKeys* stored = nullptr;      // null: there are none
    const ProjectIndex* projects = nullptr;  // of `stored`
};

/// Step 2: which key, which project? Errors: missing_api_key (no header, or no Bearer scheme),
/// invalid_api_key (unknown; two different credentials; a stored key whose project the policy does
/// not have). The scheme's case does not matter. Who is found may still have a key_problem().
providers::Result<Identity> identify(const KeySources& sources,
                                     KeyHasher& hasher,
                                     const Credentials& credentials);

/// Why a known key opens nothing: expired_api_key, project_disabled. The key may be null, where
/// none in particular is asked about.
std::optional<providers::ApiError> key_problem(const Identity& who, providers::WallTime now);

}  // namespace headgate::policy
