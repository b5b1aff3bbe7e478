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

ByteRange value_range(JsonReader& reader) {
    reader.next();
    const std::size_t begin = reader.range().begin;
    leave_value(reader);
    return {begin, reader.range().end};
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

bool count_text(JsonReader& reader, AnswerTokens& tokens, std::int64_t part) {
    const JsonToken first = reader.next();
    if (first == JsonToken::string) {
        tokens.add(reader.raw(), part);
        return !reader.raw().empty();
    }
    if (!opens(first)) {
        return false;
    }
    bool has_text = false;
    const int depth = reader.depth();
    while (reader.depth() >= depth && reader.next() != JsonToken::error) {
        if (reader.token() == JsonToken::string) {
            tokens.add(reader.raw(), part);
            has_text = has_text || !reader.raw().empty();
        }
    }
    return has_text;
}

void count_model_text(JsonReader& reader, AnswerTokens& tokens, std::int64_t part) {
    if (!opens(reader.next())) {
        return;
    }
    bool is_wanted = false;
    const int depth = reader.depth();
    while (reader.depth() >= depth && reader.next() != JsonToken::error) {
        if (reader.token() == JsonToken::key) {
            is_wanted = is_model_text_key(reader);
            continue;
        }
        if (is_wanted && reader.token() == JsonToken::string) {
            tokens.add(reader.raw(), part);
        }
        is_wanted = false;
    }
}

}  // namespace headgate::providers::openai
