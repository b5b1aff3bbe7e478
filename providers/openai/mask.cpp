#include "providers/openai/mask.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace headgate::providers::openai {
namespace {

struct Mark {
    std::string_view prefix;
    std::size_t least;    // characters behind the prefix
    bool is_also_a_word;  // then a digit, an upper-case letter or a long run tells the id
};

/// OpenAI's ids and keys, keys of ours, and those of providers that serve OpenAI's format.
constexpr std::array<Mark, 11> kMarks{{{"org-", 3, true},
                                       {"org_", 6, true},
                                       {"proj_", 3, false},
                                       {"sk-", 3, false},
                                       {"sk_", 8, true},
                                       {"hg-", 3, false},
                                       {"gsk_", 3, false},
                                       {"xai-", 8, false},
                                       {"pplx-", 8, false},
                                       {"nvapi-", 8, false},
                                       {"AIza", 8, false}}};

constexpr std::size_t kLongRun = 16;

bool is_digit_or_upper(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
}
bool is_alphanumeric(char c) {
    return is_digit_or_upper(c) || (c >= 'a' && c <= 'z');
}
/// `*` stands in keys that a provider has half masked itself.
bool is_id_char(char c) {
    return is_alphanumeric(c) || c == '-' || c == '_' || c == '*';
}

bool tells_an_id(std::string_view run) {
    return std::ranges::any_of(run, [](char c) { return is_digit_or_upper(c) || c == '*'; }) ||
           (run.size() >= kLongRun && std::ranges::all_of(run, is_alphanumeric));
}

/// Characters of an id behind its prefix at the start of `text`; 0 where there is none.
std::size_t id_length(std::string_view text, const Mark& mark) {
    if (!text.starts_with(mark.prefix)) {
        return 0;
    }
    const std::string_view rest = text.substr(mark.prefix.size());
    std::size_t end = 0;
    while (end < rest.size() && is_id_char(rest[end])) {
        ++end;
    }
    const std::string_view run = rest.substr(0, end);
    const bool is_id = run.size() >= mark.least && (!mark.is_also_a_word || tells_an_id(run));
    return is_id ? run.size() : 0;
}

/// A word may begin at `at`. The letter of a JSON escape such as `\n` is no part of a word.
bool begins_word(std::string_view text, std::size_t at) {
    if (at == 0 || !is_alphanumeric(text[at - 1])) {
        return true;
    }
    return at >= 2 && text[at - 2] == '\\';
}

/// What begins at `at`: its prefix and its length with it; empty where it is no id.
struct Id {
    std::string_view prefix;
    std::size_t length = 0;
};

Id id_at(std::string_view text, std::size_t at) {
    if (!begins_word(text, at)) {
        return {};
    }
    for (const Mark& mark : kMarks) {
        const std::size_t behind_prefix = id_length(text.substr(at), mark);
        if (behind_prefix != 0) {
            return {.prefix = mark.prefix, .length = mark.prefix.size() + behind_prefix};
        }
    }
    return {};
}

}  // namespace

std::string mask_identifiers(std::string_view text) {
    std::string masked;
    masked.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const Id id = id_at(text, at);
        if (id.length == 0) {
            masked += text[at++];
        } else {
            masked.append(id.prefix).append("***");
            at += id.length;
        }
    }
    return masked;
}

}  // namespace headgate::providers::openai
