#include "policy/breaker/retry_budget.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>
#include <vector>

namespace headgate::policy {
namespace {

using namespace std::chrono_literals;
using providers::SteadyTime;

constexpr SteadyTime kStart{1000s};

int repeats_until_refused(RetryBudget& budget, SteadyTime now) {
    int repeats = 0;
    while (repeats < 1'000 && budget.try_repeat(now)) {
        ++repeats;
    }
    return repeats;
}

TEST(RetryBudget, GivesThreeWithoutAnyCall) {
    RetryBudget budget;

    const int repeats = repeats_until_refused(budget, kStart);

    EXPECT_EQ(repeats, 3);
}

TEST(RetryBudget, GivesAFifthOfTheCallsAndAtLeastThree) {
    for (const auto& [calls, expected] : {std::pair{5, 3}, {19, 3}, {20, 4}, {24, 4}, {500, 100}}) {
        RetryBudget budget;
        for (int i = 0; i < calls; ++i) {
            budget.note_call(kStart);
        }

        const int repeats = repeats_until_refused(budget, kStart);

        EXPECT_EQ(repeats, expected) << calls << " calls";
    }
}

TEST(RetryBudget, ForgetsCallsAndRepeatsAfterTenSeconds) {
    RetryBudget budget;
    for (int i = 0; i < 100; ++i) {
        budget.note_call(kStart);
    }

    const int at_once = repeats_until_refused(budget, kStart);
    const int in_the_tenth_second = repeats_until_refused(budget, kStart + 9s);
    const int after = repeats_until_refused(budget, kStart + 10s);

    EXPECT_EQ(at_once, 20);
    EXPECT_EQ(in_the_tenth_second, 0);
    EXPECT_EQ(after, 3);
}

TEST(RetryBudget, WorksFromTheFirstMomentOfTheClock) {
    RetryBudget budget;
    for (int i = 0; i < 50; ++i) {
        budget.note_call(SteadyTime{});
    }

    const int repeats = repeats_until_refused(budget, SteadyTime{});

    EXPECT_EQ(repeats, 10);
}

TEST(RetryBudget, DoesWhatItsModelDoesOverRandomTimes) {
    for (unsigned seed = 1; seed <= 300; ++seed) {
        std::mt19937 random{seed};
        RetryBudget budget;
        std::vector<std::int64_t> calls;  // seconds
        std::vector<std::int64_t> repeats;
        SteadyTime now = kStart;

        for (int step = 0; step < 200; ++step) {
            now += std::chrono::milliseconds{random() % 700};
            const auto second =
                std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
            const auto recent = [&](const std::vector<std::int64_t>& all) {
                return std::ranges::count_if(all, [&](auto at) { return at > second - 10; });
            };
            if (random() % 8 != 0) {
                budget.note_call(now);
                calls.push_back(second);
                continue;
            }
            const bool expected = recent(repeats) < std::max<std::ptrdiff_t>(3, recent(calls) / 5);

            const bool is_given = budget.try_repeat(now);

            ASSERT_EQ(is_given, expected) << "seed " << seed << ", step " << step;
            if (is_given) {
                repeats.push_back(second);
            }
        }
    }
}

TEST(RetryBudget, GivesAtMostOneTooManyAWorker) {
    constexpr int workers = 4;
    RetryBudget budget;
    std::atomic<int> given{0};
    std::vector<std::jthread> threads;

    for (int worker = 0; worker < workers; ++worker) {
        threads.emplace_back([&] {
            for (int i = 0; i < 1'000; ++i) {
                given += budget.try_repeat(kStart) ? 1 : 0;
            }
        });
    }
    threads.clear();

    EXPECT_GE(given.load(), 3);
    EXPECT_LE(given.load(), 3 + workers);
}

TEST(RetryBudget, LosesNoCallOfAnyWorker) {
    RetryBudget budget;
    std::vector<std::jthread> threads;

    for (int worker = 0; worker < 4; ++worker) {
        threads.emplace_back([&] {
            for (int i = 0; i < 500; ++i) {
                budget.note_call(kStart);
            }
        });
    }
    threads.clear();

    EXPECT_EQ(repeats_until_refused(budget, kStart), 400);
}

}  // namespace
}  // namespace headgate::policy
