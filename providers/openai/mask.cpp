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

/// What the hosts of Azure's resources end with; the resource's name stands before it.
constexpr std::array<std::string_view, 5> kResourceDomains{
    ".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com",
    ".api.cognitive.microsoft.com", ".azure-api.net"};

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

bool is_host_char(char c) {
    return is_alphanumeric(c) || c == '-' || c == '.';
}

/// An odd number of backslashes before `at`: the character there is a JSON escape's letter.
bool is_escaped(std::string_view text, std::size_t at) {
    std::size_t backslashes = 0;
    while (backslashes < at && text[at - 1 - backslashes] == '\\') {
        ++backslashes;
    }
    return backslashes % 2 == 1;
}

bool ends_with_domain(std::string_view host, std::string_view domain) {
    const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    };
    return host.size() > domain.size() &&
           std::ranges::equal(host.substr(host.size() - domain.size()), domain, {}, lower);
}

/// True where a run of a host's characters begins at `at`: behind another character, or behind a
/// JSON escape, whose own letters are left alone.
bool begins_host(std::string_view text, std::size_t at) {
    if (!is_host_char(text[at]) || is_escaped(text, at)) {
        return false;
    }
    if (at == 0 || !is_host_char(text[at - 1])) {
        return true;
    }
    constexpr std::size_t kUnicodeEscape = 5;  // uXXXX
    const bool is_behind_unicode = at > kUnicodeEscape && text[at - kUnicodeEscape] == 'u' &&
                                   is_escaped(text, at - kUnicodeEscape);
    return is_behind_unicode || (text[at - 1] != 'u' && is_escaped(text, at - 1));
}

/// Bytes of the resource's name where the host of one begins at `at`; 0 where none does.
std::size_t resource_name_at(std::string_view text, std::size_t at) {
    if (!begins_host(text, at)) {
        return 0;
    }
    std::size_t end = at;
    while (end < text.size() && is_host_char(text[end])) {
        ++end;
    }
    std::string_view host = text.substr(at, end - at);
    host = host.substr(0, host.find_last_not_of(".-") + 1);  // the full stop of a sentence
    for (const std::string_view domain : kResourceDomains) {
        if (ends_with_domain(host, domain)) {
            return host.size() - domain.size();
        }
    }
    return 0;
}

}  // namespace

std::string mask_identifiers(std::string_view text) {
    std::string masked;
    masked.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const Id id = id_at(text, at);
        if (id.length != 0) {
            masked.append(id.prefix).append("***");
            at += id.length;
        } else if (const std::size_t name = resource_name_at(text, at); name != 0) {
            masked.append("***");
            at += name;
        } else {
            masked += text[at++];
        }
    }
    return masked;
}

}  // namespace headgate::providers::openai
