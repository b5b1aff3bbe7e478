#include "providers/azure/encode.h"

#include "providers/contract/json_reader.h"
#include "providers/openai/encode.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace headgate::providers::azure {
namespace {

constexpr std::string_view kVersionless = "v1";
/// The first with stream_options and max_completion_tokens: 2024-09-01-preview, the GA version
/// 2024-10-21 after it.
constexpr std::string_view kFirstWithUsage = "2024-09-01";

/// "2024-10-21" and "2025-04-01-preview".
bool is_dated(std::string_view version) {
    return !version.empty() && version.front() >= '0' && version.front() <= '9';
}

/// RFC 3986 §2.3: unreserved characters stay, all other bytes are escaped.
void append_percent_encoded(std::string& out, std::string_view text) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    for (const char c : text) {
        const bool is_unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                   (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
                                   c == '~';
        if (is_unreserved) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += '%';
            out += kHex[byte >> 4];
            out += kHex[byte & 15U];
        }
    }
}

/// Portals show addresses with and without what follows the resource.
std::string_view resource_path(std::string_view base_path) {
    for (const std::string_view known : {"/openai/v1", "/openai"}) {
        if (base_path.ends_with(known)) {
            return base_path.substr(0, base_path.size() - known.size());
        }
    }
    return base_path;
}

bool is_at_deployment(const Provider& provider, Operation operation) {
    return is_dated(provider.api_version) && operation != Operation::responses;
}

void append_version(std::string& path, std::string_view version) {
    if (!version.empty() && version != kVersionless) {
        path += "?api-version=";
        append_percent_encoded(path, version);
    }
}

std::string path_of(const Endpoint& endpoint,
                    const Provider& provider,
                    std::string_view deployment) {
    std::string path{resource_path(provider.base_url.base_path)};
    path += "/openai";
    if (is_at_deployment(provider, endpoint.operation)) {
        path += "/deployments/";
        append_percent_encoded(path, deployment);
    } else if (!is_dated(provider.api_version)) {
        path += "/v1";
    }
    path += openai::path_behind_version(endpoint);
    append_version(path, provider.api_version);
    return path;
}

/// "On your data": the service behind it answers 400 "Extra inputs are not permitted" to
/// stream_options. The search keeps the second reading of a body to those that may have the member.
bool has_data_sources(Bytes body) {
    constexpr std::string_view kName = "data_sources";
    if (!body.contains(kName)) {
        return false;
    }
    JsonReader reader{body};
    reader.next();
    while (reader.next() == JsonToken::key) {
        if (reader.is(kName)) {
            return true;
        }
        reader.skip();
    }
    return false;
}

bool has_old_cap_name(std::string_view version) {
    return is_dated(version) && version < kFirstWithUsage;
}

bool may_ask_usage(const ApiRequest& request, const Provider& provider) {
    const std::string_view version = provider.api_version;
    const bool is_known = !is_dated(version) || version >= kFirstWithUsage;
    return is_known && request.stream && !request.include_usage && !has_data_sources(request.body);
}

}  // namespace

std::string models_path(const Provider& provider) {
    std::string path{resource_path(provider.base_url.base_path)};
    path += is_dated(provider.api_version) ? "/openai/models" : "/openai/v1/models";
    append_version(path, provider.api_version);
    return path;
}

Result<UpstreamRequest> encode(const ApiRequest& request, const Target& target) {
    const Provider& provider = *target.provider;
    const Endpoint& endpoint = *request.endpoint;
    if (!can_serve(WireFormat::azure, endpoint.operation)) {
        return std::unexpected(ApiError{.code = ErrorCode::endpoint_not_supported,
                                        .message = "Azure OpenAI does not have this endpoint.",
                                        .param = {},
                                        .allow = {}});
    }
    const std::string_view deployment = deployment_of(provider, target.model);
    const bool is_named_by_path = is_at_deployment(provider, endpoint.operation);
    return openai::encode_to(path_of(endpoint, provider, deployment), request,
                             {.model = is_named_by_path ? target.model : deployment,
                              .may_ask_usage = may_ask_usage(request, provider),
                              .has_old_cap_name = has_old_cap_name(provider.api_version)});
}

}  // namespace headgate::providers::azure
