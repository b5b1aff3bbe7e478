#include "providers/base/money.h"

#include <array>
#include <charconv>

namespace headgate::providers {
namespace {

constexpr std::uint64_t kNanosPerDollar = 1'000'000'000;
constexpr std::size_t kPlaces = 9;

bool is_all_digits(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::unexpected<std::string> wrong(std::string_view decimal, std::string_view why) {
    constexpr std::size_t kShown = 40;  // the text may be anything that stands in a file
    std::string message{"\""};
    message += decimal.substr(0, kShown);
    message += decimal.size() > kShown ? "…\" " : "\" ";
    message += why;
    return std::unexpected{std::move(message)};
}

}  // namespace

std::expected<Money, std::string> Money::parse(std::string_view decimal) {
    const bool is_negative = decimal.starts_with('-');
    const std::string_view digits = decimal.substr(is_negative ? 1 : 0);
    const std::size_t point = digits.find('.');
    const std::string_view whole = digits.substr(0, point);
    const std::string_view places =
        point == std::string_view::npos ? std::string_view{"0"} : digits.substr(point + 1);
    if (!is_all_digits(whole) || !is_all_digits(places)) {
        return wrong(decimal, "is not a decimal amount such as 12 or 0.000003");
    }
    if (places.size() > kPlaces) {
        return wrong(decimal, "has more than 9 decimal places");
    }

    std::uint64_t dollars = 0;
    const bool fits =
        std::from_chars(whole.data(), whole.data() + whole.size(), dollars).ec == std::errc{};
    std::uint64_t nanos = 0;
    for (std::size_t i = 0; i < kPlaces; ++i) {
        nanos = nanos * 10 + (i < places.size() ? static_cast<std::uint64_t>(places[i] - '0') : 0);
    }
    std::int64_t total = 0;
    // Summed below zero where it is negative: the lowest amount has no positive counterpart.
    if (!fits || __builtin_mul_overflow(dollars, kNanosPerDollar, &total) ||
        (is_negative && __builtin_mul_overflow(total, -1, &total)) ||
        (is_negative ? __builtin_sub_overflow(total, nanos, &total)
                     : __builtin_add_overflow(total, nanos, &total))) {
        return wrong(decimal, "is out of range (about 9.2 billion USD either way)");
    }
    return Money{total};
}

std::string Money::to_string() const {
    const std::uint64_t magnitude =
        nanos_ < 0 ? 0 - static_cast<std::uint64_t>(nanos_) : static_cast<std::uint64_t>(nanos_);
    std::array<char, 24> text{};  // '-', 10 digits, '.', 9 places
    char* end = text.data();
    if (nanos_ < 0) {
        *end++ = '-';
    }
    end = std::to_chars(end, text.data() + text.size(), magnitude / kNanosPerDollar).ptr;
    std::uint64_t rest = magnitude % kNanosPerDollar;
    if (rest != 0) {
        *end++ = '.';
        for (std::uint64_t place = kNanosPerDollar / 10; rest != 0; place /= 10) {
            *end++ = static_cast<char>('0' + rest / place);
            rest %= place;
        }
    }
    return {text.data(), end};
}

}  // namespace headgate::providers
