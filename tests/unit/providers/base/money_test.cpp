#include "providers/base/money.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace headgate::providers {
namespace {

constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();

TEST(Money, ParsesExactDecimalsOfUpToNinePlaces) {
    struct Case {
        std::string_view text;
        std::int64_t nanos;
    };
    constexpr Case cases[] = {
        {"0", 0},
        {"-0", 0},
        {"12", 12'000'000'000},
        {"12.0", 12'000'000'000},
        {"0012.50", 12'500'000'000},
        {"7.50", 7'500'000'000},
        {"0.000003", 3'000},
        {"0.000000001", 1},
        {"-0.000000001", -1},
        {"-1.5", -1'500'000'000},
        {"1.234567891", 1'234'567'891},
        {"00000000000000000000000000001", 1'000'000'000},
        {"9223372036.854775807", kLargest},
        {"-9223372036.854775808", kLowest},
    };
    for (const Case& c : cases) {
        const std::expected<Money, std::string> parsed = Money::parse(c.text);

        ASSERT_TRUE(parsed.has_value()) << c.text << ": " << parsed.error();
        EXPECT_EQ(parsed->nanos(), c.nanos) << c.text;
    }
}

TEST(Money, RefusesWhatIsNoPlainDecimal) {
    constexpr std::string_view cases[] = {
        "",    "-",    "--1",  "+1", ".5",     "1.",  ".",    "1..2", "1.2.3", "1e3",
        "1E3", "0x10", " 1",   "1 ", "1,5",    "$1",  "nan",  "inf",  "1.-5",  "-.5",
        "1_0", "1\n",  "1\t2", "٣",  "1.5USD", "- 1", "1.+5", "\xff", "1.0e0", "-",
    };
    for (const std::string_view text : cases) {
        const std::expected<Money, std::string> parsed = Money::parse(text);

        ASSERT_FALSE(parsed.has_value()) << text;
        EXPECT_NE(parsed.error().find("is not a decimal amount"), std::string::npos) << text;
    }
    EXPECT_FALSE(Money::parse(std::string_view{"1\0", 2}).has_value());
}

TEST(Money, RefusesTenPlacesEvenWhereTheyAreZero) {
    const std::expected<Money, std::string> parsed = Money::parse("1.0000000000");

    ASSERT_FALSE(parsed.has_value());
    EXPECT_EQ(parsed.error(), "\"1.0000000000\" has more than 9 decimal places");
}

TEST(Money, RefusesWhatLeavesTheRange) {
    constexpr std::string_view cases[] = {
        "9223372036.854775808",  "-9223372036.854775809", "9223372037",
        "-9223372037",           "18446744073709551616",  "99999999999999999999999999999999999",
        "-99999999999999999999", "18446744073.709551616",
    };
    for (const std::string_view text : cases) {
        const std::expected<Money, std::string> parsed = Money::parse(text);

        ASSERT_FALSE(parsed.has_value()) << text;
        EXPECT_NE(parsed.error().find("is out of range"), std::string::npos) << text;
    }
}

TEST(Money, ShowsOnlyTheBeginningOfALongWrongText) {
    const std::string text(10'000, 'x');

    const std::expected<Money, std::string> parsed = Money::parse(text);

    ASSERT_FALSE(parsed.has_value());
    EXPECT_LT(parsed.error().size(), 120U);
}

TEST(Money, WritesTheShortestExactDecimal) {
    struct Case {
        std::int64_t nanos;
        std::string_view text;
    };
    constexpr Case cases[] = {
        {0, "0"},
        {1, "0.000000001"},
        {-1, "-0.000000001"},
        {3'000, "0.000003"},
        {7'500'000'000, "7.5"},
        {-1'500'000'000, "-1.5"},
        {10'000'000'000, "10"},
        {1'000'000'010, "1.00000001"},
        {kLargest, "9223372036.854775807"},
        {kLowest, "-9223372036.854775808"},
    };
    for (const Case& c : cases) {
        EXPECT_EQ(Money::nanos(c.nanos).to_string(), c.text);
    }
}

TEST(Money, ReadsBackWhatItWrote) {
    constexpr unsigned kSeed = 20'261'101;
    std::mt19937_64 random{kSeed};
    for (int i = 0; i < 10'000; ++i) {
        // Shifted by a varying amount, so that small and large amounts occur alike.
        const auto nanos = static_cast<std::int64_t>(random()) >> (random() % 63);

        const std::expected<Money, std::string> parsed =
            Money::parse(Money::nanos(nanos).to_string());

        ASSERT_TRUE(parsed.has_value()) << "seed " << kSeed << ": " << nanos;
        ASSERT_EQ(parsed->nanos(), nanos) << "seed " << kSeed;
    }
}

TEST(Money, ThrowsWhenASumLeavesTheRange) {
    const Money largest = Money::nanos(kLargest);
    const Money lowest = Money::nanos(kLowest);

    EXPECT_THROW(largest + Money::nanos(1), std::overflow_error);
    EXPECT_THROW(lowest - Money::nanos(1), std::overflow_error);
    EXPECT_EQ(largest + lowest, Money::nanos(-1));
}

}  // namespace
}  // namespace headgate::providers
