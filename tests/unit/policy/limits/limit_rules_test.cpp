#include "tests/unit/policy/limits/limit_policy.h"

#include <gtest/gtest.h>

#include <set>

namespace headgate::policy {
namespace {

using namespace std::chrono_literals;
using enum LimitKind;

std::vector<std::string> names_of(const ScopeRules& scope) {
    std::vector<std::string> names;
    for (const EntryRules& entry : scope.entries) {
        for (const BucketRule& bucket : entry.buckets) {
            names.push_back(bucket.name + " = " + bucket.label);
        }
    }
    return names;
}

TEST(LimitBook, NamesBucketsByScopeEntryAndKind) {
    Accounts accounts;
    LimitPolicy policy{accounts};
    policy.organization().limits = {limits_of({{rpm, 1}, {concurrent, 2}})};
    Project& project = policy.add_project("search");
    project.limits = {limits_of({{tpm, 3}}, {"gpt-5*", "o4*"})};
    const Key& key = policy.add_key(project, "prod", {limits_of({{rpd, 4}})});

    const LimitBook::Rules rules = policy.book().rules_for(project, &key);

    using Names = std::vector<std::string>;
    EXPECT_EQ(names_of(*rules.organization), (Names{"o/*/rpm = organization/*/rpm",
                                                    "o/*/concurrent = organization/*/concurrent"}));
    EXPECT_EQ(names_of(*rules.project), (Names{"p/search/gpt-5*,o4*/tpm = search/gpt-5*,o4*/tpm"}));
    EXPECT_EQ(names_of(*rules.key), (Names{"k/search/prod/*/rpd = search/prod/*/rpd"}));
    EXPECT_EQ(rules.key->account, rules.project->account);
    EXPECT_EQ(rules.project->organization_account, rules.organization->account);
}

TEST(LimitBook, GivesEntriesOfTheSameGlobsBucketsOfTheirOwn) {
    OneProject policy{{limits_of({{rpm, 100}}),
                       limits_of({{rpm, 50}, {tpm, 9}}, {"*"}, EnforceMode::shadow),
                       limits_of({{rpm, 20}})}};

    const ScopeRules& rules = *policy.subject().project;

    EXPECT_EQ(names_of(rules),
              (std::vector<std::string>{
                  "p/search/*/rpm = search/*/rpm", "p/search/*#2/rpm = search/*/rpm",
                  "p/search/*/tpm = search/*/tpm", "p/search/*#3/rpm = search/*/rpm"}));
    EXPECT_NE(rules.entries[0].buckets[0].cell, rules.entries[1].buckets[0].cell);
}

TEST(LimitBook, HasNoRulesForAScopeWithoutLimitsAndBudget) {
    Accounts accounts;
    LimitPolicy policy{accounts};
    Project& project = policy.add_project("search");
    project.limits = {limits_of({})};
    const Key& key = policy.add_key(project, "plain", {});

    const LimitBook::Rules rules = policy.book().rules_for(project, &key);
    const LimitBook::Rules keyless = policy.book().rules_for(project, nullptr);

    EXPECT_EQ(rules.organization, nullptr);
    EXPECT_EQ(rules.key, nullptr);
    EXPECT_TRUE(rules.project->is_empty());
    EXPECT_EQ(keyless.project, rules.project);
}

TEST(LimitBook, SharesCountersWithTheBookOfTheNextPolicy) {
    OneProject policy{{limits_of({{rpm, 5}})}};
    LimitPolicy reloaded{policy.accounts()};
    Project& project = reloaded.add_project("search");
    project.limits = {limits_of({{tpm, 1}}), limits_of({{rpm, 7}})};

    const BucketRule& before = policy.subject().project->entries[0].buckets[0];
    const BucketRule& after = reloaded.subject(project).project->entries[1].buckets[0];

    EXPECT_EQ(before.cell, after.cell);
    EXPECT_EQ(after.limit, 7);
}

TEST(EntryRules, MatchByAnyOfTheirGlobs) {
    const EntryRules some{.models = {"gpt-5*", "o4-?"}, .buckets = {}};
    const EntryRules all{.models = {"*"}, .buckets = {}};

    EXPECT_TRUE(some.matches("gpt-5-mini"));
    EXPECT_TRUE(some.matches("o4-x"));
    EXPECT_FALSE(some.matches("o4-mini"));
    EXPECT_TRUE(all.matches("anything"));
}

TEST(LimitReports, TellEveryBucketOfThePolicyOrOfAProject) {
    Accounts accounts;
    LimitPolicy policy{accounts};
    policy.organization().limits = {limits_of({{rpm, 10}})};
    Project& search = policy.add_project("search");
    search.limits = {limits_of({{tpm, 100}, {concurrent, 3}})};
    Project& chat = policy.add_project("chat");
    chat.limits = {limits_of({{rpm, 10}})};
    const Key& key = policy.add_key(search, "prod", {limits_of({{rpm, 60}})});
    MemoryLimits limits{1, nullptr};
    limits.admit(policy.subject(search, &key), demand_of(50), kStart);

    const std::string id = "search";
    const std::vector<BucketReport> all = report_buckets(policy.book(), nullptr, kStart);
    const std::vector<BucketReport> of_project = report_buckets(policy.book(), &id, kStart);

    ASSERT_EQ(all.size(), 5U);
    EXPECT_EQ(all[0].project, "");
    EXPECT_EQ(all[0].remaining, 9);
    EXPECT_EQ(all[0].resets_in, 6s);
    ASSERT_EQ(of_project.size(), 3U);
    EXPECT_EQ(of_project[0].remaining, 50);
    EXPECT_EQ(of_project[0].resets_in, 30s);
    EXPECT_EQ(of_project[1].remaining, 2);
    EXPECT_EQ(of_project[1].resets_in, 0s);
    EXPECT_EQ(of_project[2].key, "prod");
    EXPECT_EQ(of_project[2].remaining, 59);
}

TEST(LimitReports, TellTheOrganizationsBudgetFirst) {
    Accounts accounts;
    LimitPolicy policy{accounts};
    policy.organization().budget = budget_of(usd(100), BudgetPeriod::month);
    policy.add_project("free");
    Project& project = policy.add_project("search");
    project.budget = budget_of(usd(10));
    accounts.restore("search", kMonday, usd(4));
    accounts.restore("free", kMonday - std::chrono::days{1}, usd(5));

    const std::vector<BudgetReport> budgets = report_budgets(policy.book(), kMonday);

    ASSERT_EQ(budgets.size(), 2U);
    EXPECT_EQ(budgets[0].project, "");
    EXPECT_EQ(budgets[0].spent, usd(9));
    EXPECT_EQ(budgets[0].span.first, Day{std::chrono::year{2026} / 6 / 1});
    EXPECT_EQ(budgets[1].project, "search");
    EXPECT_EQ(budgets[1].settings, &*project.budget);
    EXPECT_EQ(budgets[1].spent, usd(4));
}

}  // namespace
}  // namespace headgate::policy
