#pragma once

#include "policy/keys/project.h"
#include "providers/contract/result.h"

#include <optional>
#include <string_view>

namespace headgate::policy {

/// The credentials that a request carried, as the head scanner found them. Views into the head.
struct Credentials {
    std::optional<std::string_view> authorization;  // the header's value
    std::optional<std::string_view> api_key;        // Azure-style `api-key`
};

/// Step 2: which key, which project? Errors: missing_api_key (no header, or no Bearer scheme),
/// invalid_api_key (unknown; two different credentials), expired_api_key, project_disabled.
/// The scheme's case does not matter.
providers::Result<Identity> identify(const KeyRing& ring,
                                     KeyHasher& hasher,
                                     const Credentials& credentials,
                                     providers::WallTime now);

}  // namespace headgate::policy
