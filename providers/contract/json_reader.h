#pragma once

#include "providers/base/bytes.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace headgate::providers {

enum class JsonToken : std::uint8_t {
    begin_object,
    end_object,
    begin_array,
    end_array,
    key,
    string,
    number,
    true_value,
    false_value,
    null_value,
    end,    // the whole text was one valid JSON value
    error,  // see fault(); every further call gives `error` again
};

enum class JsonFault : std::uint8_t {
    none,
    unexpected_end,
    unexpected_byte,
    invalid_utf8,
    invalid_escape,
    invalid_number,
    control_byte,
    too_deep,
    trailing_bytes,
};

/// "invalid UTF-8" and the like: the problem in words for a message.
std::string_view to_string(JsonFault fault);

/// A strict pull reader for RFC 8259 over text in memory: no copies, no allocation, no recursion.
/// Every byte that it passes has been validated, also what skip() leaves out. Accepts what the
/// grammar accepts: numbers of any size and `\ud800` alone are allowed; NaN, comments, trailing
/// commas, a byte-order mark, bytes behind the value, and nesting above kMaxDepth are not.
///
///   JsonReader reader{body};
///   if (reader.next() == JsonToken::begin_object) {
///       while (reader.next() == JsonToken::key) {
///           if (reader.is("usage")) { … } else { reader.skip(); }
///       }
///   }
///   const bool is_valid = reader.finish();
class JsonReader {
public:
    static constexpr int kMaxDepth = 128;

    explicit JsonReader(Bytes text) : text_{text} {}

    JsonToken next();
    /// Passes the next value whole (after a key, or inside an array). False on a fault.
    bool skip();
    /// Passes what is left of the innermost container that is open at `depth`, its end included:
    /// leave(depth()) right after begin_object passes that object. False on a fault.
    bool leave(int depth);
    /// Reads to the end of the text. True where all of it was one valid value.
    bool finish();

    JsonToken token() const { return token_; }
    /// The token's bytes; a key's or string's inside, without quotes and with escapes as written.
    std::string_view raw() const { return text_.substr(inside_.begin, inside_.size()); }
    /// Where the token stands; a string's quotes included.
    ByteRange range() const { return range_; }
    /// True where the key or string has a backslash: raw() is then not its text.
    bool has_escapes() const { return has_escapes_; }
    /// Compares the key or string with `name`, escapes resolved.
    bool is(std::string_view name) const;
    /// The key's or string's text in UTF-8, escapes resolved; lone surrogates become U+FFFD.
    std::string text() const;
    /// True for an escaped surrogate without its other half.
    bool has_lone_surrogate() const;
    /// The number as an integer; false where it has a fraction or exponent or leaves 64 bits.
    bool integer(std::int64_t& value) const;

    /// Open containers: 0 outside, 1 inside the outermost object.
    int depth() const { return depth_; }
    /// Bytes inside all strings that were passed so far, keys excluded.
    std::size_t string_bytes() const { return string_bytes_; }

    JsonFault fault() const { return fault_; }
    std::size_t fault_offset() const { return at_; }

private:
    enum class Expect : std::uint8_t {
        value,
        first_item,
        first_key,
        key,
        colon_value,
        comma_or_end,
        nothing
    };

    JsonToken fail(JsonFault fault);
    JsonToken fail_here();
    void skip_space();
    JsonToken open(bool is_object);
    JsonToken close(bool is_object);
    JsonToken read_value();
    JsonToken read_key();
    JsonToken read_literal(std::string_view word, JsonToken token);
    JsonToken read_number();
    bool read_string();
    bool read_escape();
    bool read_utf8();
    bool in_object() const {
        return (kinds_[static_cast<std::size_t>(depth_ - 1) / 64] >> ((depth_ - 1) % 64)) & 1U;
    }

    Bytes text_;
    std::size_t at_ = 0;
    ByteRange range_;
    ByteRange inside_;
    std::size_t string_bytes_ = 0;
    std::array<std::uint64_t, kMaxDepth / 64> kinds_{};  // a bit a level: 1 for an object
    int depth_ = 0;
    Expect expect_ = Expect::value;
    JsonToken token_ = JsonToken::null_value;
    JsonFault fault_ = JsonFault::none;
    bool has_escapes_ = false;
};

}  // namespace headgate::providers
