// The values that are a few lines each: byte ranges, tokens, secrets.
#include "providers/base/bytes.h"
#include "providers/base/secret.h"
#include "providers/base/tokens.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <type_traits>

namespace headgate::providers {
namespace {

TEST(ByteRange, IsHalfOpen) {
    const ByteRange range{2, 5};

    EXPECT_EQ(range.size(), 3U);
    EXPECT_FALSE(range.empty());
    EXPECT_EQ(range.in("0123456789"), "234");
    EXPECT_TRUE((ByteRange{4, 4}.empty()));
    EXPECT_TRUE(ByteRange{}.in("0123").empty());
    EXPECT_EQ(range, (ByteRange{2, 5}));
}

TEST(Tokens, AddSubtractAndCompare) {
    Tokens sum = Tokens{2} + Tokens{3};

    sum += Tokens{10};

    EXPECT_EQ(sum, Tokens{15});
    EXPECT_EQ(Tokens{2} - Tokens{3}, Tokens{-1});
    EXPECT_LT(Tokens{2}, Tokens{3});
}

template <class T>
concept Streamable = requires(std::ostream& out, const T& value) { out << value; };

TEST(Secret, ShowsItsTextOnlyWhereAsked) {
    const Secret secret{"sk-1"};

    EXPECT_EQ(secret.reveal(), "sk-1");
    EXPECT_FALSE(secret.empty());
    EXPECT_TRUE(Secret{}.empty());
    static_assert(!Streamable<Secret>);
    static_assert(!std::is_convertible_v<Secret, std::string>);
    static_assert(!std::is_convertible_v<Secret, std::string_view>);
    static_assert(!std::is_convertible_v<std::string, Secret>);
}

}  // namespace
}  // namespace headgate::providers
