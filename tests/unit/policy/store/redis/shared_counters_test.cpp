#include "policy/store/redis/shared_counters.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <initializer_list>
#include <limits>

namespace headgate::policy {

namespace {

using std::chrono::days;

constexpr Day kToday{days{20'000}};

std::string packed(std::initializer_list<double> numbers) {
    std::string bytes;
    for (const double number : numbers) {
        char eight[sizeof number];
        std::memcpy(eight, &number, sizeof number);
        bytes.append(eight, sizeof eight);
    }
    return bytes;
}

RespValue text(std::string bytes) {
    return {.kind = RespValue::Kind::text, .text = std::move(bytes), .items = {}};
}

/// An organization and `count` projects, each with a limit of requests a minute and a budget.
struct Policy {
    Policy(int count, BudgetPeriod per) {
        LimitEntry entry;
        entry.amounts[static_cast<std::size_t>(LimitKind::rpm)] = 10;
        snapshot.organization.limits.push_back(entry);
        for (int i = 0; i < count; ++i) {
            auto project = std::make_unique<Project>();
            project->id = "p" + std::to_string(i);
            project->limits.push_back(entry);
            project->budget.emplace().per = per;
            snapshot.projects.push_back(std::move(project));
        }
        book.emplace(snapshot, accounts);
    }

    Snapshot snapshot;
    Accounts accounts;
    std::optional<LimitBook> book;
};

TEST(CountersQueries, AskForAllOfASmallPolicyAtOnce) {
    const Policy policy{2, BudgetPeriod::day};

    const auto queries = counters_queries(*policy.book, false, kToday);

    ASSERT_EQ(queries.size(), 1U);
    EXPECT_EQ(queries[0].project, "");
    ASSERT_EQ(queries[0].buckets.size(), 3U);
    EXPECT_EQ(queries[0].buckets[0].substr(0, 2), "o/");
    ASSERT_EQ(queries[0].budgets.size(), 2U);
    EXPECT_EQ(queries[0].budgets[1].scope, "p1");
    EXPECT_EQ(queries[0].budgets[1].span.first, kToday);
    EXPECT_EQ(queries[0].budgets[1].span.end, kToday + days{1});
}

TEST(CountersQueries, AskEachShardForItsProjectAlone) {
    const Policy policy{2, BudgetPeriod::day};

    const auto queries = counters_queries(*policy.book, true, kToday);

    ASSERT_EQ(queries.size(), 2U);
    for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_EQ(queries[i].project, "p" + std::to_string(i));
        EXPECT_EQ(queries[i].buckets.size(), 1U) << "nothing of the organization";
        EXPECT_EQ(queries[i].budgets.size(), 1U);
    }
}

TEST(CountersQueries, AreBoundedAndLeaveNothingOut) {
    for (const BudgetPeriod per : {BudgetPeriod::day, BudgetPeriod::month, BudgetPeriod::total}) {
        const Policy policy{3'000, per};

        const auto queries = counters_queries(*policy.book, false, kToday);

        std::size_t buckets = 0;
        std::size_t budgets = 0;
        for (const CountersQuery& query : queries) {
            EXPECT_LE(query.buckets.size() + query.budgets.size(), CountersQuery::kMostFields);
            buckets += query.buckets.size();
            budgets += query.budgets.size();
        }
        EXPECT_EQ(buckets, 3'001U);
        EXPECT_EQ(budgets, 3'000U);
        EXPECT_GE(queries.size(), 3U);
    }
}

TEST(CountersCall, NamesTheFieldsOfOneKey) {
    const CountersQuery query{
        .project = "search", .buckets = {"p/search/*/rpm"}, .budgets = {{"search", {kToday, {}}}}};

    const RedisLimits::Call one = counters_call({.key_space = "n", .instance = "a"}, query);
    const RedisLimits::Call sharded =
        counters_call({.key_space = "n", .shards_by_project = true, .instance = "a"}, query);

    EXPECT_EQ(one.shard_key, "{hg:n}:limits");
    EXPECT_EQ(sharded.shard_key, "{hg:n:search}:limits");
    EXPECT_NE(one.bytes.find("bp/search/*/rpm"), std::string::npos);
}

class ParseCounters : public testing::Test {
protected:
    CountersQuery query_{
        .project = "", .buckets = {"b1", "b2"}, .budgets = {{"search", {kToday, {}}}}};
};

TEST_F(ParseCounters, ReadsWhatAReadyRedisTells) {
    const auto counters = parse_counters(query_, text(packed({7e12, 1, 3.5, 6e12, 0, 0, 40, 2})));

    ASSERT_TRUE(counters);
    EXPECT_EQ(counters->now_ms, 7e12);
    ASSERT_EQ(counters->buckets.size(), 2U);
    EXPECT_EQ(counters->buckets[0].used, 3.5);
    EXPECT_EQ(counters->buckets[0].at_ms, 6e12);
    ASSERT_EQ(counters->budgets.size(), 1U);
    EXPECT_EQ(counters->budgets[0].spent, providers::Money::nanos(40));
    EXPECT_EQ(counters->budgets[0].reserved, providers::Money::nanos(2));
}

TEST_F(ParseCounters, HasNoSumsUntilAllHaveReportedAndNothingOfAnEmptyRedis) {
    const auto loading = parse_counters(query_, text(packed({7e12, 0, 1, 0, 1, 0, 40, 2})));
    const auto empty = parse_counters(query_, text(packed({7e12, -1, 0, 0, 0, 0, 0, 0})));

    ASSERT_TRUE(loading);
    EXPECT_EQ(loading->buckets.size(), 2U);
    EXPECT_TRUE(loading->budgets.empty());
    ASSERT_TRUE(empty);
    EXPECT_TRUE(empty->buckets.empty());
    EXPECT_TRUE(empty->budgets.empty());
}

TEST_F(ParseCounters, NeverTellsLessThanNothing) {
    const auto counters = parse_counters(query_, text(packed({7e12, 1, -1, 0, 0, 0, -40, -2})));

    ASSERT_TRUE(counters);
    EXPECT_EQ(counters->buckets[0].used, 0);
    EXPECT_EQ(counters->budgets[0].spent, providers::Money{});
    EXPECT_EQ(counters->budgets[0].reserved, providers::Money{});
}

TEST_F(ParseCounters, RefusesWhatIsNoAnswer) {
    const double infinite = std::numeric_limits<double>::infinity();
    const std::vector<RespValue> table{
        {},
        {.kind = RespValue::Kind::number, .text = {}, .number = 3, .items = {}},
        {.kind = RespValue::Kind::error, .text = "LOADING it loads", .items = {}},
        text(""),
        text(packed({7e12, 1})),
        text(packed({7e12, 1, 0, 0, 0, 0, 0, 0, 0, 0})),
        text(packed({7e12, 1, 0, 0, 0, 0, 0}) + "1234567"),
        text(packed({7e12, 1, std::nan(""), 0, 0, 0, 0, 0})),
        text(packed({7e12, 1, 0, 0, 0, 0, infinite, 0})),
        text(packed({7e12, 1, 0, 0, 0, 0, 0x1p63, 0})),
    };
    for (const RespValue& reply : table) {
        const auto counters = parse_counters(query_, reply);

        ASSERT_FALSE(counters) << reply.text;
        EXPECT_FALSE(counters.error().empty());
    }
}

}  // namespace

}  // namespace headgate::policy
