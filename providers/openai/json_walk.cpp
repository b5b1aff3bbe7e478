#include "providers/openai/json_walk.h"

#include "providers/contract/answer_decoder.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace headgate::providers::openai {
namespace {

bool opens(JsonToken token) {
    return token == JsonToken::begin_object || token == JsonToken::begin_array;
}

/// Bytes of UTF-8 that `\uXXXX` stands for; half a pair counts half of the pair's four.
std::size_t escaped_size(std::string_view digits) {
    if (digits.starts_with("00") && digits[2] < '8') {
        return 1;
    }
    const bool is_surrogate = (digits[0] == 'd' || digits[0] == 'D') && digits[1] >= '8';
    const bool is_short = digits[0] == '0' && digits[1] < '8';
    return is_surrogate || is_short ? 2 : 3;
}

bool is_model_text_key(const JsonReader& reader) {
    constexpr std::array<std::string_view, 6> kKeys{"text",    "arguments", "input",
                                                    "refusal", "name",      "code"};
    return std::ranges::any_of(kKeys, [&](std::string_view key) { return reader.is(key); });
}

}  // namespace

void leave_value(JsonReader& reader) {
    if (opens(reader.token())) {
        reader.leave(reader.depth());
    }
}

ByteRange error_range(JsonReader& reader) {
    const JsonToken first = reader.next();
    const std::size_t begin = reader.range().begin;
    const bool is_error = opens(first) || (first == JsonToken::string && !reader.raw().empty());
    leave_value(reader);
    return is_error ? ByteRange{begin, reader.range().end} : ByteRange{};
}

std::string_view passed_service_tier(JsonReader& reader) {
    const bool is_text = reader.next() == JsonToken::string;
    const std::string_view tier = is_text ? reader.raw() : std::string_view{};
    leave_value(reader);
    return tier.size() <= kMaxServiceTier ? tier : std::string_view{};
}

std::size_t text_size(const JsonReader& reader) {
    const std::string_view raw = reader.raw();
    if (!reader.has_escapes()) {
        return raw.size();
    }
    std::size_t size = 0;
    for (std::size_t at = 0; at < raw.size();) {
        if (raw[at] != '\\') {
            ++size;
            ++at;
        } else if (raw[at + 1] != 'u') {
            ++size;
            at += 2;
        } else {
            size += escaped_size(raw.substr(at + 2, 4));
            at += 6;
        }
    }
    return size;
}

std::size_t passed_text(JsonReader& reader) {
    const JsonToken first = reader.next();
    if (first == JsonToken::string) {
        return text_size(reader);
    }
    if (!opens(first)) {
        return 0;
    }
    std::size_t size = 0;
    const int depth = reader.depth();
    while (reader.depth() >= depth && reader.next() != JsonToken::error) {
        if (reader.token() == JsonToken::string) {
            size += text_size(reader);
        }
    }
    return size;
}

std::size_t passed_model_text(JsonReader& reader) {
    if (!opens(reader.next())) {
        return 0;
    }
    std::size_t size = 0;
    bool is_wanted = false;
    const int depth = reader.depth();
    while (reader.depth() >= depth && reader.next() != JsonToken::error) {
        if (reader.token() == JsonToken::key) {
            is_wanted = is_model_text_key(reader);
            continue;
        }
        if (is_wanted && reader.token() == JsonToken::string) {
            size += text_size(reader);
        }
        is_wanted = false;
    }
    return size;
}

}  // namespace headgate::providers::openai
