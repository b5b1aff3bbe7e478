#include "providers/simulator/text.h"

#include <algorithm>
#include <array>

namespace headgate::providers {
namespace {

// One token each: letters only, at most 16 bytes.
constexpr std::array<std::string_view, 64> kVocabulary = {
    "amber",  "answer",  "bridge", "bright", "calm",   "candle", "change",  "clear",
    "cloud",  "color",   "course", "day",    "deep",   "door",   "early",   "earth",
    "edge",   "even",    "field",  "first",  "fresh",  "garden", "gate",    "gentle",
    "glass",  "green",   "harbor", "hill",   "house",  "island", "journey", "kind",
    "lake",   "letter",  "light",  "little", "long",   "maple",  "market",  "meadow",
    "mind",   "morning", "music",  "north",  "number", "open",   "paper",   "path",
    "quiet",  "rain",    "reason", "river",  "road",   "round",  "season",  "silver",
    "simple", "slow",    "small",  "song",   "stone",  "story",  "water",   "wind"};

constexpr std::string_view kLettersAndDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

constexpr std::size_t kLongestRun = 16;

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool is_word_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           static_cast<unsigned char>(c) >= 0x80;
}

bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

}  // namespace

std::uint64_t hash_of(std::string_view bytes, std::uint64_t seed) {
    std::uint64_t hash = seed;
    for (const char byte : bytes) {
        hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
    }
    return hash;
}

std::uint64_t Random::next() {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
}

std::string_view Random::word() {
    return kVocabulary[below(kVocabulary.size())];
}

std::size_t token_end(std::string_view text, std::size_t begin) {
    std::size_t at = begin;
    while (at < text.size() && is_space(text[at])) {
        ++at;
    }
    if (at == text.size() || !is_word_byte(text[at])) {
        return std::min(at + 1, text.size());
    }
    const std::size_t run = at;
    while (at < text.size() && is_word_byte(text[at]) &&
           (at - run < kLongestRun || is_continuation(text[at]))) {
        ++at;
    }
    return at;
}

std::int64_t count_tokens(std::string_view text) {
    std::int64_t count = 0;
    for (std::size_t at = 0; at < text.size(); at = token_end(text, at)) {
        ++count;
    }
    return count;
}

Speech::Speech(std::string whole) : text{std::move(whole)} {
    ends.reserve(text.size() / 5 + 1);
    for (std::size_t at = 0; at < text.size();) {
        at = token_end(text, at);
        ends.push_back(at);
    }
}

std::string_view Speech::token(std::size_t index) const {
    const std::size_t begin = token_begin(index);
    return std::string_view{text}.substr(begin, ends[index] - begin);
}

bool Speech::cut_to_tokens(std::int64_t count) {
    if (tokens() <= count) {
        return false;
    }
    ends.resize(static_cast<std::size_t>(std::max<std::int64_t>(count, 0)));
    text.resize(ends.empty() ? 0 : ends.back());
    return true;
}

bool Speech::cut_at(const std::vector<std::string>& stops) {
    std::size_t first = std::string::npos;
    for (const std::string& stop : stops) {
        first = std::min(first, text.find(stop));
    }
    if (first == std::string::npos) {
        return false;
    }
    *this = Speech{text.substr(0, first)};  // a stop may end inside what was one token
    return true;
}

std::string words(Random& random, std::int64_t count) {
    std::string text;
    text.reserve(static_cast<std::size_t>(std::max<std::int64_t>(count, 0)) * 7);
    for (std::int64_t i = 0; i < count; ++i) {
        if (i != 0) {
            text += ' ';
        }
        text += random.word();
    }
    return text;
}

std::string made_id(std::string_view prefix, std::size_t length, Random& random) {
    std::string id{prefix};
    id.reserve(prefix.size() + length);
    for (std::size_t i = 0; i < length; ++i) {
        id += kLettersAndDigits[random.below(kLettersAndDigits.size())];
    }
    return id;
}

std::string base64_of(std::string_view bytes) {
    constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::size_t here = std::min<std::size_t>(bytes.size() - at, 3);
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            group = group << 8 | (i < here ? static_cast<unsigned char>(bytes[at + i]) : 0U);
        }
        for (std::size_t i = 0; i < 4; ++i) {
            out += i <= here ? kAlphabet[group >> (18 - 6 * i) & 63U] : '=';
        }
    }
    return out;
}

}  // namespace headgate::providers
