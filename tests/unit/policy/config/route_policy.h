#pragma once

#include "tests/unit/policy/config/policy_file.h"

#include <string>
#include <string_view>

namespace headgate::policy {

/// A policy with four providers and two projects of which a test writes the routes. `routes` begins
/// in line 16.
inline std::string with_routes(std::string_view routes) {
    return "providers:\n"
           "  openai: {kind: openai, api_key: upstream-key-of-the-test}\n"
           "  azure-eu:\n"
           "    kind: azure\n"
           "    base_url: https://acme-eu.openai.azure.com\n"
           "    api_key: azure-key-of-the-test\n"
           "    api_version: 2025-04-01-preview\n"
           "    deployments: {gpt-5: gpt5-prod, text-embedding-3-small: embed}\n"
           "  local: {kind: openai-compatible, base_url: http://127.0.0.1:11434/v1, models: "
           "llama3*}\n"
           "  spare: {kind: simulator, enabled: false}\n"
           "projects:\n"
           "  search:\n"
           "    keys: [{name: prod, sha256: "
           "9a75a626f1cecda478cdb245ebc9ed4952e3f3fb5bfe8d250ffc65758a98e72e}]\n"
           "  idle: {enabled: false, keys: [{name: prod, sha256: "
           "72b6412d50d8cf9cf8cbc4f94343f598aeec60349170a2f07de214cd7ca2eeea}]}\n"
           "routes:\n" +
           std::string(routes);
}

inline LoadResult load_routes(std::string_view routes) {
    return load_text(with_routes(routes));
}

}  // namespace headgate::policy
