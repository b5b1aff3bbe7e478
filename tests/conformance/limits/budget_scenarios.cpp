#include "tests/conformance/limits/limits_scenarios.h"

#include <gtest/gtest.h>

#include <chrono>

namespace headgate::policy::testing {

namespace {

using Kind = Refusal::Kind;
using std::chrono::days;

void refuses_what_could_pass(BackendKind kind) {
    LimitsWorld world;
    Project& search = world.project("search");
    search.budget = budget(usd(10));
    world.open();
    const auto limits = make_backend(kind, world);
    const Subject subject = world.subject(search);

    const Decision first = limits->admit(subject, demand(usd(6)));
    const Decision second = limits->admit(subject, demand(usd(5)));
    limits->settle(subject, settled(demand(usd(6)), usd(1)));
    const Decision third = limits->admit(subject, demand(usd(5)));
    const Decision last = limits->admit(subject, demand(usd(4)));
    const Decision full = limits->admit(subject, demand(Money::nanos(1)));

    EXPECT_FALSE(first.refusal);
    EXPECT_DOUBLE_EQ(first.budget_used, 0.6);
    ASSERT_TRUE(second.refusal);
    EXPECT_EQ(second.refusal->kind, Kind::budget);
    EXPECT_EQ(second.refusal->scope->id, "search");
    EXPECT_EQ(second.refusal->spent, usd(0));
    EXPECT_EQ(second.refusal->reserved, usd(6));
    EXPECT_EQ(second.refusal->needed, usd(5));
    EXPECT_DOUBLE_EQ(second.budget_used, 0.6);
    EXPECT_FALSE(third.refusal);
    EXPECT_FALSE(last.refusal);
    EXPECT_DOUBLE_EQ(last.budget_used, 1.0);
    ASSERT_TRUE(full.refusal);
    EXPECT_EQ(full.refusal->spent, usd(1));
    EXPECT_EQ(full.refusal->reserved, usd(9));
}

void holds_both_budgets(BackendKind kind) {
    LimitsWorld world;
    world.organization().budget = budget(usd(10));
    Project& search = world.project("search");
    Project& mail = world.project("mail");
    search.budget = budget(usd(8));
    world.open();
    const auto limits = make_backend(kind, world);

    const Decision mails = limits->admit(world.subject(mail), demand(usd(5)));
    const Decision over = limits->admit(world.subject(search), demand(usd(6)));
    const Decision fits = limits->admit(world.subject(search), demand(usd(5)));
    const Decision both = limits->admit(world.subject(search), demand(usd(9)));

    EXPECT_FALSE(mails.refusal);
    EXPECT_EQ(mails.budget_used, 0.0) << "of the project's budget: it has none";
    ASSERT_TRUE(over.refusal);
    EXPECT_EQ(over.refusal->scope->scope, Scope::organization);
    EXPECT_EQ(over.refusal->reserved, usd(5));
    EXPECT_FALSE(fits.refusal) << "what was refused reserved nothing in the project";
    ASSERT_TRUE(both.refusal);
    EXPECT_EQ(both.refusal->scope->scope, Scope::organization) << "the outermost first";
}

struct PeriodCase {
    const char* name;
    BudgetPeriod per;
    std::optional<Day> since;
    Money spent;  // of what was spent before, in the period of kToday
};

/// Spent before: 1 today, 2 yesterday, 4 on Monday, 8 on the Sunday before, 16 on the first of the
/// month, 32 on the day before it, 64 three years ago.
void sums_periods_from_days(BackendKind kind) {
    const Day first_of_month = kToday - days{14};
    const PeriodCase cases[] = {
        {"day", BudgetPeriod::day, {}, usd(1)},
        {"week", BudgetPeriod::week, {}, usd(1 + 2 + 4)},  // kToday is a Wednesday
        {"month", BudgetPeriod::month, {}, usd(1 + 2 + 4 + 8 + 16)},
        {"total", BudgetPeriod::total, {}, usd(127)},
        {"since", BudgetPeriod::total, first_of_month - days{1}, usd(63)},
    };
    for (const PeriodCase& period : cases) {
        SCOPED_TRACE(period.name);
        LimitsWorld world;
        Project& search = world.project("search");
        search.budget = budget(usd(200), period.per);
        search.budget->since = period.since;
        world.open();
        const auto limits = make_backend(kind, world);
        limits->restore(search, kToday, usd(1));
        limits->restore(search, kToday - days{1}, usd(2));
        limits->restore(search, kToday - days{2}, usd(4));
        limits->restore(search, kToday - days{3}, usd(8));
        limits->restore(search, first_of_month, usd(16));
        limits->restore(search, first_of_month - days{1}, usd(32));
        limits->restore(search, kToday - days{1'096}, usd(64));

        const Decision over = limits->admit(world.subject(search), demand(usd(200)));
        const Decision fits = limits->admit(world.subject(search), demand(usd(200) - period.spent));

        ASSERT_TRUE(over.refusal);
        EXPECT_EQ(over.refusal->spent, period.spent);
        EXPECT_FALSE(fits.refusal);
    }
}

void sums_a_month_of_requests(BackendKind kind) {
    LimitsWorld world;
    Project& search = world.project("search");
    search.budget = budget(usd(31));
    world.open();
    const auto limits = make_backend(kind, world);
    const Subject subject = world.subject(search);
    Demand held = demand(usd(1));
    for (int day = 0; day < 30; ++day) {
        held.day = kToday - days{14} + days{day};
        ASSERT_FALSE(limits->admit(subject, held).refusal) << day;
        limits->settle(subject, settled(held, usd(1)));
    }

    const Decision over = limits->admit(subject, demand(usd(2)));
    held.day = kToday + days{16};
    const Decision next_month = limits->admit(subject, held);

    ASSERT_TRUE(over.refusal);
    EXPECT_EQ(over.refusal->spent, usd(30));
    EXPECT_FALSE(next_month.refusal);
    EXPECT_DOUBLE_EQ(next_month.budget_used, 1.0 / 31);
}

void books_by_the_day_of_admission(BackendKind kind) {
    LimitsWorld world;
    Project& search = world.project("search");
    search.budget = budget(usd(10), BudgetPeriod::day);
    world.open();
    const auto limits = make_backend(kind, world);
    const Subject subject = world.subject(search);
    Demand yesterdays = demand(usd(7));
    yesterdays.day = kToday - days{1};

    ASSERT_FALSE(limits->admit(subject, yesterdays).refusal);
    ASSERT_FALSE(limits->admit(subject, demand(usd(2))).refusal);
    limits->settle(subject, settled(yesterdays, usd(5)));
    const Decision today = limits->admit(subject, demand(usd(9)));
    const Decision late = limits->admit(subject, yesterdays);

    ASSERT_TRUE(today.refusal);
    EXPECT_EQ(today.refusal->spent, usd(0));
    EXPECT_EQ(today.refusal->reserved, usd(2));
    ASSERT_TRUE(late.refusal) << "a clock that is behind asks for yesterday";
    EXPECT_EQ(late.refusal->spent, usd(5));
    EXPECT_EQ(late.refusal->reserved, usd(0));
}

void counts_budgets_in_shadow(BackendKind kind) {
    LimitsWorld world;
    Project& search = world.project("search");
    search.budget = budget(usd(1), BudgetPeriod::month, EnforceMode::shadow);
    world.open();
    const auto limits = make_backend(kind, world);

    const Decision first = limits->admit(world.subject(search), demand(usd(1)));
    const Decision second = limits->admit(world.subject(search), demand(usd(1)));

    EXPECT_FALSE(first.shadow_budget);
    EXPECT_FALSE(second.refusal);
    EXPECT_TRUE(second.shadow_budget);
    EXPECT_DOUBLE_EQ(second.budget_used, 2.0);
}

void asks_budgets_alone_for_more_money(BackendKind kind) {
    LimitsWorld world;
    Project& search = world.project("search");
    search.limits = {entry({{LimitKind::rpd, 1}, {LimitKind::tpd, 100}})};
    search.budget = budget(usd(10));
    world.open();
    const auto limits = make_backend(kind, world);
    const Subject subject = world.subject(search);
    Demand held = demand(usd(4), 100);
    Demand further = held;
    further.only_money = true;

    ASSERT_FALSE(limits->admit(subject, held).refusal);
    const Decision more = limits->admit(subject, further);
    const Decision too_much = limits->admit(subject, further);
    held.worst_case = usd(8);
    limits->settle(subject, settled(held, usd(3)));
    further.worst_case = usd(7);
    const Decision fits = limits->admit(subject, further);

    EXPECT_FALSE(more.refusal);
    EXPECT_FALSE(more.requests);
    EXPECT_DOUBLE_EQ(more.budget_used, 0.8);
    ASSERT_TRUE(too_much.refusal);
    EXPECT_EQ(too_much.refusal->kind, Kind::budget);
    EXPECT_FALSE(fits.refusal);
}

void books_more_than_was_reserved(BackendKind kind) {
    LimitsWorld world;
    Project& search = world.project("search");
    search.budget = budget(usd(10));
    world.open();
    const auto limits = make_backend(kind, world);
    const Subject subject = world.subject(search);
    ASSERT_FALSE(limits->admit(subject, demand(usd(5))).refusal);

    limits->settle(subject, settled(demand(usd(5)), usd(12)));
    const Decision nothing = limits->admit(subject, demand());

    ASSERT_TRUE(nothing.refusal);
    EXPECT_EQ(nothing.refusal->spent, usd(12));
    EXPECT_EQ(nothing.refusal->reserved, usd(0));
    EXPECT_DOUBLE_EQ(nothing.budget_used, 1.2);
}

void refuses_budget_before_limit(BackendKind kind) {
    LimitsWorld world;
    Project& search = world.project("search");
    search.limits = {entry({{LimitKind::rpd, 1}})};
    search.budget = budget(usd(1));
    world.open();
    const auto limits = make_backend(kind, world);
    ASSERT_FALSE(limits->admit(world.subject(search), demand(usd(1))).refusal);

    const Decision decision = limits->admit(world.subject(search), demand(usd(1)));

    ASSERT_TRUE(decision.refusal);
    EXPECT_EQ(decision.refusal->kind, Kind::budget);
}

constexpr LimitsScenario kScenarios[] = {
    {"RefusesWhatCouldPassTheBudget", refuses_what_could_pass},
    {"HoldsBothBudgets", holds_both_budgets, true},
    {"SumsPeriodsFromDays", sums_periods_from_days},
    {"SumsAMonthOfRequests", sums_a_month_of_requests},
    {"BooksByTheDayOfAdmission", books_by_the_day_of_admission},
    {"CountsBudgetsInShadow", counts_budgets_in_shadow},
    {"AsksBudgetsAloneForMoreMoney", asks_budgets_alone_for_more_money},
    {"BooksMoreThanWasReserved", books_more_than_was_reserved},
    {"RefusesBudgetBeforeLimit", refuses_budget_before_limit},
};

}  // namespace

std::span<const LimitsScenario> budget_scenarios() {
    return kScenarios;
}

}  // namespace headgate::policy::testing
