#include "proxy/net/http_head.h"

#include "proxy/net/head_scan.h"

#include <algorithm>

namespace headgate::proxy {

namespace {

constexpr char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

}  // namespace

bool is_field_value(std::string_view value) {
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
