#include "policy/config/secret_text.h"

#include "policy/config/source_text.h"

namespace headgate::policy {
namespace {

constexpr std::size_t kLongLiteral = 16;  // a run of so many characters may be a key

/// A part of a scalar: a whole reference `${…}`, or what stands between two.
struct Piece {
    std::string_view text;
    bool is_reference = false;
};

/// Where the next reference begins, or npos. `$${` is none (expand.h).
std::size_t reference_begin(std::string_view text) {
    std::size_t at = text.find("${");
    while (at != std::string_view::npos && at > 0 && text[at - 1] == '$') {
        at = text.find("${", at + 2);
    }
    return at;
}

std::vector<Piece> pieces_of(std::string_view text) {
    std::vector<Piece> pieces;
    while (!text.empty()) {
        const std::size_t begin = reference_begin(text);
        const std::size_t end = begin == std::string_view::npos ? begin : text.find('}', begin);
        if (end == std::string_view::npos) {
            pieces.push_back({text});
            break;
        }
        if (begin > 0) {
            pieces.push_back({text.substr(0, begin)});
        }
        pieces.push_back({text.substr(begin, end + 1 - begin), true});
        text.remove_prefix(end + 1);
    }
    return pieces;
}

bool has_long_literal(std::string_view text) {
    std::size_t run = 0;
    for (const char c : text) {
        run = c == ' ' || c == ':' || c == '/' ? 0 : run + 1;
        if (run >= kLongLiteral) {
            return true;
        }
    }
    return false;
}

/// `${NAME:-default}` with its default redacted; any other reference as it is.
std::string without_default(std::string_view reference) {
    const std::size_t default_begin = reference.find(":-");
    if (default_begin == std::string_view::npos || reference.size() == default_begin + 3) {
        return std::string(reference);
    }
    return std::string(reference.substr(0, default_begin + 2)) + std::string(kRedacted) + "}";
}

/// The text with every reference overwritten, so that what is searched for is never inside one.
std::string masked(std::string_view text) {
    std::string result;
    for (const Piece& piece : pieces_of(text)) {
        result +=
            piece.is_reference ? std::string(piece.text.size(), 'x') : std::string(piece.text);
    }
    return result;
}

/// How many characters of `rest`, which follows a URL's `://`, are its user and password; npos:
/// it has none. A password may hold what should have been percent-encoded, `/` too.
std::size_t user_length(std::string_view rest) {
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
    if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
        return at;
    }
    const std::size_t colon =
        authority.starts_with('[') ? std::string_view::npos : authority.find(':');
    const bool has_port =
        colon == std::string_view::npos ||
        authority.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
    return has_port ? std::string_view::npos : rest.rfind('@');
}

/// Replaces `length` characters at `begin` in the text and its mask, which stay of one size.
void replace(std::string& text, std::string& mask, std::size_t begin, std::size_t length) {
    const std::string shown = redacted_secret(std::string_view(text).substr(begin, length));
    text.replace(begin, length, shown);
    mask.replace(begin, length, std::string(shown.size(), 'x'));
}

/// The values of parameters that ask for a secret, in the query that begins at `at`.
void redact_query(std::string& text, std::string& mask, std::size_t at) {
    for (std::size_t end = 0; at < mask.size(); at = end + 1) {
        end = std::min(mask.find_first_of("&; \t\"'#", at), mask.size());
        const std::size_t equal = mask.find('=', at);
        if (equal < end && names_secret(mask.substr(at, equal - at))) {
            replace(text, mask, equal + 1, end - equal - 1);
            end = std::min(mask.find_first_of("&; \t\"'#", equal), mask.size());
        }
        if (end == mask.size() || (mask[end] != '&' && mask[end] != ';')) {
            return;
        }
    }
}

}  // namespace

std::string redacted_secret(std::string_view text) {
    const std::vector<Piece> pieces = pieces_of(text);
    const bool has_reference = std::ranges::any_of(pieces, &Piece::is_reference);
    const bool has_key = std::ranges::any_of(pieces, [](const Piece& piece) {
        return !piece.is_reference && has_long_literal(piece.text);
    });
    if (!text.empty() && (!has_reference || has_key)) {
        return std::string(kRedacted);
    }
    std::string shown;
    for (const Piece& piece : pieces) {
        shown += piece.is_reference ? without_default(piece.text) : std::string(piece.text);
    }
    return shown;
}

std::string redacted_urls(std::string_view text) {
    std::string shown{text};
    std::string mask = masked(text);
    for (std::size_t at = mask.find("://"); at != std::string::npos; at = mask.find("://", at)) {
        at += 3;
        const std::size_t end = std::min(mask.find_first_of(" \t\"'", at), mask.size());
        const std::size_t length = user_length(std::string_view(mask).substr(at, end - at));
        if (length != std::string_view::npos) {
            replace(shown, mask, at, length);
        }
        const std::size_t query = mask.find_first_of("? \t\"'", at);
        if (query != std::string::npos && mask[query] == '?') {
            redact_query(shown, mask, query + 1);
        }
    }
    return shown;
}

bool has_plain_password(std::string_view text) {
    std::string mask = masked(text);
    for (std::size_t at = mask.find("://"); at != std::string::npos; at = mask.find("://", at)) {
        at += 3;
        const std::size_t end = std::min(mask.find_first_of(" \t\"'", at), mask.size());
        const std::size_t length = user_length(std::string_view(mask).substr(at, end - at));
        const std::size_t colon = mask.find(':', at);
        if (length != std::string_view::npos && colon < at + length) {
            const std::string_view password = text.substr(colon + 1, at + length - colon - 1);
            if (redacted_secret(password) != password) {
                return true;
            }
        }
        if (const std::size_t query = mask.find('?', at); query < end) {
            std::string shown{text};
            redact_query(shown, mask, query + 1);
            return shown != text;
        }
    }
    return false;
}

bool looks_like_credential(std::string_view text) {
    for (const std::string_view scheme : {"Bearer ", "bearer ", "Basic ", "basic ", "Token "}) {
        if (text.starts_with(scheme)) {
            return true;
        }
    }
    for (const std::string_view prefix : {"hg-", "sk-", "gsk_", "xai-", "AIza"}) {
        if (text.starts_with(prefix) && text.size() >= prefix.size() + 10) {
            return true;
        }
    }
    return false;
}

}  // namespace headgate::policy
