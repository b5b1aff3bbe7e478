#include "providers/contract/json_reader.h"

#include "providers/contract/json_text.h"

#include <charconv>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace headgate::providers {
namespace {

constexpr unsigned char byte(char c) {
    return static_cast<unsigned char>(c);
}

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// The offset of the first byte from `at` on that a string cannot simply pass: a quote, a
/// backslash, a control byte or one above 0x7f. `text.size()` where there is none.
std::size_t plain_run_end(Bytes text, std::size_t at) {
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\');
    const __m128i lowest = _mm_set1_epi8(0x20);
    for (; at + 16 <= text.size(); at += 16) {
        const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
        // Signed comparison: bytes above 0x7f are negative and so below 0x20, as control bytes are.
        const __m128i stops = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)),
            _mm_cmplt_epi8(block, lowest));
        const int mask = _mm_movemask_epi8(stops);
        if (mask != 0) {
            return at + static_cast<std::size_t>(__builtin_ctz(static_cast<unsigned>(mask)));
        }
    }
#endif
    for (; at < text.size(); ++at) {
        const unsigned char c = byte(text[at]);
        if (c == '"' || c == '\\' || c < 0x20 || c > 0x7f) {
            return at;
        }
    }
    return at;
}

constexpr bool is_hex_digit(char c) {
    const char lower = static_cast<char>(c | 0x20);
    return is_digit(c) || (lower >= 'a' && lower <= 'f');
}

}  // namespace

std::string_view to_string(JsonFault fault) {
    switch (fault) {
        case JsonFault::none:
            return "no fault";
        case JsonFault::unexpected_end:
            return "the text ends too early";
        case JsonFault::unexpected_byte:
            return "unexpected character";
        case JsonFault::invalid_utf8:
            return "invalid UTF-8";
        case JsonFault::invalid_escape:
            return "invalid escape in a string";
        case JsonFault::invalid_number:
            return "invalid number";
        case JsonFault::control_byte:
            return "unescaped control character in a string";
        case JsonFault::too_deep:
            return "nesting deeper than 128 levels";
        case JsonFault::trailing_bytes:
            return "bytes behind the JSON value";
    }
    return "no fault";
}

JsonToken JsonReader::fail(JsonFault fault) {
    if (fault_ == JsonFault::none) {
        fault_ = fault;
    }
    return token_ = JsonToken::error;
}

JsonToken JsonReader::fail_here() {
    return fail(at_ >= text_.size() ? JsonFault::unexpected_end : JsonFault::unexpected_byte);
}

void JsonReader::skip_space() {
    while (at_ < text_.size()) {
        const char c = text_[at_];
        if (c != ' ' && c != '\n' && c != '\t' && c != '\r') {
            return;
        }
        ++at_;
    }
}

JsonToken JsonReader::next() {
    if (fault_ != JsonFault::none) {
        return JsonToken::error;
    }
    skip_space();
    switch (expect_) {
        case Expect::value:
        case Expect::colon_value:
            return read_value();
        case Expect::first_item:
            return at_ < text_.size() && text_[at_] == ']' ? close(false) : read_value();
        case Expect::first_key:
            return at_ < text_.size() && text_[at_] == '}' ? close(true) : read_key();
        case Expect::key:
            return read_key();
        case Expect::nothing:
            if (at_ < text_.size()) {
                return fail(JsonFault::trailing_bytes);
            }
            return token_ = JsonToken::end;
        case Expect::comma_or_end:
            break;
    }
    if (at_ >= text_.size()) {
        return fail(JsonFault::unexpected_end);
    }
    const char c = text_[at_];
    if (c == ',') {
        ++at_;
        skip_space();
        return in_object() ? read_key() : read_value();
    }
    if (c == '}' || c == ']') {
        return in_object() == (c == '}') ? close(c == '}') : fail_here();
    }
    return fail_here();
}

JsonToken JsonReader::open(bool is_object) {
    if (depth_ == kMaxDepth) {
        return fail(JsonFault::too_deep);
    }
    const auto word = static_cast<std::size_t>(depth_) / 64;
    const std::uint64_t bit = std::uint64_t{1} << (depth_ % 64);
    kinds_[word] = is_object ? kinds_[word] | bit : kinds_[word] & ~bit;
    ++depth_;
    range_ = inside_ = {at_, at_ + 1};
    ++at_;
    expect_ = is_object ? Expect::first_key : Expect::first_item;
    return token_ = is_object ? JsonToken::begin_object : JsonToken::begin_array;
}

JsonToken JsonReader::close(bool is_object) {
    range_ = inside_ = {at_, at_ + 1};
    ++at_;
    --depth_;
    expect_ = depth_ == 0 ? Expect::nothing : Expect::comma_or_end;
    return token_ = is_object ? JsonToken::end_object : JsonToken::end_array;
}

JsonToken JsonReader::read_key() {
    if (at_ >= text_.size() || text_[at_] != '"') {
        return fail_here();
    }
    if (!read_string()) {
        return JsonToken::error;
    }
    skip_space();
    if (at_ >= text_.size() || text_[at_] != ':') {
        return fail_here();
    }
    ++at_;
    expect_ = Expect::colon_value;
    return token_ = JsonToken::key;
}

JsonToken JsonReader::read_value() {
    if (at_ >= text_.size()) {
        return fail(JsonFault::unexpected_end);
    }
    switch (text_[at_]) {
        case '{':
            return open(true);
        case '[':
            return open(false);
        case 't':
            return read_literal("true", JsonToken::true_value);
        case 'f':
            return read_literal("false", JsonToken::false_value);
        case 'n':
            return read_literal("null", JsonToken::null_value);
        case '"':
            if (!read_string()) {
                return JsonToken::error;
            }
            string_bytes_ += inside_.size();
            expect_ = depth_ == 0 ? Expect::nothing : Expect::comma_or_end;
            return token_ = JsonToken::string;
        default:
            return read_number();
    }
}

JsonToken JsonReader::read_literal(std::string_view word, JsonToken token) {
    for (std::size_t i = 1; i < word.size(); ++i) {
        if (at_ + i >= text_.size() || text_[at_ + i] != word[i]) {
            at_ += i;
            return fail_here();
        }
    }
    range_ = inside_ = {at_, at_ + word.size()};
    at_ += word.size();
    expect_ = depth_ == 0 ? Expect::nothing : Expect::comma_or_end;
    return token_ = token;
}

JsonToken JsonReader::read_number() {
    const std::size_t begin = at_;
    const auto digits = [this] {
        const std::size_t from = at_;
        while (at_ < text_.size() && is_digit(text_[at_])) {
            ++at_;
        }
        return at_ - from;
    };
    if (text_[at_] == '-') {
        ++at_;
    } else if (!is_digit(text_[at_])) {
        return fail_here();
    }
    const std::size_t whole = at_;
    const std::size_t count = digits();
    if (count == 0 || (count > 1 && text_[whole] == '0')) {
        return fail(at_ >= text_.size() ? JsonFault::unexpected_end : JsonFault::invalid_number);
    }
    if (at_ < text_.size() && text_[at_] == '.') {
        ++at_;
        if (digits() == 0) {
            return fail(at_ >= text_.size() ? JsonFault::unexpected_end
                                            : JsonFault::invalid_number);
        }
    }
    if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
        ++at_;
        if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) {
            ++at_;
        }
        if (digits() == 0) {
            return fail(at_ >= text_.size() ? JsonFault::unexpected_end
                                            : JsonFault::invalid_number);
        }
    }
    range_ = inside_ = {begin, at_};
    expect_ = depth_ == 0 ? Expect::nothing : Expect::comma_or_end;
    return token_ = JsonToken::number;
}

bool JsonReader::read_string() {
    const std::size_t begin = at_;
    ++at_;
    has_escapes_ = false;
    for (;;) {
        at_ = plain_run_end(text_, at_);
        if (at_ >= text_.size()) {
            fail(JsonFault::unexpected_end);
            return false;
        }
        const unsigned char c = byte(text_[at_]);
        if (c == '"') {
            ++at_;
            range_ = {begin, at_};
            inside_ = {begin + 1, at_ - 1};
            return true;
        }
        if (c < 0x20) {
            fail(JsonFault::control_byte);
            return false;
        }
        if (c == '\\' ? !read_escape() : !read_utf8()) {
            return false;
        }
    }
}

bool JsonReader::read_escape() {
    has_escapes_ = true;
    if (at_ + 1 >= text_.size()) {
        at_ = text_.size();
        fail(JsonFault::unexpected_end);
        return false;
    }
    switch (text_[at_ + 1]) {
        case '"':
        case '\\':
        case '/':
        case 'b':
        case 'f':
        case 'n':
        case 'r':
        case 't':
            at_ += 2;
            return true;
        case 'u':
            for (std::size_t i = 2; i < 6; ++i) {
                if (at_ + i >= text_.size()) {
                    at_ = text_.size();
                    fail(JsonFault::unexpected_end);
                    return false;
                }
                if (!is_hex_digit(text_[at_ + i])) {
                    fail(JsonFault::invalid_escape);
                    return false;
                }
            }
            at_ += 6;
            return true;
        default:
            fail(JsonFault::invalid_escape);
            return false;
    }
}

bool JsonReader::read_utf8() {
    const std::size_t length = utf8_length(text_, at_);
    if (length == 0) {
        fail(JsonFault::invalid_utf8);
        return false;
    }
    at_ += length;
    return true;
}

bool JsonReader::skip() {
    const JsonToken first = next();
    if (first == JsonToken::begin_object || first == JsonToken::begin_array) {
        return leave(depth_);
    }
    return first != JsonToken::error && first != JsonToken::end;
}

bool JsonReader::leave(int depth) {
    while (depth_ >= depth) {
        const JsonToken token = next();
        if (token == JsonToken::error || token == JsonToken::end) {
            return false;
        }
    }
    return true;
}

bool JsonReader::finish() {
    JsonToken token = token_ == JsonToken::end ? token_ : next();
    while (token != JsonToken::end && token != JsonToken::error) {
        token = next();
    }
    return token == JsonToken::end;
}

bool JsonReader::is(std::string_view name) const {
    return has_escapes_ ? text() == name : raw() == name;
}

std::string JsonReader::text() const {
    return unescaped(raw());
}

bool JsonReader::has_lone_surrogate() const {
    return has_escapes_ && providers::has_lone_surrogate(raw());
}

bool JsonReader::integer(std::int64_t& value) const {
    const std::string_view digits = raw();
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc{} && end == digits.data() + digits.size();
}

}  // namespace headgate::providers
