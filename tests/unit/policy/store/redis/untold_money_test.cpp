#include "policy/store/redis/untold_money.h"

#include <gtest/gtest.h>

namespace headgate::policy {

namespace {

TEST(UntoldMoney, AddsUpWhatAllHoldersBooked) {
    UntoldMoney money;
    const auto first = money.of("search", Day{});
    const auto second = money.of("search", Day{});

    *first += 5;
    *second += 6;

    EXPECT_EQ(money.amount("search", Day{}), 11);
    EXPECT_EQ(money.amount("search", Day{std::chrono::days{1}}), 0);
    EXPECT_EQ(money.amount("", Day{}), 0);
}

TEST(UntoldMoney, ForgetsOnlyWhatNobodyHoldsAndIsNothing) {
    UntoldMoney money;
    const auto held = money.of("held", Day{});
    *money.of("left", Day{}) += 3;

    for (int day = 0; day < 10'000; ++day) {
        money.of("search", Day{std::chrono::days{day}});
    }
    *held += 4;

    EXPECT_EQ(money.amount("held", Day{}), 4);
    EXPECT_EQ(money.amount("left", Day{}), 3);
}

}  // namespace

}  // namespace headgate::policy
