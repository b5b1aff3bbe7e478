#include "proxy/net/http_head.h"

#include "proxy/net/head_scan.h"

#include <algorithm>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace headgate::proxy {

namespace {

constexpr char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

}  // namespace

bool is_field_value(std::string_view value) {
#ifdef __SSE2__
    // Sixteen at a time where all are plain: from 0x20 to 0x7e. What is not goes to the table.
    while (value.size() >= 16) {
        const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(value.data()));
        const __m128i odd = _mm_or_si128(_mm_cmplt_epi8(block, _mm_set1_epi8(0x20)),
                                         _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f)));
        if (_mm_movemask_epi8(odd) != 0) {
            break;
        }
        value.remove_prefix(16);
    }
#endif
    return std::ranges::all_of(value, [](char c) { return is_of(value_byte, c); });
}

bool is_token(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return is_of(token_byte, c); });
}

bool equals_lower(std::string_view text, std::string_view lower) {
    return std::ranges::equal(text, lower, {}, to_lower);
}

const HeadField* HeadFields::find(std::string_view lower_name) const {
    const HeadField* found = std::find_if(begin(), end(), [lower_name](const HeadField& field) {
        return equals_lower(field.name, lower_name);
    });
    return found == end() ? nullptr : found;
}

}  // namespace headgate::proxy
