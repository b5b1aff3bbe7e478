#include "tests/unit/policy/config/policy_file.h"

namespace headgate::policy {
namespace {

using providers::Money;

/// A policy whose line 6 has the organization's budget, and further lines.
LoadResult with_budget(std::string_view budget, std::string_view more = {}) {
    return load_text(
        with_basics("organization: {budget: " + std::string(budget) + "}\n" + std::string(more)));
}

Day day_from(int year, unsigned month, unsigned date) {
    return Day{std::chrono::year{year} / std::chrono::month{month} / std::chrono::day{date}};
}

TEST(BudgetSection, ReadsAllItHolds) {
    const LoadResult result = with_budget(
        "{usd: 250.000000001, per: total, since: 2026-01-31, mode: shadow, when_tight: cap, "
        "alert_at: [95%, 50%, 1000%, 1%]}");

    ASSERT_EQ(told(result), "");
    const std::optional<BudgetSettings>& budget = result.snapshot->organization.budget;
    ASSERT_TRUE(budget);
    EXPECT_EQ(budget->limit, Money::nanos(250'000'000'001));
    EXPECT_EQ(budget->per, BudgetPeriod::total);
    EXPECT_EQ(budget->since, day_from(2026, 1, 31));
    EXPECT_EQ(budget->mode, EnforceMode::shadow);
    EXPECT_EQ(budget->when_tight, WhenTight::cap);
    EXPECT_EQ(budget->alert_at, (std::vector<int>{1, 50, 95, 1000}));
}

TEST(BudgetSection, HasTheDocumentedDefaults) {
    const LoadResult result = load_text(std::string(kProviders) + std::string(kProjects) +
                                        "    budget: {usd: \"250\"}\n");

    ASSERT_EQ(told(result), "");
    const std::optional<BudgetSettings>& budget = result.snapshot->projects[0]->budget;
    ASSERT_TRUE(budget);
    EXPECT_EQ(budget->limit, Money::nanos(250'000'000'000));
    EXPECT_EQ(budget->per, BudgetPeriod::month);
    EXPECT_EQ(budget->since, std::nullopt);
    EXPECT_EQ(budget->mode, EnforceMode::enforce);
    EXPECT_EQ(budget->when_tight, WhenTight::refuse);
    EXPECT_EQ(budget->alert_at, (std::vector<int>{50, 80, 95}));
    EXPECT_EQ(with_budget("{usd: 1, alert_at: []}").snapshot->organization.budget->alert_at,
              std::vector<int>{});
}

TEST(BudgetSection, TakesAmountsInMoneysRangeOnly) {
    EXPECT_EQ(told(with_budget("{usd: 9223372036}")), "");
    EXPECT_EQ(told(with_budget("{usd: 0.000000001}")), "");
    for (const std::string_view amount :
         {"0", "0.0", "-1", "1e3", ".nan", ".inf", "9223372036.000000001", "9223372037",
          "99999999999999999999", "0.0000000001", "250 USD", "$5", "1,000", "0x10", "''"}) {
        EXPECT_EQ(told(with_budget("{usd: \"" + std::string(amount) + "\"}")),
                  "6:30: error: \"organization.budget.usd\" must be US dollars above 0 and at most "
                  "9223372036, with at most 9 places, such as 250 or 0.5\n")
            << amount;
    }
}

TEST(BudgetSection, RefusesWhatMeansNothing) {
    struct Case {
        std::string_view budget;
        std::string_view told;
    };
    constexpr Case cases[] = {
        {"{}", "6:24: error: \"organization.budget.usd\" is missing; write for example `usd: 250`"},
        {"250", "6:24: error: \"organization.budget\" must be a map of settings (`name: value`)"},
        {"{usd: 1, per: year}",
         "6:38: error: \"organization.budget.per\" must be one of day, week, month, total"},
        {"{usd: 1, since: 2026-01-01}",
         "6:40: warning: \"organization.budget.since\" counts with `per: total` only; a month "
         "begins "
         "where the calendar says"},
        {"{usd: 1, since: 2026-01-01, per: week}",
         "6:40: warning: \"organization.budget.since\" counts with `per: total` only; a week "
         "begins "
         "where the calendar says"},
        {"{usd: 1, per: total, since: 2026-02-30}",
         "6:52: error: \"organization.budget.since\" must be a date such as 2027-01-01"},
        {"{usd: 1, per: total, since: yesterday}",
         "6:52: error: \"organization.budget.since\" must be a date such as 2027-01-01"},
        {"{usd: 1, alert: 5%}",
         "6:33: error: \"organization.budget.alert\" is not a setting that Headgate knows"},
        {"{usd: 1, when_tight: refus}",
         "6:45: error: \"organization.budget.when_tight\" must be one of refuse, cap (did you mean "
         "`refuse`?)"},
        {"{usd: 1, alert_at: [80%, 080%]}",
         "6:49: error: \"organization.budget.alert_at[1]\" is listed twice"},
    };

    for (const Case& each : cases) {
        EXPECT_EQ(told(with_budget(each.budget)), std::string(each.told) + "\n");
    }
    for (const std::string_view percent :
         {"0%", "1001%", "99.5%", "80", "-1%", "%", "1k%", "", "0x10%", "80 %"}) {
        EXPECT_EQ(
            told(with_budget("{usd: 1, alert_at: \"" + std::string(percent) + "\"}")),
            "6:43: error: \"organization.budget.alert_at\" must be a whole percentage from 1% "
            "to 1000%, such as 80%\n")
            << percent;
    }
}

TEST(BudgetSection, RefusesWhatRedisCannotCountExactly) {
    constexpr std::string_view state = "state: {limits: redis://h, records: postgresql://h/db}\n";

    EXPECT_EQ(told(with_budget("{usd: 9007199}", state)), "");
    EXPECT_EQ(
        told(with_budget("{usd: 9007199.000000001}", state)),
        "6:30: error: \"organization.budget.usd\" must be at most 9007199 where limits live in "
        "Redis, which counts no larger amount exactly\n");
}

TEST(BudgetSection, NeedsRecordsThatOutliveTheProcess) {
    constexpr std::string_view budget = "    budget: {usd: 1}\n";
    const std::string policy =
        std::string(kProviders) + std::string(kProjects) + std::string(budget);

    EXPECT_EQ(told(load_text(policy + "state: {records: none}\n")),
              "6:13: error: \"projects.search.budget\" needs records: with `state.records: none` "
              "and limits in memory what is spent would be forgotten at every start\n");
    const LoadResult shared = load_text(policy + "state: {records: none, limits: redis://h}\n");
    EXPECT_NE(shared.snapshot, nullptr);
    EXPECT_EQ(told(shared),
              "6:13: warning: \"projects.search.budget\" has no record to be rebuilt from: with "
              "`state.records: none` what is spent is lost with Redis' data\n"
              "7:18: warning: \"state.records\" keeps no rows, with limits in Redis: what is spent "
              "is forgotten when Redis loses its data\n");
    EXPECT_EQ(told(load_text(with_basics("state: {records: none}\n"))), "");
}

TEST(BudgetSection, IsNoneWhereItsAmountIsUnknown) {
    const LoadResult result = load_text(with_basics("organization: {budget: {usd: \"${USD}\"}}\n"),
                                        options_with({}, false));

    ASSERT_EQ(told(result), "");
    EXPECT_FALSE(result.snapshot->organization.budget);
}

TEST(BudgetSection, JudgesOnlyWhatItKnowsOfTheState) {
    for (const std::string_view state :
         {"{limits: \"${REDIS}\", records: none}", "{records: \"${RECORDS}\"}"}) {
        const LoadResult result = load_text(
            with_basics("organization: {budget: {usd: 10000000}}\nstate: " + std::string(state) +
                        "\n"),
            options_with({}, false));

        EXPECT_EQ(told(result), "") << state;
    }
    const LoadResult by_scheme =
        load_text(with_basics("organization: {budget: {usd: 10000000}}\n"
                              "state: {limits: \"redis://:${PASSWORD}@h\", records: \"postgresql://"
                              "u:${PASSWORD}@h/db\"}\n"),
                  options_with({}, false));
    EXPECT_EQ(
        told(by_scheme),
        "6:30: error: \"organization.budget.usd\" must be at most 9007199 where limits live in "
        "Redis, which counts no larger amount exactly\n");
}

}  // namespace
}  // namespace headgate::policy
