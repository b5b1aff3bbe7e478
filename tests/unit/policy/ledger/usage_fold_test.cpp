#include "policy/ledger/usage_fold.h"

#include <gtest/gtest.h>

#include <limits>

namespace headgate::policy {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

UsageQuery by(std::vector<UsageBy> dimensions) {
    UsageQuery query;
    query.by = std::move(dimensions);
    return query;
}

UsageLine line(std::string_view project, std::string_view model, std::int64_t nanos) {
    UsageLine line;
    line.project = project;
    line.model = model;
    line.requests = 1;
    line.cost_nanos = nanos;
    return line;
}

TEST(UsageFold, AddsUpByGroupInOrder) {
    const UsageQuery query = by({UsageBy::project, UsageBy::model});
    UsageFold fold{query};
    for (const UsageLine& added : {line("b", "x", 1), line("a", "y", 2), line("b", "x", 3)}) {
        ASSERT_TRUE(fold.add(added));
    }

    const std::vector<UsageSum> sums = fold.take();

    ASSERT_EQ(sums.size(), 2U);
    EXPECT_EQ(sums[0].group, (std::vector<std::string>{"a", "y"}));
    EXPECT_EQ(sums[0].cost.nanos(), 2);
    EXPECT_EQ(sums[1].group, (std::vector<std::string>{"b", "x"}));
    EXPECT_EQ(sums[1].requests, 2);
    EXPECT_EQ(sums[1].cost.nanos(), 4);
    EXPECT_TRUE(fold.take().empty());
}

TEST(UsageFold, KeepsGroupsApartWhoseValuesOnlyLookTheSameTogether) {
    const UsageQuery query = by({UsageBy::project, UsageBy::model});
    UsageFold fold{query};
    ASSERT_TRUE(fold.add(line("ab", "c", 1)));
    ASSERT_TRUE(fold.add(line("a", "bc", 1)));

    EXPECT_EQ(fold.take().size(), 2U);
}

TEST(UsageFold, RefusesEachSumThatLeavesItsRange) {
    const UsageQuery query = by({});
    for (std::int64_t UsageLine::* const field :
         {&UsageLine::requests, &UsageLine::input_tokens, &UsageLine::cached_input_tokens,
          &UsageLine::output_tokens, &UsageLine::images, &UsageLine::cost_nanos}) {
        UsageFold fold{query};
        UsageLine most;
        most.*field = kMost;
        UsageLine one;
        one.*field = 1;

        EXPECT_TRUE(fold.add(most));
        EXPECT_FALSE(fold.add(one));
    }
}

}  // namespace
}  // namespace headgate::policy
