#include "policy/config/plain_scalar.h"

namespace headgate::policy {
namespace {

constexpr std::string_view kDigits = "0123456789";

bool is_one_of(std::string_view text, std::span<const std::string_view> words) {
    return std::ranges::find(words, text) != words.end();
}

bool is_all(std::string_view text, std::string_view characters) {
    return !text.empty() && text.find_first_not_of(characters) == std::string_view::npos;
}

std::string_view without_sign(std::string_view text) {
    return text.starts_with('-') || text.starts_with('+') ? text.substr(1) : text;
}

bool is_integer(std::string_view text) {
    return is_all(without_sign(text), kDigits) ||
           (text.starts_with("0o") && is_all(text.substr(2), "01234567")) ||
           (text.starts_with("0x") && is_all(text.substr(2), "0123456789abcdefABCDEF"));
}

/// [-+]? ( \.[0-9]+ | [0-9]+(\.[0-9]*)? ) ([eE][-+]?[0-9]+)?, and the words.
bool is_real(std::string_view text) {
    constexpr std::array<std::string_view, 6> words = {".inf", ".Inf", ".INF",
                                                       ".nan", ".NaN", ".NAN"};
    std::string_view rest = without_sign(text);
    if (is_one_of(rest, words)) {
        return rest == text || (rest[1] != 'n' && rest[1] != 'N');
    }
    const std::size_t exponent = rest.find_first_of("eE");
    if (exponent != std::string_view::npos) {
        if (!is_all(without_sign(rest.substr(exponent + 1)), kDigits)) {
            return false;
        }
        rest = rest.substr(0, exponent);
    }
    const std::size_t point = rest.find('.');
    if (point == std::string_view::npos) {
        return is_all(rest, kDigits);
    }
    const std::string_view whole = rest.substr(0, point);
    const std::string_view places = rest.substr(point + 1);
    return (whole.empty() || is_all(whole, kDigits)) &&
           (places.empty() ? !whole.empty() : is_all(places, kDigits));
}

}  // namespace

PlainType plain_type(std::string_view text) {
    constexpr std::array<std::string_view, 5> nulls = {"", "~", "null", "Null", "NULL"};
    constexpr std::array<std::string_view, 6> flags = {"true",  "True",  "TRUE",
                                                       "false", "False", "FALSE"};
    if (is_one_of(text, nulls)) {
        return PlainType::null;
    }
    if (is_one_of(text, flags)) {
        return PlainType::flag;
    }
    if (is_integer(text)) {
        return PlainType::integer;
    }
    return is_real(text) ? PlainType::real : PlainType::text;
}

bool may_be_typed(std::string_view text) {
    constexpr std::array<std::string_view, 16> words = {"y",  "Y",   "yes", "Yes", "YES", "n",
                                                        "N",  "no",  "No",  "NO",  "on",  "On",
                                                        "ON", "off", "Off", "OFF"};
    const bool begins_like_number =
        !text.empty() && std::string_view("0123456789+-.").contains(text.front());
    return begins_like_number || plain_type(text) != PlainType::text || is_one_of(text, words);
}

}  // namespace headgate::policy
