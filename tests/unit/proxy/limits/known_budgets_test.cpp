#include "proxy/limits/known_budgets.h"

#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

namespace headgate::proxy {
namespace {

using namespace std::chrono;

constexpr std::int64_t kDollar = 1'000'000'000;
constexpr policy::Day kMay = sys_days{2026y / May / 1};
constexpr policy::Day kJune = sys_days{2026y / June / 1};

struct Allowed {
    std::int64_t limit;
    std::int64_t used;
    std::int64_t allowance;
};

TEST(KnownBudget, AllowsFivePercentOfWhatIsLeftAndADollarAtMost) {
    const std::vector<Allowed> table{
        {10 * kDollar, 0, kDollar / 2},
        {10 * kDollar, 8 * kDollar, kDollar / 10},
        {10 * kDollar, 10 * kDollar, 0},
        {10 * kDollar, 12 * kDollar, 0},
        {1000 * kDollar, 0, kDollar},
        {0, 0, 0},
        {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(), 0},
    };
    for (const Allowed& row : table) {
        EXPECT_EQ(KnownBudget::allowance(row.limit, row.used), row.allowance)
            << row.limit << " " << row.used;
    }
}

TEST(KnownBudget, GivesWhatAnOutageAllowsAndNoMore) {
    KnownBudget budget;

    EXPECT_TRUE(budget.take(1, 300, 500));
    EXPECT_FALSE(budget.take(1, 300, 500));
    EXPECT_TRUE(budget.take(1, 200, 500));
    EXPECT_FALSE(budget.take(1, 1, 500));
}

TEST(KnownBudget, GivesBackWhatWasNotNeeded) {
    KnownBudget budget;
    ASSERT_TRUE(budget.take(1, 500, 500));

    budget.settle(1, 500, 100);

    EXPECT_FALSE(budget.take(1, 401, 500));
    EXPECT_TRUE(budget.take(1, 400, 500));
}

TEST(KnownBudget, GivesNothingOnceAnExchangeHasCostMoreThanIsAllowed) {
    KnownBudget budget;
    ASSERT_TRUE(budget.take(1, 500, 500));

    budget.settle(1, 500, std::numeric_limits<std::int64_t>::max());

    EXPECT_FALSE(budget.take(1, 1, 500));
}

TEST(KnownBudget, BeginsAnewWithEveryOutageAndForgetsTheEarlierOne) {
    KnownBudget budget;
    ASSERT_TRUE(budget.take(1, 500, 500));

    EXPECT_TRUE(budget.take(2, 500, 500));
    budget.settle(1, 500, 0);  // of the earlier one
    EXPECT_FALSE(budget.take(2, 1, 500));
    EXPECT_FALSE(budget.take(1, 1, 500));
}

TEST(KnownBudget, GivesWorkersTogetherNoMoreThanIsAllowed) {
    KnownBudget budget;
    std::atomic<int> given = 0;
    std::vector<std::thread> workers;
    for (int i = 0; i < 4; ++i) {
        workers.emplace_back([&] {
            for (int n = 0; n < 1000; ++n) {
                given += budget.take(1, 1, 1500) ? 1 : 0;
            }
        });
    }
    for (std::thread& worker : workers) {
        worker.join();
    }

    EXPECT_EQ(given, 1500);
}

TEST(KnownBudget, KnowsWhatWasToldOfThePeriodOnly) {
    KnownBudget budget;
    EXPECT_EQ(budget.used(kMay), -1);

    budget.note(kMay, 100);
    budget.add(kMay, 20);
    budget.add(kJune, 7);

    EXPECT_EQ(budget.used(kMay), 120);
    EXPECT_EQ(budget.used(kJune), -1);
}

TEST(KnownBudget, NeverWraps) {
    KnownBudget budget;
    budget.note(kMay, std::numeric_limits<std::int64_t>::max() - 1);

    budget.add(kMay, 5);

    EXPECT_EQ(budget.used(kMay), std::numeric_limits<std::int64_t>::max());
}

TEST(KnownBudgets, GiveTheSameOneForTheSameScope) {
    KnownBudgets budgets;

    EXPECT_EQ(&budgets.of("search"), &budgets.of("search"));
    EXPECT_NE(&budgets.of("search"), &budgets.of(""));
}

}  // namespace
}  // namespace headgate::proxy
