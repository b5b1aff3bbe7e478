#pragma once

#include "providers/simulator/wire_script.h"

#include <optional>
#include <string>
#include <string_view>

namespace headgate::providers {

/// Where a request to Azure went, told in OpenAI's terms. Private to this folder.
struct AzureAddress {
    std::string path;                       // "/v1/chat/completions"
    std::optional<std::string> deployment;  // where the path names one
    std::string_view api_version;           // empty: none was given
    bool is_dated = false;                  // the address wants a version with a date
};

/// None where Azure has nothing at that address, or where a version with a date is wanted and
/// missing: both are its 404.
std::optional<AzureAddress> azure_address_of(const SimulatedRequest& request);

/// False for a version that the address does not know: Azure's 400.
bool is_supported_version(const AzureAddress& address);

}  // namespace headgate::providers
