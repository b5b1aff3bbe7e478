#include "providers/openai/errors.h"

#include "providers/contract/api_error.h"
#include "providers/openai/error_body.h"
#include "providers/openai/mask.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace headgate::providers::openai {
namespace {

constexpr std::size_t kMaxMessage = 2000;
constexpr std::size_t kMaxCode = 128;

constexpr std::array<std::string_view, 8> kCredentialCodes{
    "invalid_api_key",      "expired_api_key",
    "account_deactivated",  "organization_deactivated",
    "invalid_organization", "mismatched_organization",
    "missing_scope",        "ip_not_authorized"};

constexpr std::array<std::string_view, 5> kQuotaCodes{
    "insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "access_terminated",
    "exceeded_current_quota_error"};  // the last: Moonshot's type

bool is_among(std::span<const std::string_view> codes, std::string_view code) {
    return std::ranges::find(codes, code) != codes.end();
}

std::string_view type_of(int status) {
    switch (status) {
        case 401:
            return "authentication_error";
        case 402:
            return "insufficient_quota";
        case 403:
            return "permission_error";
        case 408:
        case 504:
            return "timeout_error";
        case 409:
            return "conflict_error";
        case 429:
            return "rate_limit_error";
        case 502:
            return "upstream_error";
        case 529:
            return "overloaded_error";
        default:
            return status < 500 ? "invalid_request_error" : "server_error";
    }
}

/// A quota of the day, as OpenAI ("tokens per day (TPD)"), Groq and Gemini name it.
bool is_of_the_day(const ErrorBody& told, std::string_view code) {
    constexpr std::array<std::string_view, 5> kWords{"per day", "per_day", "perday", "(rpd)",
                                                     "(tpd)"};
    return std::ranges::any_of(kWords, [&](std::string_view word) {
        return speaks_of(told.message, word) || speaks_of(code, word) || speaks_of(told.type, word);
    });
}

bool is_html(std::string_view text) {
    constexpr std::array<std::string_view, 5> kTags{"<!doctype", "<html", "<head", "<body",
                                                    "<title"};
    return std::ranges::any_of(kTags, [&](std::string_view tag) { return speaks_of(text, tag); });
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n";
    const std::size_t begin = text.find_first_not_of(kSpace);
    if (begin == std::string_view::npos) {
        return {};
    }
    return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

/// At most kMaxMessage bytes, no sequence of UTF-8 cut in two.
std::string_view shortened(std::string_view text) {
    if (text.size() <= kMaxMessage) {
        return text;
    }
    std::size_t end = kMaxMessage;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) {
        --end;
    }
    return text.substr(0, end);
}

/// A body that is not JSON may be its own message, unless it is markup or JSON gone wrong.
std::string plain_message(Bytes body) {
    const std::string_view text = trimmed(body);
    const bool is_markup = text.starts_with('<') || is_html(text);
    const bool is_broken_json = text.starts_with('{') || text.starts_with('[');
    return is_markup || is_broken_json || text.size() > kMaxMessage ? std::string{}
                                                                    : std::string{text};
}

void append_text_or_null(std::string& out, const std::optional<std::string>& text) {
    if (!text || text->empty()) {
        out.append("null");
        return;
    }
    out += '"';
    append_json_escaped(out, mask_identifiers(shortened(*text)));
    out += '"';
}

std::string wrapped(int status, const ErrorBody& told) {
    std::string message = mask_identifiers(shortened(trimmed(told.message)));
    if (message.empty()) {
        message = "The provider answered with status " + std::to_string(status) + ".";
    }
    std::string out = R"({"error":{"message":")";
    append_json_escaped(out, message);
    out.append(R"(","type":")");
    append_json_escaped(out, told.type.empty() ? type_of(status) : shortened(told.type));
    out.append(R"(","param":)");
    append_text_or_null(out, told.param);
    out.append(R"(,"code":)");
    append_text_or_null(out, told.code);
    out.append("}}");
    return out;
}

/// The provider's own bytes, masked; none where they have another shape or an id is spelled with
/// escapes, so that only the text shows it.
std::optional<std::string> passing(Bytes body, const ErrorBody& told) {
    if (!told.is_openai_shape || is_html(told.message)) {
        return std::nullopt;
    }
    std::string masked = mask_identifiers(body);
    const std::optional<ErrorBody> seen = parse_error_body(masked);
    if (!seen || mask_identifiers(seen->message) != seen->message) {
        return std::nullopt;
    }
    return masked;
}

/// A code as a ledger row takes it: a short word, else nothing.
std::string row_code(const std::optional<std::string>& code) {
    const auto is_plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-' || c == '.';
    };
    const bool is_word = code && code->size() <= kMaxCode && std::ranges::all_of(*code, is_plain);
    return is_word ? *code : std::string{};
}

}  // namespace

bool speaks_of(std::string_view text, std::string_view lower_case_words) {
    const auto equal = [](char a, char b) {
        return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + ('a' - 'A')) : a) == b;
    };
    return !std::ranges::search(text, lower_case_words, equal).empty();
}

ProviderError decode_error(int status, Bytes body) {
    ErrorBody told;
    if (body.size() <= kMaxErrorBody) {
        if (std::optional<ErrorBody> parsed = parse_error_body(body)) {
            told = *std::move(parsed);
        } else {
            told.message = plain_message(body);
        }
    }
    const std::string_view code = told.code ? std::string_view{*told.code} : std::string_view{};

    ProviderError error;
    error.code = row_code(told.code);
    error.is_quota =
        status == 402 ||
        (status < 500 && (is_among(kQuotaCodes, code) || is_among(kQuotaCodes, told.type)));
    error.is_credential =
        !error.is_quota && (status == 401 || (status == 403 && is_among(kCredentialCodes, code)));
    error.is_daily = status == 429 && !error.is_quota && is_of_the_day(told, code);
    std::optional<std::string> own = passing(body, told);
    if (!own && is_html(told.message)) {
        told.message.clear();
    }
    error.body = own ? *std::move(own) : wrapped(status, told);
    return error;
}

}  // namespace headgate::providers::openai
