#include "proxy/net/head_scan.h"

#include <algorithm>
#include <bit>
#include <charconv>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace headgate::proxy {

namespace {

constexpr bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

/// The first byte at or behind `at` that may not stand in a field value, or the end.
std::size_t end_of_value(Bytes text, std::size_t at) {
#ifdef __SSE2__
    const __m128i last_control = _mm_set1_epi8(0x1f);
    const __m128i tab = _mm_set1_epi8('\t');
    const __m128i del = _mm_set1_epi8(0x7f);
    for (; text.size() - at >= sizeof(__m128i); at += sizeof(__m128i)) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i_u*>(text.data() + at));
        const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes);
        const __m128i stops = _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(bytes, tab), control),
                                           _mm_cmpeq_epi8(bytes, del));
        const auto mask = static_cast<unsigned>(_mm_movemask_epi8(stops));
        if (mask != 0) {
            return at + static_cast<std::size_t>(std::countr_zero(mask));
        }
    }
#endif
    while (at < text.size() && is_of(value_byte, text[at])) {
        ++at;
    }
    return at;
}

Bytes without_blanks(Bytes text) {
    while (!text.empty() && is_blank(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_blank(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

/// What a byte in the wrong place is called.
std::string_view name_of(char c, std::string_view otherwise) {
    const auto byte = static_cast<unsigned char>(c);
    return c == '\0'                     ? "NUL"
           : c == '\n'                   ? "bare LF"
           : c == '\r'                   ? "bare CR"
           : byte < 0x20 || byte == 0x7f ? "control byte"
                                         : otherwise;
}

ScanStatus scan_field_name(HeadCursor& cursor, Bytes& name) {
    if (is_blank(cursor.peek())) {
        return cursor.fail("obs-fold");
    }
    if (const ScanStatus status = cursor.run(token_byte, name); status != ScanStatus::complete) {
        return status;
    }
    const char stop = cursor.peek();
    if (stop != ':') {
        return cursor.fail(is_blank(stop) ? "white space before the colon"
                                          : name_of(stop, "malformed field name"));
    }
    if (name.empty()) {
        return cursor.fail("empty field name");
    }
    ++cursor.at;
    return ScanStatus::complete;
}

}  // namespace

ScanStatus HeadCursor::fail(std::string_view why) {
    problem = why;
    return ScanStatus::malformed;
}

ScanStatus HeadCursor::literal(std::string_view expected, std::string_view why) {
    const Bytes there = text.substr(at, expected.size());
    if (!expected.starts_with(there)) {
        return fail(why);
    }
    at += there.size();
    return there.size() == expected.size() ? ScanStatus::complete : ScanStatus::incomplete;
}

ScanStatus HeadCursor::line_end(std::string_view why) {
    if (is_at_end()) {
        return ScanStatus::incomplete;
    }
    if (peek() != '\r') {
        return fail(name_of(peek(), why));
    }
    return literal("\r\n", "bare CR");
}

ScanStatus HeadCursor::run(ByteClass which, Bytes& taken) {
    const std::size_t begin = at;
    while (at < text.size() && is_of(which, text[at])) {
        ++at;
    }
    taken = text.substr(begin, at - begin);
    return is_at_end() ? ScanStatus::incomplete : ScanStatus::complete;
}

ScanStatus HeadCursor::value_line(Bytes& value) {
    const std::size_t begin = at;
    at = end_of_value(text, at);
    value = without_blanks(text.substr(begin, at - begin));
    return line_end("control byte");
}

ScanStatus scan_field_lines(HeadCursor& cursor, std::size_t max_fields, HeadFields& fields) {
    const std::size_t capacity = std::min(max_fields, HeadFields::kCapacity);
    while (!cursor.is_at_end()) {
        if (cursor.peek() == '\r') {
            return cursor.line_end({});
        }
        if (fields.count == capacity) {
            return ScanStatus::too_large;
        }
        HeadField& field = fields.items[fields.count];
        ScanStatus status = scan_field_name(cursor, field.name);
        if (status == ScanStatus::complete) {
            status = cursor.value_line(field.value);
        }
        if (status != ScanStatus::complete) {
            return status;
        }
        ++fields.count;
    }
    return ScanStatus::incomplete;
}

ScanResult scan_result(const HeadCursor& cursor, ScanStatus status, bool is_full) {
    ScanResult result{.status = status, .size = 0, .problem = cursor.problem};
    if (!cursor.problem.empty()) {
        result.status = ScanStatus::malformed;
    } else if (status == ScanStatus::complete) {
        result.size = cursor.at;
    } else if (is_full) {
        result.status = ScanStatus::too_large;
    }
    return result;
}

std::string_view MessageFacts::take(const HeadField& field) {
    switch (field.name.size()) {
        case std::string_view{"connection"}.size():
            return equals_lower(field.name, "connection") ? take_connection(field.value) : "";
        case std::string_view{"content-length"}.size():
            return equals_lower(field.name, "content-length") ? take_length(field.value) : "";
        case std::string_view{"transfer-encoding"}.size():
            return equals_lower(field.name, "transfer-encoding") ? take_coding(field.value) : "";
        default:
            return {};
    }
}

std::string_view MessageFacts::take_length(std::string_view value) {
    constexpr std::size_t kMaxDigits = 19;  // 10^19 - 1 still fits 64 bits
    if (content_length_.has_value()) {
        return "repeated Content-Length";
    }
    // from_chars() takes a sign for no unsigned type, so that only digits get through.
    std::uint64_t length = 0;
    const char* const end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, length);
    if (value.size() > kMaxDigits || error != std::errc{} || stop != end) {
        return "malformed Content-Length";
    }
    content_length_ = length;
    return {};
}

std::string_view MessageFacts::take_coding(std::string_view value) {
    if (is_chunked_) {
        return "repeated Transfer-Encoding";
    }
    if (!equals_lower(value, "chunked")) {
        return "Transfer-Encoding other than chunked";
    }
    is_chunked_ = true;
    return {};
}

std::string_view MessageFacts::take_connection(std::string_view value) {
    while (!value.empty()) {
        const std::size_t comma = std::min(value.find(','), value.size());
        const Bytes option = without_blanks(value.substr(0, comma));
        value.remove_prefix(std::min(comma + 1, value.size()));
        // RFC 9110 §5.6.1.2: empty elements of a list are to be passed over.
        if (!option.empty() && !is_token(option)) {
            return "malformed Connection";
        }
        says_close_ = says_close_ || equals_lower(option, "close");
        says_keep_alive_ = says_keep_alive_ || equals_lower(option, "keep-alive");
    }
    return {};
}

std::string_view MessageFacts::conflict(int minor_version) const {
    if (is_chunked_ && content_length_.has_value()) {
        return "both Content-Length and Transfer-Encoding";
    }
    if (is_chunked_ && minor_version == 0) {
        return "Transfer-Encoding in HTTP/1.0";
    }
    return {};
}

}  // namespace headgate::proxy
