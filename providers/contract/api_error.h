#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace headgate::providers {

/// Every code of our own (docs/errors.md). The enumerators are spelled as on the wire.
enum class ErrorCode : std::uint8_t {
    invalid_json,
    invalid_request,
    unsupported_parameter,
    max_cost_exceeded,
    price_unknown,
    invalid_api_key,
    missing_api_key,
    expired_api_key,
    model_not_allowed,
    endpoint_not_allowed,
    project_disabled,
    model_not_found,
    unknown_url,
    endpoint_removed,
    endpoint_not_supported,
    method_not_allowed,
    request_timeout,
    idempotency_conflict,
    length_required,
    request_too_large,
    tokens_exceeded,
    unsupported_media_type,
    rate_limit_exceeded,
    insufficient_quota,
    headers_too_large,
    internal_error,
    upstream_invalid_response,
    provider_auth_failed,
    upstream_unavailable,
    overloaded,
    limits_unavailable,
    records_unavailable,
    provider_quota_exhausted,
    upstream_timeout,
    only_if_cached,
    upstream_interrupted,  // only inside a stream
};

std::string_view to_string(ErrorCode code);

/// The HTTP status, OpenAI error type and retry advice that belong to a code.
struct ErrorTraits {
    int status;
    std::string_view type;  // "invalid_request_error", "authentication_error", ...
    bool may_retry;         // false: the answer carries `x-should-retry: false`
};
const ErrorTraits& traits(ErrorCode code);

/// An error of ours, as the client will see it. `message` is fit for the client: no secrets, no
/// addresses. `param` is the JSON path of the field at fault, empty where there is none.
struct ApiError {
    ErrorCode code;
    std::string message;
    std::string param;
    /// Value of the `Allow` header of a 405, else empty.
    std::string_view allow;

    int status() const { return traits(code).status; }
};

/// {"error":{"message":…,"type":…,"param":…|null,"code":…}}, one line, no newline at the end.
std::string to_json(const ApiError& error);

/// `text` as a JSON string, with its quotes.
std::string quoted_json(std::string_view text);

/// Appends `text` as the inside of a JSON string: escapes what RFC 8259 §7 asks for; bytes that
/// are not UTF-8 become U+FFFD.
void append_json_escaped(std::string& out, std::string_view text);

}  // namespace headgate::providers
