#pragma once

#include "providers/simulator/wire_script.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headgate::providers {

/// An error of Azure's gateway: {"error":{"code":…,"message":…}}, the code always text. Private to
/// this folder.
std::string azure_error_json(std::string_view code, std::string_view message);

/// What a rate limit's message tells of the call.
struct AzureCall {
    std::string_view operation;    // "ChatCompletions_Create"
    std::string_view api_version;  // "2024-10-21", "v1"
    std::optional<std::int64_t> retry_seconds;
};

/// What Azure would say with `status` when it is not the request's fault; what a fault answers.
std::string azure_error_of_status(int status, const AzureCall& call);

}  // namespace headgate::providers
