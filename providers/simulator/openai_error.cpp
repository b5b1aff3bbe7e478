#include "providers/simulator/openai_error.h"

#include "providers/simulator/json_writer.h"

#include <algorithm>
#include <array>

namespace headgate::providers {
namespace {

struct StatusError {
    int status;
    std::string_view type;
    std::string_view code;
    std::string_view message;  // MODEL is replaced by the request's model
};

constexpr std::array kStatusErrors = {
    StatusError{400, "invalid_request_error", "", "Invalid request. Please check your request."},
    StatusError{401, "invalid_request_error", "invalid_api_key",
                "Incorrect API key provided. You can find your API key at "
                "https://platform.openai.com/account/api-keys."},
    StatusError{403, "request_forbidden", "unsupported_country_region_territory",
                "Country, region, or territory not supported"},
    StatusError{404, "invalid_request_error", "model_not_found",
                "The model `MODEL` does not exist or you do not have access to it."},
    StatusError{408, "timeout_error", "request_timeout", "Request timed out."},
    StatusError{409, "conflict_error", "conflict",
                "The resource was changed by another request. Please try again."},
    StatusError{413, "invalid_request_error", "request_too_large",
                "The request is larger than the maximum allowed size."},
    StatusError{422, "invalid_request_error", "unprocessable", "The request cannot be processed."},
    StatusError{429, "requests", "rate_limit_exceeded",
                "Rate limit reached for MODEL on requests per min (RPM): Limit 500, Used 500, "
                "Requested 1. Please try again later. Visit "
                "https://platform.openai.com/account/rate-limits to learn more."},
    StatusError{500, "server_error", "",
                "The server had an error while processing your request. Sorry about that!"},
    StatusError{502, "server_error", "", "Bad gateway."},
    StatusError{503, "service_unavailable_error", "",
                "The engine is currently overloaded, please try again later."},
    StatusError{504, "timeout_error", "", "The server timed out while processing your request."},
    StatusError{529, "overloaded_error", "", "The server is overloaded. Please try again later."},
};

std::string quoted(std::string_view name) {
    return "'" + std::string{name} + "'";
}

OpenAiError bound_error(std::string_view param,
                        std::string_view words,
                        std::string_view relation,
                        std::int64_t bound,
                        std::int64_t given) {
    return bad_request("Invalid " + quoted(param) + ": integer " + std::string{words} +
                           " value. Expected a value " + std::string{relation} + " " +
                           std::to_string(bound) + ", but got " + std::to_string(given) +
                           " instead.",
                       param);
}

}  // namespace

std::string to_json(const OpenAiError& error) {
    std::string out;
    JsonWriter json{out};
    json.begin_object().key("error").begin_object();
    json.key("message").text(error.message).key("type").text(error.type);
    json.key("param");
    error.param.empty() ? json.null() : json.text(error.param);
    json.key("code");
    error.code.empty() ? json.null() : json.text(error.code);
    json.end_object().end_object();
    return out;
}

OpenAiError bad_request(std::string message, std::string_view param, std::string_view code) {
    OpenAiError error;
    error.message = std::move(message);
    error.param = param;
    error.code = code;
    return error;
}

OpenAiError missing_parameter(std::string_view param) {
    return bad_request("Missing required parameter: " + quoted(param) + ".", param,
                       "missing_required_parameter");
}

OpenAiError wrong_type(std::string_view param, std::string_view expected, JsonView given) {
    return bad_request("Invalid type for " + quoted(param) + ": expected " + std::string{expected} +
                           ", but got " + std::string{given.kind()} + " instead.",
                       param, "invalid_type");
}

OpenAiError unsupported_value(std::string_view param,
                              std::string_view given,
                              std::string_view supported) {
    return bad_request("Invalid value: " + quoted(given) +
                           ". Supported values are: " + std::string{supported} + ".",
                       param, "invalid_value");
}

OpenAiError empty_array(std::string_view param) {
    return bad_request("Invalid " + quoted(param) +
                           ": empty array. Expected an array with minimum length 1, but got an "
                           "empty array instead.",
                       param, "empty_array");
}

OpenAiError array_too_long(std::string_view param, std::size_t most, std::size_t given) {
    return bad_request("Invalid " + quoted(param) +
                           ": array too long. Expected an array with maximum length " +
                           std::to_string(most) + ", but got an array with length " +
                           std::to_string(given) + " instead.",
                       param, "array_above_max_length");
}

OpenAiError string_too_long(std::string_view param, std::size_t most, std::size_t given) {
    return bad_request("Invalid " + quoted(param) +
                           ": string too long. Expected a string with maximum length " +
                           std::to_string(most) + ", but got a string with length " +
                           std::to_string(given) + " instead.",
                       param, "string_above_max_length");
}

OpenAiError below_minimum(std::string_view param, std::int64_t least, std::int64_t given) {
    OpenAiError error = bound_error(param, "below minimum", ">=", least, given);
    error.code = "integer_below_min_value";
    return error;
}

OpenAiError above_maximum(std::string_view param, std::int64_t most, std::int64_t given) {
    OpenAiError error = bound_error(param, "above maximum", "<=", most, given);
    error.code = "integer_above_max_value";
    return error;
}

OpenAiError error_of_status(int status, std::string_view model) {
    const auto* row = std::ranges::find(kStatusErrors, status, &StatusError::status);
    if (row == kStatusErrors.end()) {  // a status without words of its own: as its class
        row = std::ranges::find(kStatusErrors, status >= 500 ? 500 : 400, &StatusError::status);
    }
    OpenAiError error{status, std::string{row->message}, std::string{row->type}, "",
                      std::string{row->code}};
    constexpr std::string_view kPlace = "MODEL";
    if (const std::size_t at = error.message.find(kPlace); at != std::string::npos) {
        error.message.replace(at, kPlace.size(), model);
    }
    return error;
}

}  // namespace headgate::providers
