#pragma once

#include "providers/base/bytes.h"

#include <optional>
#include <string>

namespace headgate::providers::openai {

/// What the JSON body of a provider's error tells, escapes resolved.
struct ErrorBody {
    /// {"error":{"message": text, "type": text or null, …}} with param and code absent, null or
    /// text. (Azure's content filter has a null type; its gateway's errors have no type at all.)
    bool is_openai_shape = false;
    std::string message;  // `error.message`, else a text under `error`, `message` or `detail`
    std::string type;     // `error.type`, where it is text
    std::optional<std::string> param;
    std::optional<std::string> code;  // numbers as they are spelled
};

/// None where `body` is not one JSON object, or an array that begins with one.
std::optional<ErrorBody> parse_error_body(Bytes body);

}  // namespace headgate::providers::openai
