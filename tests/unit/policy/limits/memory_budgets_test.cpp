#include "tests/unit/policy/limits/limit_policy.h"

#include <gtest/gtest.h>

#include <limits>

namespace headgate::policy {
namespace {

using namespace std::chrono_literals;
using enum LimitKind;
using Kind = Refusal::Kind;
using providers::Money;

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

TEST(MemoryBudgets, RefuseWhatCouldPassTheLimit) {
    OneProject policy{{}, budget_of(usd(10))};
    MemoryLimits limits{1, nullptr};
    const Subject subject = policy.subject();

    const Decision first = limits.admit(subject, demand_of(0, usd(6)), kStart);
    const Decision second = limits.admit(subject, demand_of(0, usd(5)), kStart);
    const Decision third = limits.admit(subject, demand_of(0, usd(4)), kStart);

    EXPECT_FALSE(first.refusal);
    EXPECT_EQ(first.budget_used, 0.6);
    ASSERT_TRUE(second.refusal);
    EXPECT_EQ(second.refusal->kind, Kind::budget);
    EXPECT_EQ(second.refusal->scope, subject.project);
    EXPECT_EQ(second.refusal->bucket, nullptr);
    EXPECT_EQ(second.refusal->spent, Money{});
    EXPECT_EQ(second.refusal->reserved, usd(6));
    EXPECT_EQ(second.refusal->needed, usd(5));
    EXPECT_EQ(second.budget_used, 0.6);
    EXPECT_FALSE(third.refusal);
    EXPECT_EQ(third.budget_used, 1.0);
}

TEST(MemoryBudgets, BookTheCostAndReleaseTheReservationAtSettle) {
    OneProject policy{{}, budget_of(usd(10))};
    MemoryLimits limits{1, nullptr};
    const Subject subject = policy.subject();
    const Demand demand = demand_of(0, usd(8));
    ASSERT_FALSE(limits.admit(subject, demand, kStart).refusal);

    limits.settle(subject, {.held = demand, .cost = usd(3)}, kStart);
    const std::vector<BudgetReport> budgets = report_budgets(policy.policy().book(), kMonday);

    ASSERT_EQ(budgets.size(), 1U);
    EXPECT_EQ(budgets[0].project, "search");
    EXPECT_EQ(budgets[0].spent, usd(3));
    EXPECT_EQ(budgets[0].reserved, Money{});
    EXPECT_EQ(MemoryLimits::budget_used(*subject.project, kMonday), 0.3);
}

TEST(MemoryBudgets, ToppedUpByAFurtherReservationAskForMoneyAlone) {
    OneProject policy{{limits_of({{rpm, 1}, {concurrent, 1}, {tpm, 10}})}, budget_of(usd(10))};
    MemoryLimits limits{1, nullptr};
    const Subject subject = policy.subject();
    Demand held = demand_of(10, usd(4));
    Demand further = held;
    further.only_money = true;
    ASSERT_FALSE(limits.admit(subject, held, kStart).refusal);

    const Decision fits = limits.admit(subject, further, kStart);
    const Decision too_much = limits.admit(subject, further, kStart);
    held.worst_case = usd(8);
    limits.settle(subject, {.held = held, .tokens = 10, .cost = usd(5)}, kStart);

    EXPECT_FALSE(fits.refusal);
    EXPECT_FALSE(fits.requests);
    EXPECT_EQ(too_much.refusal->kind, Kind::budget);
    EXPECT_EQ(MemoryLimits::budget_used(*subject.project, kMonday), 0.5);
}

TEST(MemoryBudgets, OfTheOrganizationHoldOverAllProjects) {
    Accounts accounts;
    LimitPolicy policy{accounts};
    policy.organization().budget = budget_of(usd(10));
    const Project& search = policy.add_project("search");
    Project& chat = policy.add_project("chat");
    chat.budget = budget_of(usd(100));
    MemoryLimits limits{1, nullptr};

    const Decision first = limits.admit(policy.subject(search), demand_of(0, usd(7)), kStart);
    const Decision second = limits.admit(policy.subject(chat), demand_of(0, usd(4)), kStart);

    EXPECT_FALSE(first.refusal);
    EXPECT_EQ(first.budget_used, 0);  // the project has none
    ASSERT_TRUE(second.refusal);
    EXPECT_EQ(second.refusal->scope->scope, Scope::organization);
    EXPECT_EQ(second.budget_used, 0);  // nothing is held of what was refused
}

TEST(MemoryBudgets, InShadowCountButDoNotRefuse) {
    BudgetSettings shadow = budget_of(usd(10));
    shadow.mode = EnforceMode::shadow;
    OneProject policy{{}, shadow};
    MemoryLimits limits{1, nullptr};
    const Subject subject = policy.subject();

    const Decision first = limits.admit(subject, demand_of(0, usd(10)), kStart);
    const Decision second = limits.admit(subject, demand_of(0, usd(10)), kStart);

    EXPECT_FALSE(first.shadow_budget);
    EXPECT_FALSE(second.refusal);
    EXPECT_TRUE(second.shadow_budget);
    EXPECT_EQ(second.budget_used, 2.0);
}

TEST(MemoryBudgets, BelongToThePeriodOfTheAdmission) {
    OneProject policy{{}, budget_of(usd(10))};
    MemoryLimits limits{1, nullptr};
    const Subject subject = policy.subject();
    const Demand late = demand_of(0, usd(10));
    Demand next_day = late;
    next_day.day = kMonday + std::chrono::days{1};

    const Decision monday = limits.admit(subject, late, kStart);
    const Decision tuesday = limits.admit(subject, next_day, kStart);
    limits.settle(subject, {.held = late, .cost = usd(9)}, kStart);

    EXPECT_FALSE(monday.refusal);
    EXPECT_FALSE(tuesday.refusal);
    EXPECT_EQ(MemoryLimits::budget_used(*subject.project, kMonday), 0.9);
    EXPECT_EQ(MemoryLimits::budget_used(*subject.project, next_day.day), 1.0);
}

TEST(MemoryBudgets, AddedByAReloadKnowWhatWasSpentAndWhatRuns) {
    OneProject policy{{}};
    MemoryLimits limits{1, nullptr};
    const Subject before = policy.subject();
    ASSERT_FALSE(limits.admit(before, demand_of(0, usd(2)), kStart).refusal);
    ASSERT_FALSE(limits.admit(before, demand_of(0, usd(3)), kStart).refusal);
    limits.settle(before, {.held = demand_of(0, usd(2)), .cost = usd(1)}, kStart);
    LimitPolicy reloaded{policy.accounts()};
    reloaded.organization().budget = budget_of(usd(4), BudgetPeriod::month);
    Project& project = reloaded.add_project("search");
    project.budget = budget_of(usd(5), BudgetPeriod::total);

    const std::vector<BudgetReport> budgets = report_budgets(reloaded.book(), kMonday);
    const Decision full =
        limits.admit(reloaded.subject(project), demand_of(0, Money::nanos(1)), kStart);

    ASSERT_EQ(budgets.size(), 2U);
    for (const BudgetReport& budget : budgets) {
        EXPECT_EQ(budget.spent, usd(1));
        EXPECT_EQ(budget.reserved, usd(3));
    }
    EXPECT_EQ(full.refusal->scope->scope, Scope::organization);
}

TEST(MemoryBudgets, LoweredBelowWhatIsSpentRefuseFromTheNextRequest) {
    OneProject policy{{}, budget_of(usd(10))};
    MemoryLimits limits{1, nullptr};
    policy.accounts().restore("search", kMonday, usd(6));
    LimitPolicy reloaded{policy.accounts()};
    Project& project = reloaded.add_project("search");
    project.budget = budget_of(usd(5));

    const Decision before = limits.admit(policy.subject(), demand_of(), kStart);
    const Decision after = limits.admit(reloaded.subject(project), demand_of(), kStart);

    EXPECT_FALSE(before.refusal);
    EXPECT_EQ(after.refusal->kind, Kind::budget);
    EXPECT_EQ(after.budget_used, 1.2);
}

TEST(MemoryBudgets, RefuseRatherThanWrapAtTheEndOfTheRange) {
    struct Case {
        std::int64_t spent;
        std::int64_t reserved;
        std::int64_t needed;
    };
    for (const Case& each : {Case{kMost, 0, 1}, Case{kMost, kMost, kMost}, Case{1, 0, kMost}}) {
        OneProject policy{{}, budget_of(Money::nanos(kMost))};
        MemoryLimits limits{1, nullptr};
        const Subject subject = policy.subject();
        subject.project->account->add(kMonday, each.spent, each.reserved);

        const Decision decision =
            limits.admit(subject, demand_of(0, Money::nanos(each.needed)), kStart);

        EXPECT_TRUE(decision.refusal);
        EXPECT_GE(decision.budget_used, 0);
    }
}

TEST(MemoryBudgets, BookACostThatPassesTheRangeAsTheMostThereIs) {
    OneProject policy{{}, budget_of(usd(10))};
    MemoryLimits limits{1, nullptr};
    const Subject subject = policy.subject();

    limits.settle(subject, {.held = demand_of(), .cost = Money::nanos(kMost)}, kStart);
    limits.settle(subject, {.held = demand_of(), .cost = Money::nanos(kMost)}, kStart);
    limits.settle(subject, {.held = demand_of(), .cost = Money::nanos(-kMost)}, kStart);
    const Decision decision = limits.admit(subject, demand_of(), kStart);

    ASSERT_TRUE(decision.refusal);
    EXPECT_EQ(decision.refusal->spent, Money::nanos(kMost));
}

TEST(MemoryBudgets, OfNothingAdmitOnlyWhatCostsNothing) {
    OneProject policy{{}, budget_of(Money{})};
    MemoryLimits limits{1, nullptr};

    const Decision free = limits.admit(policy.subject(), demand_of(), kStart);
    const Decision paid = limits.admit(policy.subject(), demand_of(0, Money::nanos(1)), kStart);

    EXPECT_FALSE(free.refusal);
    EXPECT_EQ(free.budget_used, 1);
    EXPECT_TRUE(paid.refusal);
}

TEST(MemoryBudgets, FeedTheAverageOutputOfTheModel) {
    OneProject policy{{}};
    MemoryLimits limits{1, nullptr};
    const Subject subject = policy.subject();
    Account& account = *subject.project->account;
    const std::int64_t first = account.expected_output("gpt-5");

    limits.settle(subject, {.held = demand_of(), .tokens = 50, .output_tokens = 0}, kStart);
    limits.settle(subject, {.held = demand_of(), .output_tokens = 9, .is_withdrawn = true}, kStart);
    const std::int64_t unchanged = account.expected_output("gpt-5");
    limits.settle(subject, {.held = demand_of(), .tokens = 550, .output_tokens = 500}, kStart);

    EXPECT_EQ(first, 1'000);
    EXPECT_EQ(unchanged, 1'000);
    EXPECT_EQ(account.expected_output("gpt-5"), 900);
    EXPECT_EQ(account.expected_output("o4"), 1'000);
}

}  // namespace
}  // namespace headgate::policy
