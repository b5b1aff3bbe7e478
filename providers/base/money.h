#pragma once

#include <compare>
#include <cstdint>
#include <expected>
#include <stdexcept>
#include <string>
#include <string_view>

namespace headgate::providers {

/// An exact amount of US dollars, counted in nanodollars (10^-9 USD).
///
/// Range: about ±9.2 billion USD. A sum that leaves the range throws std::overflow_error: a wrong
/// amount must never be booked. No conversion from or to floating point exists on purpose.
class Money {
public:
    constexpr Money() = default;

    static constexpr Money nanos(std::int64_t n) { return Money{n}; }

    /// Parses "12", "0.000003" or "-1.5"; at most 9 places. Exponents, spaces and signs other than
    /// a leading '-' are errors; the error is a text fit to show.
    static std::expected<Money, std::string> parse(std::string_view decimal);

    constexpr std::int64_t nanos() const { return nanos_; }

    /// The shortest exact decimal: "0", "7.5", "0.000003", "-1.5". Never an exponent.
    std::string to_string() const;

    friend constexpr auto operator<=>(Money, Money) = default;

    friend constexpr Money operator+(Money a, Money b) {
        std::int64_t sum = 0;
        if (__builtin_add_overflow(a.nanos_, b.nanos_, &sum)) {
            throw std::overflow_error("Money: sum out of range");
        }
        return Money{sum};
    }

    friend constexpr Money operator-(Money a, Money b) {
        std::int64_t difference = 0;
        if (__builtin_sub_overflow(a.nanos_, b.nanos_, &difference)) {
            throw std::overflow_error("Money: difference out of range");
        }
        return Money{difference};
    }

private:
    constexpr explicit Money(std::int64_t nanos) : nanos_{nanos} {}

    std::int64_t nanos_ = 0;
};

/// What a price is multiplied by: an exact decimal, in billionths. 1 leaves it as it is.
struct PriceFactor {
    std::int64_t billionths = 1'000'000'000;

    friend constexpr bool operator==(PriceFactor, PriceFactor) = default;
};

}  // namespace headgate::providers
