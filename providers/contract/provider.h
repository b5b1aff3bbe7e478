#pragma once

#include "providers/base/secret.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::providers {

/// The kinds of provider that this build can speak to (`kind:` in the policy).
enum class ProviderKind : std::uint8_t { openai, openai_compatible, simulator };

std::string_view to_string(ProviderKind kind);

/// Where a provider's endpoint paths hang: `base_url` taken apart. `base_path` has no trailing
/// slash; the endpoint's path after `/v1` is appended to it.
struct BaseUrl {
    bool is_tls = false;
    std::string host;  // without brackets for IPv6
    std::uint16_t port = 0;
    std::string base_path;  // "/v1"

    /// `host[:port]` as in a Host header: brackets for IPv6, the port only where not the default.
    std::string authority() const;
};

/// One provider of the policy, as an adapter needs it. Lives in the Snapshot.
struct Provider {
    std::string name;
    ProviderKind kind = ProviderKind::openai;
    BaseUrl base_url;
    Secret api_key;
    std::string organization;
    std::string project;
    std::vector<std::string> models;  // globs of what it serves; empty: see serves()
    bool enabled = true;
    bool allow_private = false;
    bool tls_verify = true;
    std::string tls_ca;  // file, or empty for the system's store
};

/// `*` matches any run of characters, `?` one; everything else itself. Case matters.
bool glob_matches(std::string_view glob, std::string_view text);

}  // namespace headgate::providers
