#pragma once

#include "providers/base/money.h"
#include "providers/base/secret.h"
#include "providers/contract/endpoint.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headgate::providers {

/// The kinds of provider that this build can speak to (`kind:` in the policy).
enum class ProviderKind : std::uint8_t { openai, azure, openai_compatible, simulator };

std::string_view to_string(ProviderKind kind);

/// The wire formats that there are adapters for. A provider's follows from its kind; a simulator
/// has a `wire` of its own.
enum class WireFormat : std::uint8_t { openai, azure };

std::string_view to_string(WireFormat wire);

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

/// Azure: under which name a model was deployed.
struct Deployment {
    std::string model;
    std::string name;
};

/// Which of the client's own headers go up to the provider as they came.
struct ForwardedHeaders {
    bool organization = false;  // openai-organization
    bool project = false;       // openai-project
    bool beta = false;          // openai-beta
};

/// One provider of the policy, as an adapter needs it. Lives in the Snapshot.
struct Provider {
    std::string name;
    ProviderKind kind = ProviderKind::openai;
    WireFormat wire = WireFormat::openai;
    BaseUrl base_url;
    Secret api_key;
    std::string token_file;  // instead of api_key: a file with a bearer token; empty: none
    std::string organization;
    std::string project;
    std::vector<std::string> models;      // globs of what it serves; empty: see serves()
    std::string api_version;              // azure: "2025-04-01-preview", or "v1"
    std::vector<Deployment> deployments;  // azure
    std::vector<std::pair<std::string, std::string>> headers;  // extra ones; names in lower case
    ForwardedHeaders forward_headers;
    PriceFactor price_factor;              // `price_multiplier`
    std::size_t max_connections = 65'536;  // a worker's, to this provider
    bool enabled = true;
    bool allow_private = false;
    bool tls_verify = true;
    std::string tls_ca;  // file, or empty for the system's store
};

/// Whether the wire format has the operation at all. What it has a provider may still refuse.
bool can_serve(WireFormat wire, Operation operation);

/// The deployment of `model`; the model's own name where the policy names none.
std::string_view deployment_of(const Provider& provider, std::string_view model);

/// `*` matches any run of characters, `?` one; everything else itself. Case matters.
bool glob_matches(std::string_view glob, std::string_view text);

}  // namespace headgate::providers
