#include "providers/catalog/price.h"

#include "providers/catalog/catalog.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <limits>
#include <stdexcept>

namespace headgate::providers {
namespace {

constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();

Money usd(std::string_view decimal) {
    return Money::parse(decimal).value();
}

struct Part {
    Tokens Usage::* kind;
    std::int64_t count;
};

Usage used(std::initializer_list<Part> parts) {
    Usage usage;
    for (const Part& part : parts) {
        usage.*part.kind = Tokens{part.count};
    }
    return usage;
}

Price price_of(Money input, Money output) {
    Price price;
    price.input = input;
    price.output = output;
    return price;
}

Usage pictures(std::int64_t count) {
    Usage usage;
    usage.images = count;
    return usage;
}

TEST(Cost, ChargesTheWorkedExampleExactly) {
    const Model* model = find_model(ProviderKind::openai, "gpt-5");
    ASSERT_NE(model, nullptr);
    const Usage uncached = used({{&Usage::input, 2'000}, {&Usage::output, 500}});
    const Usage cached = used({{&Usage::cached_input, 2'000}, {&Usage::output, 500}});

    Money all_uncached;
    Money all_cached;
    for (int request = 0; request < 1'000; ++request) {
        all_uncached = all_uncached + cost(uncached, model->price);
        all_cached = all_cached + cost(cached, model->price);
    }

    EXPECT_EQ(all_uncached, usd("7.50"));
    EXPECT_EQ(all_cached, usd("5.25"));
}

TEST(Cost, ChargesEachClassAtItsOwnPrice) {
    const Price price{.input = usd("1"),
                      .output = usd("2"),
                      .cached_input = usd("3"),
                      .cache_write = usd("4"),
                      .reasoning = usd("5"),
                      .audio_input = usd("6"),
                      .audio_output = usd("7"),
                      .image_input = usd("8"),
                      .image_output = usd("9"),
                      .per_image = usd("0.04")};
    struct Case {
        Tokens Usage::* kind;
        std::string_view usd;
    };
    constexpr Case cases[] = {
        {&Usage::input, "1"},        {&Usage::output, "2"},      {&Usage::cached_input, "3"},
        {&Usage::cache_write, "4"},  {&Usage::reasoning, "5"},   {&Usage::audio_input, "6"},
        {&Usage::audio_output, "7"}, {&Usage::image_input, "8"}, {&Usage::image_output, "9"},
    };
    for (const Case& c : cases) {
        EXPECT_EQ(cost(used({{c.kind, 1'000'000}}), price), usd(c.usd)) << c.usd;
    }
    EXPECT_EQ(cost(pictures(3), price), usd("0.12"));
    EXPECT_EQ(cost(Usage{}, price), Money{});
}

TEST(Cost, ChargesAnAbsentClassAsItsPlainNeighbour) {
    const Price price = price_of(usd("1"), usd("10"));

    const Money inputs = cost(used({{&Usage::cached_input, 1'000'000},
                                    {&Usage::cache_write, 1'000'000},
                                    {&Usage::audio_input, 1'000'000},
                                    {&Usage::image_input, 1'000'000}}),
                              price);
    const Money outputs = cost(used({{&Usage::reasoning, 1'000'000},
                                     {&Usage::audio_output, 1'000'000},
                                     {&Usage::image_output, 1'000'000}}),
                               price);

    EXPECT_EQ(inputs, usd("4"));
    EXPECT_EQ(outputs, usd("30"));
    EXPECT_EQ(cost(pictures(5), price), Money{});
}

TEST(Cost, RoundsUpOnceOverAllClasses) {
    // 0.4 + 0.4 nanodollars: one, not two as if each class had been rounded by itself.
    const Price price = price_of(Money::nanos(400'000), Money::nanos(400'000));

    EXPECT_EQ(cost(used({{&Usage::input, 1}, {&Usage::output, 1}}), price), Money::nanos(1));
    EXPECT_EQ(cost(used({{&Usage::input, 1}}), price), Money::nanos(1));
    EXPECT_EQ(cost(used({{&Usage::input, 5}}), price), Money::nanos(2));
    EXPECT_EQ(cost(used({{&Usage::input, 6}}), price), Money::nanos(3));
}

TEST(Cost, RoundsACorrectionBelowZeroUpAlike) {
    const Price price = price_of(Money::nanos(400'000), Money{});

    EXPECT_EQ(cost(used({{&Usage::input, -4}}), price), Money::nanos(-1));  // -1.6
    EXPECT_EQ(cost(used({{&Usage::input, -5}}), price), Money::nanos(-2));
}

TEST(Cost, MultipliesByTheFactorExactly) {
    constexpr PriceFactor surcharge{1'100'000'000};  // 1.1, which no binary fraction is
    const Model* model = find_model(ProviderKind::openai, "gpt-5");
    ASSERT_NE(model, nullptr);
    const Usage usage = used({{&Usage::input, 2'000}, {&Usage::output, 500}});

    Money total;
    for (int request = 0; request < 1'000; ++request) {
        total = total + cost(usage, model->price, surcharge);
    }

    EXPECT_EQ(total, usd("8.25"));
    EXPECT_EQ(cost(usage, model->price, PriceFactor{}), cost(usage, model->price));
    EXPECT_EQ(cost(usage, model->price, PriceFactor{0}), Money{});
    EXPECT_EQ(cost(pictures(10), price_of({}, {}), surcharge), Money{});
}

TEST(Cost, RoundsUpOnceBehindTheFactor) {
    const Price price = price_of(Money::nanos(900'000), Money{});  // 0.9 nanodollars a token

    // 0.9 * 1.1 = 0.99 and 9 * 1.1 = 9.9: rounding before the factor would give 2 and 10.
    EXPECT_EQ(cost(used({{&Usage::input, 1}}), price, {1'100'000'000}), Money::nanos(1));
    EXPECT_EQ(cost(used({{&Usage::input, 10}}), price, {1'100'000'000}), Money::nanos(10));
    EXPECT_EQ(cost(used({{&Usage::input, 10}}), price, {1}), Money::nanos(1));
    EXPECT_EQ(cost(used({{&Usage::input, 10'000'000}}), price, {1'000'000'001}),
              Money::nanos(9'000'001));
    EXPECT_EQ(cost(used({{&Usage::input, -10}}), price, {1'100'000'000}), Money::nanos(-9));
}

TEST(Cost, ThrowsWhereTheFactorLeavesTheRange) {
    const Price price = price_of(Money::nanos(kLargest), Money{});
    const Usage usage = used({{&Usage::input, 1'000'000}});

    EXPECT_EQ(cost(usage, price, {1'000'000'000}), Money::nanos(kLargest));
    EXPECT_EQ(cost(usage, price, {500'000'000}), Money::nanos(kLargest / 2 + 1));
    EXPECT_THROW(cost(usage, price, {1'000'000'001}), std::overflow_error);
    EXPECT_THROW(cost(usage, price, {kLargest}), std::overflow_error);
}

TEST(Cost, ThrowsRatherThanWrapAround) {
    const Money largest = Money::nanos(kLargest);
    Price price = price_of(largest, largest);
    price.per_image = largest;
    const Usage everything = used({{&Usage::input, kLargest},
                                   {&Usage::cached_input, kLargest},
                                   {&Usage::cache_write, kLargest},
                                   {&Usage::output, kLargest},
                                   {&Usage::reasoning, kLargest},
                                   {&Usage::audio_input, kLargest},
                                   {&Usage::audio_output, kLargest},
                                   {&Usage::image_input, kLargest},
                                   {&Usage::image_output, kLargest}});

    EXPECT_EQ(cost(used({{&Usage::input, 1'000'000}}), price), largest);
    EXPECT_THROW(cost(used({{&Usage::input, 1'000'001}}), price), std::overflow_error);
    EXPECT_THROW(cost(used({{&Usage::input, -2'000'000}}), price), std::overflow_error);
    EXPECT_THROW(cost(pictures(kLargest), price), std::overflow_error);
    EXPECT_THROW(cost(pictures(2), price), std::overflow_error);
    EXPECT_THROW(cost(everything, price), std::overflow_error);
}

TEST(Cost, ChargesAPictureByThePieceUnlessItsTokensHaveAPriceAndWereTold) {
    Usage told = pictures(2);
    told.image_output = {1'000'000};
    Price by_piece = price_of({}, usd("3"));
    by_piece.per_image = usd("0.04");
    Price by_both = by_piece;
    by_both.image_output = usd("30");
    Price by_token = price_of({}, usd("3"));
    by_token.image_output = usd("30");

    EXPECT_EQ(cost(told, by_piece), usd("0.08"));
    EXPECT_EQ(cost(pictures(2), by_piece), usd("0.08"));
    EXPECT_EQ(cost(told, by_both), usd("30"));
    EXPECT_EQ(cost(pictures(2), by_both), usd("0.08"));
    EXPECT_EQ(cost(told, by_token), usd("30"));
    EXPECT_EQ(cost(pictures(2), by_token), Money{});
}

}  // namespace
}  // namespace headgate::providers
