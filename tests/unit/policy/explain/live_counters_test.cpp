#include "policy/explain/policy_names.h"
#include "policy/limits/memory_limits.h"
#include "tests/unit/policy/explain/money_policy.h"

#include <thread>

namespace headgate::policy {
namespace {

using providers::Money;

/// The counters of a process that serves.
class LivePolicy : public MoneyPolicy {
protected:
    World live() {
        World world = this->world();
        world.used = [this](const ScopeRules& scope) {
            const std::scoped_lock lock{scope.account->mutex()};
            return scope.account->sum(span_of(*scope.budget, day_of(time_)));
        };
        return world;
    }

    /// Admits a request that is running then.
    void admit(std::int64_t tokens, Money worst_case) {
        const LimitBook::Rules rules =
            limits_->rules_for(*find_project(*snapshot_, "search"), nullptr);
        MemoryLimits limits{1, {}};
        const Demand demand{.model = "gpt-5",
                            .tokens = tokens,
                            .images = 0,
                            .worst_case = worst_case,
                            .day = day_of(time_)};
        const Subject subject{rules.organization, rules.project, rules.key};
        ASSERT_FALSE(limits.admit(subject, demand, world().now).refusal);
    }

    /// All levels and sums, as text.
    std::string counters() {
        std::string text;
        for (const BucketReport& bucket : report_buckets(*limits_, nullptr, world().now)) {
            text += bucket.rule->name + " " + std::to_string(bucket.remaining) + "\n";
        }
        for (const BudgetReport& budget : report_budgets(*limits_, day_of(time_))) {
            text += budget.project + " " + budget.spent.to_string() + " " +
                    budget.reserved.to_string() + "\n";
        }
        return text;
    }
};

TEST_F(LivePolicy, IsToldAsItIs) {
    accounts_.restore("search", day_of(time_), usd("100"));
    admit(50'000, usd("12.5"));

    const Explanation found = explain(live(), question());

    EXPECT_EQ(limits_of(found),
              "organization * rpm: 1 of 9999 in 10000\n"
              "project gpt-5* rpm: 1 of 599 in 600\n"
              "project gpt-5* tpm: 32100 of 250000 in 300000\n"
              "project gpt-5* rpd: 1 of 99999 in 100000\n"
              "project gpt-5* tpd: 32100 of 49950000 in 50000000\n"
              "project gpt-5* ipm: 0 of 50 in 50\n"
              "project gpt-5* concurrent: 1 of 63 in 64\n");
    ASSERT_EQ(found.budgets.size(), 2U);
    EXPECT_EQ(found.budgets[0].spent, usd("100"));
    EXPECT_EQ(found.budgets[1].spent, usd("100"));
    EXPECT_EQ(found.budgets[1].reserved, usd("12.5"));
}

TEST_F(LivePolicy, IsNotChangedByExplaining) {
    admit(50'000, usd("12.5"));
    const std::string before = counters();

    for (int i = 0; i < 1'000; ++i) {
        explain(live(), question());
    }

    EXPECT_EQ(counters(), before);
    EXPECT_TRUE(explain(live(), question()).served);
}

TEST_F(LivePolicy, IsReadWhileOthersCountThere) {
    const std::string before = counters();
    const LimitBook::Rules rules = limits_->rules_for(*find_project(*snapshot_, "search"), nullptr);
    const Subject subject{rules.organization, rules.project, rules.key};
    std::jthread serving{[&] {
        MemoryLimits limits{1, {}};
        for (int i = 0; i < 2'000; ++i) {
            const Demand demand{.model = "gpt-5",
                                .tokens = 100,
                                .images = 0,
                                .worst_case = usd("0.5"),
                                .day = day_of(time_)};
            EXPECT_FALSE(limits.admit(subject, demand, world().now).refusal);
            limits.settle(subject, {.held = demand, .is_withdrawn = true}, world().now);
        }
    }};

    for (int i = 0; i < 200; ++i) {
        EXPECT_TRUE(explain(live(), question()).served);
    }
    serving.join();

    EXPECT_EQ(counters(), before);
}

TEST_F(LivePolicy, RefusesByTheLimitThatIsUsedUp) {
    admit(290'000, Money{});

    const Explanation found = explain(live(), question());

    EXPECT_EQ(outcome_of(found), "429 rate_limit_exceeded");
    EXPECT_EQ(found.message,
              "Rate limit search/gpt-5*/tpm of 300000 tpm is used up: try again in 4.5s.");
    EXPECT_EQ(found.limits[2].remaining, 10'000);
}

TEST_F(LivePolicy, ChoosesTheRouteByWhatIsUsed) {
    Question asked = question();
    asked.headers = {{"x-tier", "bulk"}};
    asked.budget_used = 0.9;  // supposed: not asked in a live world

    EXPECT_EQ(explain(live(), asked).route, "rest");
    accounts_.restore("search", day_of(time_), usd("200"));
    EXPECT_EQ(explain(live(), asked).route, "tight");
}

TEST_F(LivePolicy, AdmitsNothingToABudgetBeforeTheSumsAreKnown) {
    World world = live();
    world.knows_sums = false;

    EXPECT_EQ(outcome_of(explain(world, question())), "503 records_unavailable");
}

}  // namespace
}  // namespace headgate::policy
