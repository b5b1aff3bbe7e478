#include "providers/contract/api_error.h"

#include "providers/contract/json_text.h"

namespace headgate::providers {
namespace {

struct Row {
    ErrorCode code;
    std::string_view name;
    ErrorTraits traits;
};

/// In the order of the enumerators.
constexpr Row kRows[] = {
    {ErrorCode::invalid_json, "invalid_json", {400, "invalid_request_error", false}},
    {ErrorCode::invalid_request, "invalid_request", {400, "invalid_request_error", false}},
    {ErrorCode::unsupported_parameter,
     "unsupported_parameter",
     {400, "invalid_request_error", false}},
    {ErrorCode::max_cost_exceeded, "max_cost_exceeded", {400, "invalid_request_error", false}},
    {ErrorCode::price_unknown, "price_unknown", {400, "invalid_request_error", false}},
    {ErrorCode::invalid_api_key, "invalid_api_key", {401, "authentication_error", false}},
    {ErrorCode::missing_api_key, "missing_api_key", {401, "authentication_error", false}},
    {ErrorCode::expired_api_key, "expired_api_key", {401, "authentication_error", false}},
    {ErrorCode::model_not_allowed, "model_not_allowed", {403, "permission_error", false}},
    {ErrorCode::endpoint_not_allowed, "endpoint_not_allowed", {403, "permission_error", false}},
    {ErrorCode::project_disabled, "project_disabled", {403, "permission_error", false}},
    {ErrorCode::model_not_found, "model_not_found", {404, "invalid_request_error", false}},
    {ErrorCode::unknown_url, "unknown_url", {404, "invalid_request_error", false}},
    {ErrorCode::endpoint_removed, "endpoint_removed", {404, "invalid_request_error", false}},
    {ErrorCode::endpoint_not_supported,
     "endpoint_not_supported",
     {404, "invalid_request_error", false}},
    {ErrorCode::method_not_allowed, "method_not_allowed", {405, "invalid_request_error", false}},
    {ErrorCode::request_timeout, "request_timeout", {408, "timeout_error", true}},
    {ErrorCode::idempotency_conflict, "idempotency_conflict", {409, "conflict_error", true}},
    {ErrorCode::length_required, "length_required", {411, "invalid_request_error", false}},
    {ErrorCode::request_too_large, "request_too_large", {413, "invalid_request_error", false}},
    {ErrorCode::tokens_exceeded, "tokens_exceeded", {413, "invalid_request_error", false}},
    {ErrorCode::unsupported_media_type,
     "unsupported_media_type",
     {415, "invalid_request_error", false}},
    {ErrorCode::rate_limit_exceeded, "rate_limit_exceeded", {429, "rate_limit_error", true}},
    {ErrorCode::insufficient_quota, "insufficient_quota", {429, "insufficient_quota", false}},
    {ErrorCode::headers_too_large, "headers_too_large", {431, "invalid_request_error", false}},
    {ErrorCode::internal_error, "internal_error", {500, "server_error", true}},
    {ErrorCode::upstream_invalid_response,
     "upstream_invalid_response",
     {502, "upstream_error", true}},
    {ErrorCode::provider_auth_failed, "provider_auth_failed", {502, "upstream_error", false}},
    {ErrorCode::upstream_unavailable, "upstream_unavailable", {503, "server_error", true}},
    {ErrorCode::overloaded, "overloaded", {503, "server_error", true}},
    {ErrorCode::limits_unavailable, "limits_unavailable", {503, "server_error", true}},
    {ErrorCode::records_unavailable, "records_unavailable", {503, "server_error", true}},
    {ErrorCode::provider_quota_exhausted, "provider_quota_exhausted", {503, "server_error", false}},
    {ErrorCode::upstream_timeout, "upstream_timeout", {504, "timeout_error", true}},
    {ErrorCode::only_if_cached, "only_if_cached", {504, "timeout_error", false}},
    {ErrorCode::upstream_interrupted, "upstream_interrupted", {502, "upstream_error", true}},
};

constexpr bool is_in_order() {
    std::size_t index = 0;
    for (const Row& row : kRows) {
        if (static_cast<std::size_t>(row.code) != index++) {
            return false;
        }
    }
    return index == static_cast<std::size_t>(ErrorCode::upstream_interrupted) + 1;
}
static_assert(is_in_order(), "a row for each code, in the enumerators' order");

constexpr const Row& row_of(ErrorCode code) {
    return kRows[static_cast<std::size_t>(code)];
}

void append_escape(std::string& out, char c) {
    switch (c) {
        case '"':
            out += "\\\"";
            return;
        case '\\':
            out += "\\\\";
            return;
        case '\b':
            out += "\\b";
            return;
        case '\f':
            out += "\\f";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            break;
    }
    constexpr std::string_view kHex = "0123456789abcdef";
    const auto code = static_cast<unsigned char>(c);
    out += "\\u00";
    out += kHex[code >> 4U];
    out += kHex[code & 0xfU];
}

constexpr bool is_plain_ascii(char c) {
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

}  // namespace

std::string_view to_string(ErrorCode code) {
    return row_of(code).name;
}

const ErrorTraits& traits(ErrorCode code) {
    return row_of(code).traits;
}

std::string quoted_json(std::string_view text) {
    std::string json = "\"";
    append_json_escaped(json, text);
    return json + '"';
}

std::string to_json(const ApiError& error) {
    std::string out = R"({"error":{"message":")";
    append_json_escaped(out, error.message);
    out += R"(","type":")";
    out += traits(error.code).type;
    out += R"(","param":)";
    if (error.param.empty()) {
        out += "null";
    } else {
        out += '"';
        append_json_escaped(out, error.param);
        out += '"';
    }
    out += R"(,"code":")";
    out += to_string(error.code);
    out += R"("}})";
    return out;
}

void append_json_escaped(std::string& out, std::string_view text) {
    out.reserve(out.size() + text.size());
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t from = at;
        while (at < text.size() && is_plain_ascii(text[at])) {
            ++at;
        }
        out += text.substr(from, at - from);
        if (at == text.size()) {
            return;
        }
        const std::size_t length = utf8_length(text, at);
        if (length > 1 || text[at] == 0x7f) {
            out += text.substr(at, length);
        } else if (length == 1) {
            append_escape(out, text[at]);
        } else {
            out += "\xef\xbf\xbd";  // U+FFFD for each byte that is not part of valid UTF-8
        }
        at += length == 0 ? 1 : length;
    }
}

}  // namespace headgate::providers
