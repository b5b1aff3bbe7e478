#include "proxy/admin/explain_query.h"

#include "proxy/admin/query.h"

#include <algorithm>
#include <string>
#include <utility>

namespace headgate::proxy {
namespace {

using policy::Question;
using providers::Result;

constexpr std::size_t kMaxShown = 64;  // of a name that we do not know

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
        return parameter_error("header", "`header` must be NAME:VALUE.");
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
            return parameter_error("stream", "`stream` must be true or false.");
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
        return parameter_error(shown,
                               "Unknown parameter `" + shown +
                                   "`: project, model, endpoint, stream and header are known.");
    }
    *text = std::move(value);
    return {};
}

}  // namespace

Result<Question> question_from(std::string_view query) {
    auto pairs = query_pairs(query, "header");
    if (!pairs) {
        return std::unexpected{pairs.error()};
    }
    Question question;
    for (auto& [name, value] : *pairs) {
        if (const Result<void> added = add(question, name, std::move(value)); !added) {
            return std::unexpected{added.error()};
        }
    }
    for (const auto& [name, value] :
         {std::pair{"project", &question.project}, std::pair{"model", &question.model}}) {
        if (value->empty()) {
            return parameter_error(name, std::string{"`"} + name + "` is needed.");
        }
    }
    return question;
}

}  // namespace headgate::proxy
