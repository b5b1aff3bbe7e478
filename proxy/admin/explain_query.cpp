#include "proxy/admin/explain_query.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace headgate::proxy {
namespace {

using policy::Question;
using providers::Result;

constexpr std::size_t kMaxParameters = 100;
constexpr std::size_t kMaxShown = 64;  // of a name that we do not know

std::unexpected<providers::ApiError> refusal(std::string_view param, std::string message) {
    return std::unexpected{providers::ApiError{.code = providers::ErrorCode::invalid_request,
                                               .message = std::move(message),
                                               .param = std::string{param},
                                               .allow = {}}};
}

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

/// nullopt: a `%` without two hex digits, or a control character came out.
std::optional<std::string> percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        char c = text[at] == '+' ? ' ' : text[at];
        if (c == '%') {
            const std::string_view digits = text.substr(at + 1, 2);
            unsigned value = 0;
            const char* end = digits.data() + digits.size();
            const auto [parsed, error] = std::from_chars(digits.data(), end, value, 16);
            if (digits.size() != 2 || error != std::errc{} || parsed != end) {
                return std::nullopt;
            }
            c = static_cast<char>(value);
            at += 2;
        }
        if (is_control(c)) {
            return std::nullopt;
        }
        out += c;
    }
    return out;
}

std::string lower_case(std::string_view text) {
    std::string out{text};
    std::ranges::transform(out, out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    });
    return out;
}

/// RFC 9110 §5.6.2: what a field name is made of.
bool is_token(std::string_view text) {
    constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::ranges::all_of(text, [&](char c) {
        const char lower = static_cast<char>(c | 0x20);
        return (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'z') ||
               marks.find(c) != std::string_view::npos;
    });
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(' ');
    return first == std::string_view::npos
               ? std::string_view{}
               : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

Result<void> add_header(Question& question, const std::string& text) {
    const std::size_t end_of_name = text.find_first_of(":=");
    const std::string_view name = std::string_view{text}.substr(0, end_of_name);
    if (end_of_name == std::string::npos || !is_token(name)) {
        return refusal("header", "`header` must be NAME:VALUE.");
    }
    question.headers.emplace_back(lower_case(name),
                                  trimmed(std::string_view{text}.substr(end_of_name + 1)));
    return {};
}

Result<void> add(Question& question, const std::string& name, std::string value) {
    if (name == "header") {
        return add_header(question, value);
    }
    if (name == "stream") {
        if (value != "true" && value != "false") {
            return refusal("stream", "`stream` must be true or false.");
        }
        question.stream = value == "true";
        return {};
    }
    std::string* const text = name == "project"    ? &question.project
                              : name == "model"    ? &question.model
                              : name == "endpoint" ? &question.endpoint
                                                   : nullptr;
    if (text == nullptr) {
        const std::string shown = name.substr(0, kMaxShown);
        return refusal(shown, "Unknown parameter `" + shown +
                                  "`: project, model, endpoint, stream and header are known.");
    }
    *text = std::move(value);
    return {};
}

Result<void> add_pair(Question& question, std::set<std::string>& seen, std::string_view pair) {
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const auto name = percent_decoded(pair.substr(0, equals));
    if (!name) {
        return refusal({}, "The query is not percent-encoded.");
    }
    auto value = percent_decoded(pair.substr(std::min(equals + 1, pair.size())));
    if (!value) {
        return refusal(name->substr(0, kMaxShown),
                       "A parameter's value is not percent-encoded, or holds a control character.");
    }
    if (*name != "header" && !seen.insert(*name).second) {
        return refusal(name->substr(0, kMaxShown), "A parameter may come only once.");
    }
    return add(question, *name, std::move(*value));
}

}  // namespace

Result<Question> question_from(std::string_view query) {
    Question question;
    std::set<std::string> seen;
    if (static_cast<std::size_t>(std::ranges::count(query, '&')) >= kMaxParameters) {
        return refusal({}, "The query has too many parameters.");
    }
    while (!query.empty()) {
        const std::size_t end = std::min(query.find('&'), query.size());
        const std::string_view pair = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        if (pair.empty()) {
            continue;
        }
        if (const Result<void> added = add_pair(question, seen, pair); !added) {
            return std::unexpected{added.error()};
        }
    }
    for (const auto& [name, value] :
         {std::pair{"project", &question.project}, std::pair{"model", &question.model}}) {
        if (value->empty()) {
            return refusal(name, std::string{"`"} + name + "` is needed.");
        }
    }
    return question;
}

}  // namespace headgate::proxy
