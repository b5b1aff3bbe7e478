#include "policy/config/source_text.h"

#include "policy/config/spelling.h"
#include "providers/base/bytes.h"

namespace headgate::policy {
namespace {

using providers::ByteRange;

constexpr std::string_view kRedacted = "<redacted>";
constexpr std::size_t kMaxShown = 160;
constexpr std::size_t kMaxLooked = 1024;
constexpr std::size_t kShortestSecretWord = 8;
constexpr std::string_view kBetweenWords = " \t\r\n\"',{}[]";

bool is_word_char(char c) {
    return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || ('0' <= c && c <= '9') || c == '_' ||
           c == '-' || c == '.';
}

bool is_lower_hex(std::string_view text) {
    return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// `sha256: <64 digits>` is no secret; anything else there may be a key pasted by mistake.
bool is_plain_digest(std::string_view value) {
    const std::size_t begin = value.find_first_not_of(" \t\"'");
    if (begin == std::string_view::npos || value.size() - begin < 64 ||
        !is_lower_hex(value.substr(begin, 64))) {
        return false;
    }
    return value.size() == begin + 64 || !is_word_char(value[begin + 64]);
}

/// `keys: [hg-…]` instead of a list of maps.
bool is_list_of_maps(std::string_view value) {
    const std::size_t begin = value.find_first_not_of(" \t[");
    return begin == std::string_view::npos || value[begin] == '{' || value[begin] == '#';
}

/// The word before the colon at `colon`, quotes and blanks left out.
std::string_view name_before(std::string_view line, std::size_t colon) {
    const std::size_t last = line.substr(0, colon).find_last_not_of(" \t\"'");
    if (last == std::string_view::npos) {
        return {};
    }
    std::size_t begin = last + 1;
    while (begin > 0 && is_word_char(line[begin - 1])) {
        --begin;
    }
    return line.substr(begin, last + 1 - begin);
}

/// Where a secret's value begins (behind its colon), or npos.
std::size_t secret_begin(std::string_view line) {
    for (std::size_t colon = line.find(':'); colon != std::string_view::npos;
         colon = line.find(':', colon + 1)) {
        const std::string_view name = name_before(line, colon);
        const std::string_view value = line.substr(colon + 1);
        if (name == "keys" ? !is_list_of_maps(value)
                           : names_secret(name) && !is_plain_reference(value) &&
                                 !(name == "sha256" && is_plain_digest(value))) {
            return colon + 1;
        }
    }
    return std::string_view::npos;
}

/// The first word of `text` that begins at `from` or later; empty where there is none.
ByteRange word_from(std::string_view text, std::size_t from) {
    const std::size_t begin = std::min(text.find_first_not_of(kBetweenWords, from), text.size());
    return {begin, std::min(text.find_first_of(kBetweenWords, begin), text.size())};
}

/// The beginning of a long line, up to the end of a word: half a secret would not be recognized.
std::string_view shortened(std::string_view line) {
    if (line.size() <= kMaxLooked) {
        return line;
    }
    const std::size_t end = line.find_last_of(kBetweenWords, kMaxLooked);
    return line.substr(0, end == std::string_view::npos ? 0 : end);
}

std::size_t indentation_of(std::string_view line) {
    return std::min(line.find_first_not_of(" \t\r"), line.size());
}

/// User name and password, and the query, of every URL in `text`.
void redact_urls(std::string& text) {
    for (std::size_t at = text.find("://"); at != std::string::npos; at = text.find("://", at)) {
        at += 3;
        std::size_t end = std::min(text.find_first_of(" \t\"'", at), text.size());
        const std::size_t user_end = text.substr(0, end).rfind('@');
        if (user_end != std::string::npos && user_end > at) {
            text.replace(at, user_end - at, kRedacted);
            end = std::min(text.find_first_of(" \t\"'", at), text.size());
        }
        const std::size_t query = text.find('?', at);
        if (query < end) {
            text.replace(query + 1, end - query - 1, kRedacted);
        }
    }
}

/// Where the user and password end that begin at `at`, behind the scheme of a store's URL; `at`:
/// there are none. Also those of a URL that is none, with blanks or without its host.
std::size_t credential_end(std::string_view text, std::size_t at) {
    const std::size_t end = std::min(text.find_first_of(" \t\"'", at), text.size());
    const std::size_t next = std::min(text.find("://", at), text.size());
    for (const std::size_t last : {end, next}) {
        const std::size_t user_end = text.substr(0, last).rfind('@');
        if (user_end != std::string_view::npos && user_end > at) {
            return user_end;
        }
    }
    const std::string_view authority =
        text.substr(at, std::min(text.find_first_of("/?#,}]", at), end) - at);
    const std::size_t colon = authority.find(':');
    const bool is_port = colon == std::string_view::npos ||
                         (colon > 0 && authority.find_first_not_of("0123456789", colon + 1) ==
                                           std::string_view::npos);
    return is_port || authority.starts_with('[') ? at : at + authority.size();
}

/// User name and password of every `redis:` and `postgresql:` URL, however broken it is.
void redact_store_urls(std::string& text) {
    for (const std::string_view name : {"redis", "postgres"}) {
        for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at)) {
            at = std::min(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz+", at), text.size());
            if (at == text.size() || text[at] != ':') {
                continue;
            }
            at = std::min(text.find_first_not_of('/', at + 1), text.size());
            const std::size_t end = credential_end(text, at);
            if (end > at) {
                text.replace(at, end - at, kRedacted);
                at += kRedacted.size();
            }
        }
    }
}

/// Words that begin like a key: `hg-`, `sk-`, `gsk_` and ten characters or more behind it.
void redact_key_like(std::string& text) {
    for (const std::string_view prefix : {"hg-", "sk-", "gsk_", "xai-", "AIza"}) {
        for (std::size_t at = text.find(prefix); at != std::string::npos;
             at = text.find(prefix, at + 1)) {
            std::size_t end = at;
            while (end < text.size() && is_word_char(text[end])) {
                ++end;
            }
            const bool begins_word = at == 0 || !is_word_char(text[at - 1]);
            if (begins_word && end - at >= prefix.size() + 10) {
                text.replace(at, end - at, kRedacted);
            }
        }
    }
}

/// Long words that mix cases and digits as only random ones do.
void redact_random(std::string& text) {
    constexpr std::size_t shortest = 32;
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = at;
        bool has_lower = false;
        bool has_upper = false;
        bool has_digit = false;
        for (; end < text.size() && is_word_char(text[end]); ++end) {
            has_lower = has_lower || ('a' <= text[end] && text[end] <= 'z');
            has_upper = has_upper || ('A' <= text[end] && text[end] <= 'Z');
            has_digit = has_digit || ('0' <= text[end] && text[end] <= '9');
        }
        if (end - at >= shortest && has_lower && has_upper && has_digit) {
            text.replace(at, end - at, kRedacted);
            end = at + kRedacted.size();
        }
        at = end + 1;
    }
}

}  // namespace

bool is_plain_reference(std::string_view value) {
    value = value.substr(0, kMaxLooked);
    const std::size_t begin = value.find_first_not_of(" \t\"'");
    if (begin == std::string_view::npos || !value.substr(begin).starts_with("${")) {
        return false;
    }
    const std::size_t end = value.find('}', begin);
    if (end == std::string_view::npos ||
        value.substr(begin, end - begin).find(":-") != std::string_view::npos) {
        return false;  // the default may be a literal secret
    }
    const std::size_t behind = value.find_first_not_of(" \t\r", end + 1);
    return behind == std::string_view::npos || std::string_view("\"',}]#").contains(value[behind]);
}

bool names_secret(std::string_view name) {
    std::string letters;
    for (const char c : name) {
        const char lower = static_cast<char>('A' <= c && c <= 'Z' ? c + ('a' - 'A') : c);
        if (('a' <= lower && lower <= 'z') || ('0' <= lower && lower <= '9')) {
            letters += lower;
        }
    }
    for (const std::string_view part : {"apikey", "secret", "password", "passwd", "credential",
                                        "authorization", "bearer", "sha256"}) {
        if (letters.contains(part)) {
            return true;
        }
    }
    const bool is_like_key =
        letters.size() <= 4 && letters != "keys" && edit_distance(letters, "key") <= 1;
    return is_like_key || letters.ends_with("key") || letters.ends_with("token") ||
           (letters.size() >= 4 && edit_distance(letters, "apikey") <= 2);
}

SourceText::SourceText(std::string text, std::shared_ptr<SecretWords> words)
    : text_{std::move(text)}, words_{words ? std::move(words) : std::make_shared<SecretWords>()} {}

void SourceText::find_lines() const {
    if (!line_begins_.empty()) {
        return;
    }
    line_begins_.push_back(0);
    for (std::size_t at = text_.find('\n'); at != std::string::npos;
         at = text_.find('\n', at + 1)) {
        line_begins_.push_back(at + 1);
    }
    continues_secret_.resize(line_begins_.size());
    std::optional<std::size_t> secret_indentation;  // of the line whose value goes on
    for (std::size_t i = 0; i < line_begins_.size(); ++i) {
        const std::string_view line = raw_line(i);
        const std::size_t indentation = indentation_of(line);
        if (secret_indentation &&
            (indentation > *secret_indentation || indentation == line.size())) {
            continues_secret_[i] = true;
            continue;
        }
        secret_indentation.reset();
        if (secret_begin(line) != std::string_view::npos) {
            secret_indentation = indentation;
        }
    }
}

std::string_view SourceText::raw_line(std::size_t index) const {
    const std::size_t begin = line_begins_[index];
    const std::size_t end =
        index + 1 < line_begins_.size() ? line_begins_[index + 1] : text_.size();
    std::string_view line{text_.data() + begin, end - begin};
    while (line.ends_with('\n') || line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    return line;
}

void SecretWords::learn(const YamlNode& root) {
    for (const YamlPtr& item : root.items) {
        learn(*item);
    }
    for (const YamlEntry& entry : root.entries) {
        if (names_secret(entry.key->text) || entry.key->text == "keys") {
            learn_secret(*entry.value);
        }
        learn(*entry.value);
    }
}

void SecretWords::learn_secret(const YamlNode& value) {
    for (const YamlPtr& item : value.items) {
        learn_secret(*item);
    }
    if (value.kind != YamlNode::Kind::scalar || is_plain_reference(value.text) ||
        is_plain_digest(value.text)) {
        return;
    }
    for (ByteRange word = word_from(value.text, 0); !word.empty();
         word = word_from(value.text, word.end)) {
        if (word.size() >= kShortestSecretWord) {
            words_.emplace(word.in(value.text));
        }
    }
}

std::string SourceText::line(int number) const {
    find_lines();
    if (number < 1 || static_cast<std::size_t>(number) > line_begins_.size()) {
        return {};
    }
    const std::size_t index = static_cast<std::size_t>(number) - 1;
    if (continues_secret_[index]) {
        return std::string(kRedacted);
    }
    const std::string_view line = shortened(raw_line(index));
    const std::size_t secret = secret_begin(line);
    std::string shown = redacted(line.substr(0, std::min(secret, line.size())));
    if (secret != std::string_view::npos) {
        shown += ' ';
        shown += kRedacted;
    }
    if (shown.size() > kMaxShown) {
        std::size_t end = kMaxShown;
        while (end > 0 && (static_cast<unsigned char>(shown[end]) & 0xC0) == 0x80) {
            --end;  // not inside a UTF-8 character
        }
        shown.resize(end);
        shown += "...";
    }
    return shown;
}

std::string SourceText::redacted(std::string_view text) const {
    std::string shown{text};
    for (ByteRange word = word_from(shown, 0); !word.empty(); word = word_from(shown, word.end)) {
        if (words_->contains(word.in(shown))) {
            shown.replace(word.begin, word.size(), kRedacted);
            word.end = word.begin + kRedacted.size();
        }
    }
    redact_store_urls(shown);
    redact_urls(shown);
    redact_key_like(shown);
    redact_random(shown);
    for (char& c : shown) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte < 0x20 && c != '\t') || byte == 0x7F) {
            c = '?';
        }
    }
    return shown;
}

}  // namespace headgate::policy
