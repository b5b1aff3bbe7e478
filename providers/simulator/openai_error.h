#pragma once

#include "providers/simulator/json_view.h"

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace headgate::providers {

/// An error as OpenAI words it. Private to this folder.
struct OpenAiError {
    int status = 400;
    std::string message;
    std::string type = "invalid_request_error";
    std::string param;  // empty: null
    std::string code;   // empty: null
};

template <class T>
using OrError = std::expected<T, OpenAiError>;

/// {"error":{…}} as OpenAI lays it out.
std::string to_json(const OpenAiError& error);

OpenAiError missing_parameter(std::string_view param);
/// `expected` with its article: "an array of strings".
OpenAiError wrong_type(std::string_view param, std::string_view expected, JsonView given);
/// `supported` is the list in words: "'a', 'b', and 'c'".
OpenAiError unsupported_value(std::string_view param,
                              std::string_view given,
                              std::string_view supported);
OpenAiError empty_array(std::string_view param);
OpenAiError array_too_long(std::string_view param, std::size_t most, std::size_t given);
OpenAiError string_too_long(std::string_view param, std::size_t most, std::size_t given);
OpenAiError below_minimum(std::string_view param, std::int64_t least, std::int64_t given);
OpenAiError above_maximum(std::string_view param, std::int64_t most, std::int64_t given);
OpenAiError bad_request(std::string message, std::string_view param, std::string_view code = "");

/// What OpenAI would say with `status` when it is not the request's fault; what a fault answers.
OpenAiError error_of_status(int status, std::string_view model);

}  // namespace headgate::providers
