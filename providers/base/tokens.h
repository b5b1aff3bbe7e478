#pragma once

#include <compare>
#include <cstdint>

namespace headgate::providers {

/// A number of tokens. Never negative in a settled Usage; negative only as a correction.
struct Tokens {
    std::int64_t count = 0;

    friend constexpr auto operator<=>(Tokens, Tokens) = default;
    friend constexpr Tokens operator+(Tokens a, Tokens b) { return {a.count + b.count}; }
    friend constexpr Tokens operator-(Tokens a, Tokens b) { return {a.count - b.count}; }
    constexpr Tokens& operator+=(Tokens other) {
        count += other.count;
        return *this;
    }
};

}  // namespace headgate::providers
