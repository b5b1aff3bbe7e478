#include "tests/unit/policy/limits/limit_policy.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace headgate::policy {
namespace {

using providers::Money;
using std::chrono::days;

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

BudgetSpan span_from(int first, int end) {
    return {.first = kMonday + days{first}, .end = kMonday + days{end}};
}

TEST(Account, AddsUpTheDaysOfASpan) {
    Account account{"search"};
    for (int day = 0; day < 10; ++day) {
        account.add(kMonday + days{day}, 1, 100);
    }

    EXPECT_EQ(account.sum(span_from(2, 5)).spent, Money::nanos(3));
    EXPECT_EQ(account.sum(span_from(2, 5)).reserved, Money::nanos(300));
    EXPECT_EQ(account.sum({.first = Day::min(), .end = std::nullopt}).spent, Money::nanos(10));
    EXPECT_EQ(account.sum(span_from(20, 21)).spent, Money{});
}

TEST(Account, AddsUpTheSameWhicheverDayIsTouchedInWhateverOrder) {
    for (unsigned seed = 0; seed < 20; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937 random{seed};
        const auto below = [&](int end) { return static_cast<int>(random() % unsigned(end)); };
        Account account{"search"};
        std::map<int, std::int64_t> days_spent;
        for (int step = 0; step < 2'000; ++step) {
            const int day = below(60);
            account.add(kMonday + days{day}, step, 0);
            days_spent[day] += step;
            const int first = below(60);
            const int end = below(4) == 0 ? first + 1 + below(30) : 60;

            std::int64_t expected = 0;
            for (const auto& [of, spent] : days_spent) {
                expected += of >= first && of < end ? spent : 0;
            }
            ASSERT_EQ(account.sum(span_from(first, end)).spent, Money::nanos(expected));
            ASSERT_EQ(account.sum(span_from(first, end)).spent, Money::nanos(expected));
        }
        EXPECT_TRUE(std::ranges::is_sorted(account.days(), {}, &DayMoney::day));
    }
}

TEST(Account, StopsAtTheEndsOfTheRange) {
    Account account{"search"};
    const BudgetSpan both = span_from(0, 2);

    account.add(kMonday, kMost, kMost);
    account.add(kMonday, 1, 1);
    account.add(kMonday + days{1}, kMost, 5);
    const SpentReserved most = account.sum(both);
    account.add(kMonday + days{1}, -kMost, -6);
    const SpentReserved less = account.sum(both);
    account.add(kMonday, -kMost, -kMost);

    EXPECT_EQ(most.spent, Money::nanos(kMost));
    EXPECT_EQ(most.reserved, Money::nanos(kMost));
    EXPECT_EQ(less.spent, Money::nanos(kMost));
    EXPECT_EQ(less.reserved, Money::nanos(kMost));
    EXPECT_EQ(account.sum(both).spent, Money{});
    EXPECT_EQ(account.sum(both).reserved, Money{});
}

TEST(Account, NeverReservesLessThanNothing) {
    Account account{"search"};
    account.add(kMonday, 0, 5);

    account.add(kMonday, 0, -7);
    account.add(kMonday, 0, 3);

    EXPECT_EQ(account.sum(span_from(0, 1)).reserved, Money::nanos(3));
}

TEST(Account, RemembersTheOutputOfBoundedlyManyModels) {
    Account account{"search"};

    for (int i = 0; i < 300; ++i) {
        account.note_output("model-" + std::to_string(i), 0);
    }
    account.note_output("model-0", std::numeric_limits<std::int64_t>::max());
    account.note_output("model-1", -5);

    EXPECT_EQ(account.expected_output("model-255"), 800);
    EXPECT_EQ(account.expected_output("model-256"), 1'000);
    EXPECT_GT(account.expected_output("model-0"), std::int64_t{1} << 50);
    EXPECT_EQ(account.expected_output("model-1"), 640);
}

TEST(Account, KeepsItsCellsByName) {
    Account account{"search"};

    BucketCell& first = account.cell("p/search/*/rpm");
    for (int i = 0; i < 1'000; ++i) {
        account.cell(std::to_string(i));
    }

    EXPECT_EQ(&account.cell("p/search/*/rpm"), &first);
    EXPECT_NE(&account.cell("p/search/*/tpm"), &first);
}

TEST(Accounts, RestoreWhatWasSpentToTheProjectAndTheOrganization) {
    Accounts accounts;

    accounts.restore("search", kMonday, usd(2));
    accounts.restore("chat", kMonday + days{1}, usd(3));
    accounts.restore("", kMonday, usd(10));

    EXPECT_EQ(accounts.of("search")->sum(span_from(0, 2)).spent, usd(2));
    EXPECT_EQ(accounts.of("chat")->sum(span_from(0, 2)).spent, usd(3));
    EXPECT_EQ(accounts.of("")->sum(span_from(0, 1)).spent, usd(12));
    EXPECT_EQ(accounts.of("")->sum(span_from(0, 2)).spent, usd(15));
    EXPECT_EQ(accounts.all().size(), 3U);
    EXPECT_EQ(accounts.of("search"), accounts.of("search"));
}

}  // namespace
}  // namespace headgate::policy
