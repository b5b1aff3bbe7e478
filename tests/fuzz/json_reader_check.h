#pragma once

#include "providers/contract/json_reader.h"
#include "tests/fuzz/oracle.h"

#include <rapidjson/error/error.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

namespace headgate::fuzz {

/// What a walk over every token of a text found.
struct JsonWalk {
    bool is_valid = false;
    bool is_too_deep = false;
    bool has_lone_surrogate = false;
};

/// Compares skip() with the walk from `before`, whose next token begins a value.
inline void check_skip(providers::JsonReader before) {
    providers::JsonReader walker = before;
    const int depth = walker.depth();
    bool is_walked = true;
    do {
        const providers::JsonToken token = walker.next();
        is_walked = token != providers::JsonToken::error && token != providers::JsonToken::end;
    } while (is_walked && walker.depth() > depth);

    require(before.skip() == is_walked, "skip() judges a value as a walk does");
    require(before.depth() == walker.depth() && before.fault() == walker.fault(),
            "skip() stops where a walk does");
    require(!is_walked || before.range() == walker.range(), "skip() passes the same bytes");
    require(before.string_bytes() == walker.string_bytes(), "skip() counts the same strings");
}

inline JsonWalk walk(std::string_view text) {
    using providers::JsonToken;
    constexpr int kSkipsChecked = 64;
    providers::JsonReader reader{text};
    JsonWalk found;
    std::size_t passed = 0;
    int skips = 0;
    for (;;) {
        const providers::JsonReader before = reader;
        const JsonToken token = reader.next();
        if (token == JsonToken::error || token == JsonToken::end) {
            found.is_valid = token == JsonToken::end;
            break;
        }
        const bool is_end = token == JsonToken::end_object || token == JsonToken::end_array;
        if (!is_end && token != JsonToken::key && skips++ < kSkipsChecked) {
            check_skip(before);
        }
        const providers::ByteRange range = reader.range();
        require(range.begin >= passed && range.begin < range.end && range.end <= text.size(),
                "tokens ascend inside the text");
        require(is_inside(reader.raw(), range.in(text)), "a token's inside is inside");
        if (token == JsonToken::key || token == JsonToken::string) {
            require(reader.is(reader.text()), "a string is its own text");
            found.has_lone_surrogate |= reader.has_lone_surrogate();
        }
        passed = range.end;
    }
    found.is_too_deep = reader.fault() == providers::JsonFault::too_deep;
    require(reader.fault_offset() <= text.size(), "a fault is inside the text");
    require(reader.string_bytes() <= text.size(), "strings are part of the text");
    return found;
}

/// RapidJSON's verdict. It refuses two things that RFC 8259 allows: half surrogates, and numbers
/// beyond a double; and it takes a NUL for the end of the text.
inline rapidjson::ParseErrorCode rapidjson_verdict(std::string_view text) {
    rapidjson::MemoryStream stream{text.data(), text.size()};
    rapidjson::BaseReaderHandler<> ignore;
    rapidjson::Reader reader;
    constexpr unsigned kFlags =
        rapidjson::kParseValidateEncodingFlag | rapidjson::kParseIterativeFlag;
    return reader.Parse<kFlags>(stream, ignore).Code();
}

inline void check_json_reader(std::string_view text) {
    const JsonWalk found = walk(text);

    providers::JsonReader finisher{text};
    require(finisher.finish() == found.is_valid, "finish() judges as a walk does");

    if (text.find('\0') != std::string_view::npos) {
        return;
    }
    const rapidjson::ParseErrorCode verdict = rapidjson_verdict(text);
    if (found.is_valid && !found.has_lone_surrogate) {
        require(
            verdict == rapidjson::kParseErrorNone || verdict == rapidjson::kParseErrorNumberTooBig,
            "what we accept RapidJSON accepts");
    }
    if (!found.is_valid && !found.is_too_deep) {
        require(verdict != rapidjson::kParseErrorNone, "what we refuse RapidJSON refuses");
    }
}

}  // namespace headgate::fuzz
