#include "tests/unit/policy/limits/limit_policy.h"

#include <gtest/gtest.h>

namespace headgate::policy {
namespace {

using providers::Money;

BudgetSettings alerting(Money limit, std::vector<int> alert_at) {
    BudgetSettings budget = budget_of(limit);
    budget.alert_at = std::move(alert_at);
    return budget;
}

/// One project with a budget of 100 USD a day that alerts at 50 %, 80 % and 95 %.
class BudgetAlerts : public testing::Test {
protected:
    BudgetAlerts()
        : policy_{{}, alerting(usd(100), {50, 80, 95})},
          limits_{1, [this](const BudgetAlert& alert) { told_.push_back(alert); }} {}

    void spend(std::int64_t dollars, Day day = kMonday) {
        Demand demand = demand_of(0, usd(dollars));
        demand.day = day;
        if (!limits_.admit(policy_.subject(), demand, kStart).refusal) {
            limits_.settle(policy_.subject(), {.held = demand, .cost = usd(dollars)}, kStart);
        }
    }

    std::vector<int> thresholds() const {
        std::vector<int> thresholds;
        for (const BudgetAlert& alert : told_) {
            thresholds.push_back(alert.threshold);
        }
        return thresholds;
    }

    OneProject policy_;
    std::vector<BudgetAlert> told_;
    MemoryLimits limits_;
};

TEST_F(BudgetAlerts, TellEachThresholdOnce) {
    for (int i = 0; i < 100; ++i) {
        spend(1);
    }

    EXPECT_EQ(thresholds(), (std::vector<int>{50, 80, 95}));
    EXPECT_EQ(told_[0].project, "search");
    EXPECT_EQ(told_[0].limit, usd(100));
    EXPECT_EQ(told_[0].spent, usd(49));
    EXPECT_EQ(told_[0].reserved, usd(1));
    EXPECT_EQ(told_[0].period.first, kMonday);
    EXPECT_EQ(told_[0].per, BudgetPeriod::day);
}

TEST_F(BudgetAlerts, TellTheHighestOfThoseThatArePassedAtOnce) {
    spend(85);
    spend(1);
    spend(10);

    EXPECT_EQ(thresholds(), (std::vector<int>{80, 95}));
}

TEST_F(BudgetAlerts, BeginAnewWithThePeriodAndStayToldInTheOldOne) {
    const Day tuesday = kMonday + std::chrono::days{1};

    spend(60);
    spend(60, tuesday);
    spend(1);
    spend(1, tuesday);
    spend(20);

    EXPECT_EQ(thresholds(), (std::vector<int>{50, 50, 80}));
    EXPECT_EQ(told_[1].period.first, tuesday);
    EXPECT_EQ(told_[2].period.first, kMonday);
}

TEST_F(BudgetAlerts, TellWhatAReservationPassesAlthoughItIsReleased) {
    const Demand demand = demand_of(0, usd(96));

    ASSERT_FALSE(limits_.admit(policy_.subject(), demand, kStart).refusal);
    limits_.settle(policy_.subject(), {.held = demand, .cost = usd(1)}, kStart);
    spend(96);

    EXPECT_EQ(thresholds(), (std::vector<int>{95}));
    EXPECT_EQ(told_[0].reserved, usd(96));
}

TEST_F(BudgetAlerts, TellOfABudgetThatWasLoweredBelowWhatIsSpentAtTheNextRequest) {
    spend(40);
    LimitPolicy reloaded{policy_.accounts()};
    Project& project = reloaded.add_project("search");
    project.budget = alerting(usd(10), {100});

    const Decision decision = limits_.admit(reloaded.subject(project), demand_of(), kStart);

    EXPECT_TRUE(decision.refusal);
    EXPECT_EQ(thresholds(), (std::vector<int>{100}));
}

TEST_F(BudgetAlerts, TellNothingAgainWhereTheLimitIsEdited) {
    spend(60);
    LimitPolicy reloaded{policy_.accounts()};
    Project& project = reloaded.add_project("search");
    project.budget = alerting(usd(1'000), {50});

    limits_.admit(reloaded.subject(project), demand_of(0, usd(500)), kStart);

    EXPECT_EQ(thresholds(), (std::vector<int>{50}));
}

TEST(BudgetAlertsOfBothScopes, AreToldWithoutALockHeldTheOrganizationsFirst) {
    Accounts accounts;
    LimitPolicy policy{accounts};
    policy.organization().budget = alerting(usd(10), {50});
    Project& project = policy.add_project("search");
    project.budget = alerting(usd(10), {50});
    project.budget->mode = EnforceMode::shadow;
    std::vector<std::string> told;
    MemoryLimits limits{1, [&](const BudgetAlert& alert) {
                            told.push_back(alert.project);
                            EXPECT_EQ(report_budgets(policy.book(), kMonday).size(), 2U);
                        }};

    limits.admit(policy.subject(project), demand_of(0, usd(5)), kStart);

    EXPECT_EQ(told, (std::vector<std::string>{"", "search"}));
}

TEST(BudgetAlertsOfNothing, AreNotToldBeforeSomethingIsUsed) {
    OneProject policy{{}, alerting(Money{}, {50})};
    int told = 0;
    MemoryLimits limits{1, [&](const BudgetAlert&) { ++told; }};

    limits.admit(policy.subject(), demand_of(), kStart);
    const int before = told;
    limits.settle(policy.subject(), {.held = demand_of(), .cost = Money::nanos(1)}, kStart);

    EXPECT_EQ(before, 0);
    EXPECT_EQ(told, 1);
}

}  // namespace
}  // namespace headgate::policy
