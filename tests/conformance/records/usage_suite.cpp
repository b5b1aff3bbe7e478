#include "tests/conformance/records/record_store_suite.h"

#include <limits>

namespace headgate::policy {
namespace {

using providers::Money;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

using Group = std::vector<std::string>;

/// Two projects, two models, two keys, two providers over three days, no two rows alike.
std::vector<TestRow> mixed_rows() {
    std::vector<TestRow> rows;
    for (int i = 0; i < 72; ++i) {
        TestRow& test = rows.emplace_back(i * 60, i % 2 == 0 ? "shop" : "lab");
        LedgerRow& row = test.row;
        row.model = i % 3 == 0 ? "gpt-5" : "gpt-5-mini";
        row.key = i % 5 == 0 ? "till" : "office";
        row.provider = i % 7 == 0 ? "openai" : "azure";
        row.usage.input = {1'000 + i};
        row.usage.cached_input = {i};
        row.usage.output = {3 * i};
        row.usage.images = i % 4;
        row.cost = Money::nanos(1'000'003 + i);
        row.count = 1 + i % 2;
    }
    return rows;
}

/// One line a sum: the group, requests, input, cached, output tokens, images, nanodollars.
std::string text_of(const std::vector<UsageSum>& sums) {
    std::string text;
    for (const UsageSum& sum : sums) {
        for (const std::string& value : sum.group) {
            text += value + "/";
        }
        for (const std::int64_t number : {sum.requests, sum.input_tokens, sum.cached_input_tokens,
                                          sum.output_tokens, sum.images, sum.cost.nanos()}) {
            text += " " + std::to_string(number);
        }
        text += "\n";
    }
    return text;
}

UsageQuery between(providers::WallTime from, providers::WallTime to) {
    UsageQuery query;
    query.from = from;
    query.to = to;
    return query;
}

TEST_P(RecordStoreSuite, AddsUpUsageInTotal) {
    append(*store_, rows_of(mixed_rows()));

    const std::vector<UsageSum> sums = usage_by(*store_, {});

    ASSERT_EQ(sums.size(), 1U);
    EXPECT_TRUE(sums[0].group.empty());
    EXPECT_EQ(sums[0].requests, 72 + 36);
    EXPECT_EQ(sums[0].input_tokens, 72 * 1'000 + 2 * 71 * 36);  // cached ones are input, too
    EXPECT_EQ(sums[0].cached_input_tokens, 71 * 36);
    EXPECT_EQ(sums[0].output_tokens, 3 * 71 * 36);
    EXPECT_EQ(sums[0].images, 18 * 6);
    EXPECT_EQ(sums[0].cost, Money::nanos(72 * 1'000'003 + 71 * 36));
}

TEST_P(RecordStoreSuite, AddsUpUsageByEachDimensionOrderedByGroup) {
    TestRow free{1};
    free.row.model = free.row.key = free.row.provider = "";
    append(*store_, rows_of({TestRow{2}, free, TestRow{3, "lab"}}));
    struct Case {
        UsageBy by;
        std::vector<Group> groups;
    };
    const std::vector<Case> cases{{UsageBy::project, {{"lab"}, {"shop"}}},
                                  {UsageBy::model, {{""}, {"gpt-5"}}},
                                  {UsageBy::key, {{""}, {"till"}}},
                                  {UsageBy::provider, {{""}, {"openai"}}}};

    for (const Case& test : cases) {
        std::vector<Group> groups;
        std::int64_t requests = 0;
        for (const UsageSum& sum : usage_by(*store_, {test.by})) {
            groups.push_back(sum.group);
            requests += sum.requests;
        }
        EXPECT_EQ(groups, test.groups);
        EXPECT_EQ(requests, 3);
    }
}

TEST_P(RecordStoreSuite, AddsUpUsageByDimensionsInTheOrderAsked) {
    append(*store_, rows_of({TestRow{1}, TestRow{2, "lab"}, TestRow{3, "lab"}}));

    const auto sums = usage_by(*store_, {UsageBy::provider, UsageBy::project, UsageBy::model});

    ASSERT_EQ(sums.size(), 2U);
    EXPECT_EQ(sums[0].group, (Group{"openai", "lab", "gpt-5"}));
    EXPECT_EQ(sums[0].requests, 2);
    EXPECT_EQ(sums[1].group, (Group{"openai", "shop", "gpt-5"}));
    EXPECT_EQ(sums[1].requests, 1);
}

TEST_P(RecordStoreSuite, AddsUpUsageByTheExactNameOfATag) {
    std::vector<TestRow> rows;
    for (int i = 0;
         const std::string_view tags : {"team=a,feature=x", "feature=y,team=a", "team=b", "xteam=a",
                                        "team=b,team=a", "teams=a", "team", ""}) {
        rows.emplace_back(i++).row.tags = tags;
    }
    append(*store_, rows_of(rows));
    UsageQuery query;
    query.by = {UsageBy::tag};
    query.tag = "team";

    const auto sums = store_->usage(query);

    ASSERT_TRUE(sums);
    EXPECT_EQ(text_of(*sums),
              "/ 4 440 40 80 0 28\n"
              "a/ 3 330 30 60 0 21\n"
              "b/ 1 110 10 20 0 7\n");
}

TEST_P(RecordStoreSuite, AddsUpOnlyWhatWasAdmittedWithinTheTime) {
    append(*store_, rows_of({TestRow{0}, TestRow{1}, TestRow{2}, TestRow{3}}));

    const auto sums = store_->usage(between(kFirstDay + minutes{1}, kFirstDay + minutes{3}));
    const auto none = store_->usage(between(kFirstDay + days{9}, kFirstDay + days{10}));

    ASSERT_TRUE(sums && none);
    ASSERT_EQ(sums->size(), 1U);
    EXPECT_EQ(sums->front().requests, 2);
    EXPECT_TRUE(none->empty());
}

TEST_P(RecordStoreSuite, RefusesASumOfUsageThatLeavesTheRange) {
    std::vector<TestRow> rows{TestRow{1}, TestRow{2, "lab"}};
    for (TestRow& row : rows) {
        row.row.cost = Money::nanos(std::numeric_limits<std::int64_t>::max() - 1);
    }
    append(*store_, rows_of(rows));

    const auto total = store_->usage({});
    const std::vector<UsageSum> apart = usage_by(*store_, {UsageBy::project});

    ASSERT_FALSE(total);
    EXPECT_EQ(total.error().kind, StoreError::Kind::refused);
    ASSERT_EQ(apart.size(), 2U);
    EXPECT_EQ(apart[0].cost, rows[0].row.cost);
}

TEST_P(RecordStoreSuite, RollsUpInSlicesWithoutChangingAnySum) {
    const std::vector<TestRow> rows = mixed_rows();
    append(*store_, rows_of(rows));
    const std::vector<UsageBy> all{UsageBy::project, UsageBy::model, UsageBy::key,
                                   UsageBy::provider};
    const std::vector<UsageSum> before = usage_by(*store_, all);
    const auto days_before = store_->day_sums(kFirstDay);
    const providers::WallTime limit = kFirstDay + days{2};

    std::vector<std::size_t> slices;
    do {
        const Stored<std::size_t> rolled = store_->roll_up(limit, 10);
        ASSERT_TRUE(rolled) << rolled.error().text;
        slices.push_back(*rolled);
        EXPECT_EQ(text_of(usage_by(*store_, all)), text_of(before));
    } while (slices.back() == 10);

    EXPECT_EQ(slices, (std::vector<std::size_t>{10, 10, 10, 10, 8}));
    const std::vector<std::string> left = ids_by_page(*store_, {});
    EXPECT_EQ(left.size(), 24U);
    EXPECT_EQ(left.front(), rows[48].id);
    const auto days_after = store_->day_sums(kFirstDay);
    ASSERT_TRUE(days_before && days_after);
    ASSERT_EQ(days_after->size(), days_before->size());
    for (std::size_t i = 0; i < days_after->size(); ++i) {
        EXPECT_EQ((*days_after)[i].spent, (*days_before)[i].spent);
    }
}

TEST_P(RecordStoreSuite, CountsRolledUpDaysOnlyWhereTheWholeDayIsAsked) {
    append(*store_, rows_of(mixed_rows()));
    ASSERT_TRUE(store_->roll_up(kFirstDay + days{2}, 1'000));

    const auto whole = store_->usage(between(kFirstDay + days{1}, kFirstDay + days{2}));
    const auto part = store_->usage(between(kFirstDay + days{1} + hours{1}, kFirstDay + days{2}));
    const auto longer =
        store_->usage(between(kFirstDay + hours{1}, kFirstDay + days{2} + hours{1}));

    ASSERT_TRUE(whole && part && longer);
    ASSERT_EQ(whole->size(), 1U);
    EXPECT_EQ(whole->front().requests, 36);
    EXPECT_TRUE(part->empty());
    ASSERT_EQ(longer->size(), 1U);
    EXPECT_EQ(longer->front().requests, 36 + 1);
}

TEST_P(RecordStoreSuite, GivesRolledUpRowsNoTag) {
    std::vector<TestRow> rows{TestRow{1}, TestRow{1441}};
    rows[0].row.tags = rows[1].row.tags = "team=a";
    append(*store_, rows_of(rows));
    ASSERT_TRUE(store_->roll_up(kFirstDay + days{1}, 10));
    UsageQuery query;
    query.by = {UsageBy::tag};
    query.tag = "team";

    const auto sums = store_->usage(query);

    ASSERT_TRUE(sums);
    EXPECT_EQ(text_of(*sums), "/ 1 110 10 20 0 7\na/ 1 110 10 20 0 7\n");
}

TEST_P(RecordStoreSuite, AddsRowsToADayThatWasRolledUpBefore) {
    append(*store_, rows_of({TestRow{1}}));
    ASSERT_TRUE(store_->roll_up(kFirstDay + days{1}, 10));
    append(*store_, rows_of({TestRow{2}, TestRow{3}}));

    const Stored<std::size_t> rolled = store_->roll_up(kFirstDay + days{1}, 10);
    const Stored<std::size_t> nothing = store_->roll_up(kFirstDay + days{1}, 10);

    ASSERT_TRUE(rolled && nothing);
    EXPECT_EQ(*rolled, 2U);
    EXPECT_EQ(*nothing, 0U);
    EXPECT_EQ(text_of(usage_by(*store_, {UsageBy::project})), "shop/ 3 330 30 60 0 21\n");
}

}  // namespace
}  // namespace headgate::policy
