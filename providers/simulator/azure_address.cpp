#include "providers/simulator/azure_address.h"

#include <algorithm>
#include <array>

namespace headgate::providers {
namespace {

/// The path's deployments take these; all else hangs at the resource.
constexpr std::array<std::string_view, 4> kAtDeployment{"/chat/completions", "/completions",
                                                        "/embeddings", "/images/generations"};

std::string_view query_value(std::string_view query, std::string_view name) {
    while (!query.empty()) {
        const std::string_view field = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(field.size() + 1, query.size()));
        if (field.starts_with(name) && field.substr(name.size()).starts_with('=')) {
            return field.substr(name.size() + 1);
        }
    }
    return {};
}

/// YYYY-MM-DD, and perhaps "-preview".
bool is_date_version(std::string_view version) {
    constexpr std::string_view kShape = "dddd-dd-dd";
    if (version.size() < kShape.size()) {
        return false;
    }
    const bool is_date = std::ranges::equal(
        version.substr(0, kShape.size()), kShape,
        [](char c, char shape) { return shape == 'd' ? c >= '0' && c <= '9' : c == shape; });
    const std::string_view rest = version.substr(kShape.size());
    return is_date && (rest.empty() || rest == "-preview");
}

int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

std::optional<std::string> percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '%') {
            out += text[at];
            continue;
        }
        const int high = at + 2 < text.size() ? hex_digit(text[at + 1]) : -1;
        const int low = at + 2 < text.size() ? hex_digit(text[at + 2]) : -1;
        if (high < 0 || low < 0) {
            return std::nullopt;
        }
        out += static_cast<char>(high * 16 + low);
        at += 2;
    }
    return out;
}

std::optional<AzureAddress> deployment_address(std::string_view rest) {
    const std::size_t end = rest.find('/');
    if (end == 0 || end == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view path = rest.substr(end);
    auto deployment = percent_decoded(rest.substr(0, end));
    if (!deployment || std::ranges::find(kAtDeployment, path) == kAtDeployment.end()) {
        return std::nullopt;
    }
    AzureAddress address;
    address.path = "/v1" + std::string{path};
    address.deployment = std::move(deployment);
    address.is_dated = true;
    return address;
}

std::optional<AzureAddress> resource_address(std::string_view path) {
    constexpr std::string_view kRoot = "/openai";
    constexpr std::string_view kDeployments = "/deployments/";
    if (!path.starts_with(kRoot)) {
        return std::nullopt;
    }
    path.remove_prefix(kRoot.size());
    if (path.starts_with(kDeployments)) {
        return deployment_address(path.substr(kDeployments.size()));
    }
    AzureAddress address;
    if (path.starts_with("/v1/")) {
        address.path = path;
        return address;
    }
    if (path == "/responses" || path == "/models" || path.starts_with("/models/")) {
        address.path = "/v1" + std::string{path};
        address.is_dated = true;
        return address;
    }
    return std::nullopt;
}

}  // namespace

std::optional<AzureAddress> azure_address_of(const SimulatedRequest& request) {
    std::optional<AzureAddress> address = resource_address(request.path);
    if (!address || address->path == "/v1/moderations") {
        return std::nullopt;
    }
    address->api_version = query_value(request.query, "api-version");
    if (address->is_dated && !is_date_version(address->api_version)) {
        return std::nullopt;
    }
    return address;
}

bool is_supported_version(const AzureAddress& address) {
    const std::string_view version = address.api_version;
    return address.is_dated || version.empty() || version == "v1" || version == "preview" ||
           version == "latest";
}

}  // namespace headgate::providers
