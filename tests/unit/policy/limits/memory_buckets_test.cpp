#include "tests/unit/policy/limits/limit_policy.h"

#include <gtest/gtest.h>

namespace headgate::policy {
namespace {

using namespace std::chrono_literals;
using enum LimitKind;
using Kind = Refusal::Kind;

TEST(MemoryBuckets, AdmitOneFullBurstAndThenAsFastAsTheyDrain) {
    OneProject policy{{limits_of({{rpm, 60}})}};
    MemoryLimits limits{1, nullptr};
    const Subject subject = policy.subject();

    int burst = 0;
    while (!limits.admit(subject, demand_of(), kStart).refusal) {
        ++burst;
    }
    const Decision refused = limits.admit(subject, demand_of(), kStart + 999ms);
    const Decision admitted = limits.admit(subject, demand_of(), kStart + 1s);

    EXPECT_EQ(burst, 60);
    ASSERT_TRUE(refused.refusal);
    EXPECT_EQ(refused.refusal->kind, Kind::limit);
    EXPECT_EQ(refused.refusal->bucket->label, "search/*/rpm");
    EXPECT_EQ(refused.refusal->scope, subject.project);
    EXPECT_EQ(refused.refusal->retry_after, 1ms);
    EXPECT_FALSE(admitted.refusal);
}

struct WaitCase {
    LimitKind kind;
    std::int64_t limit;
    std::int64_t first;  // is taken
    std::int64_t then;   // is refused
    std::chrono::milliseconds wait;
};

void PrintTo(const WaitCase& wait, std::ostream* out) {
    *out << to_string(wait.kind) << " " << wait.limit;
}

class MemoryBucketsWait : public testing::TestWithParam<WaitCase> {};

Demand demand_of_kind(LimitKind kind, std::int64_t amount) {
    Demand demand = demand_of();
    (kind == ipm ? demand.images : demand.tokens) = amount;
    return demand;
}

TEST_P(MemoryBucketsWait, TellsTheFirstMillisecondAtWhichItFits) {
    const WaitCase& wait = GetParam();
    OneProject policy{{limits_of({{wait.kind, wait.limit}})}};
    MemoryLimits limits{1, nullptr};
    const Subject subject = policy.subject();

    const Decision first = limits.admit(subject, demand_of_kind(wait.kind, wait.first), kStart);
    const Demand demand = demand_of_kind(wait.kind, wait.then);
    const Decision refused = limits.admit(subject, demand, kStart);
    const Decision early = limits.admit(subject, demand, kStart + wait.wait - 1ms);
    const Decision late = limits.admit(subject, demand, kStart + wait.wait);

    EXPECT_FALSE(first.refusal);
    ASSERT_TRUE(refused.refusal);
    EXPECT_EQ(refused.refusal->retry_after, wait.wait);
    EXPECT_TRUE(early.refusal);
    EXPECT_FALSE(late.refusal);
}

INSTANTIATE_TEST_SUITE_P(Kinds,
                         MemoryBucketsWait,
                         testing::Values(WaitCase{tpm, 60'000, 60'000, 100, 100ms},
                                         WaitCase{tpm, 1'000, 900, 200, 6'000ms},
                                         WaitCase{tpm, 7'000, 7'000, 1, 9ms},
                                         WaitCase{tpd, 86'400, 86'400, 2, 2s},
                                         WaitCase{rpm, 1, 0, 0, 60s},
                                         WaitCase{rpd, 1, 0, 0, 24h},
                                         WaitCase{ipm, 50, 48, 4, 2'400ms}));

TEST(MemoryBuckets, KeepTheirPromiseWhereverRoundingFalls) {
    for (std::int64_t limit = 1; limit < 400; ++limit) {
        for (std::int64_t asked_ms = 1; asked_ms < 60; asked_ms += 7) {
            SCOPED_TRACE(std::to_string(limit) + " tokens, " + std::to_string(asked_ms) + " ms");
            OneProject policy{{limits_of({{tpm, limit}})}};
            MemoryLimits limits{1, nullptr};
            const Subject subject = policy.subject();
            const providers::SteadyTime asked = kStart + std::chrono::milliseconds{asked_ms};
            ASSERT_FALSE(limits.admit(subject, demand_of(limit), kStart).refusal);

            const Decision refused = limits.admit(subject, demand_of(1), asked);
            ASSERT_TRUE(refused.refusal);
            const std::chrono::milliseconds wait = refused.refusal->retry_after;

            ASSERT_TRUE(limits.admit(subject, demand_of(1), asked + wait - 1ms).refusal);
            ASSERT_FALSE(limits.admit(subject, demand_of(1), asked + wait).refusal);
        }
    }
}

TEST(MemoryBuckets, RefuseForGoodWhatIsMoreThanTheyEverHold) {
    OneProject policy{{limits_of({{rpm, 10}, {tpm, 1'000}})}};
    MemoryLimits limits{1, nullptr};

    const Decision decision = limits.admit(policy.subject(), demand_of(1'001), kStart);
    const Decision all = limits.admit(policy.subject(), demand_of(1'000), kStart);

    ASSERT_TRUE(decision.refusal);
    EXPECT_EQ(decision.refusal->kind, Kind::too_large);
    EXPECT_EQ(decision.refusal->bucket->kind, tpm);
    EXPECT_EQ(decision.requests->remaining, 10);
    EXPECT_FALSE(all.refusal);
}

TEST(MemoryBuckets, HoldNothingOfWhatWasRefused) {
    OneProject policy{{limits_of({{rpm, 10}, {concurrent, 1}, {tpm, 1'000}})}, budget_of(usd(1))};
    MemoryLimits limits{1, nullptr};
    const Subject subject = policy.subject();
    const Decision first = limits.admit(subject, demand_of(100, usd(1)), kStart);

    const Decision second = limits.admit(subject, demand_of(100), kStart);
    const std::vector<BucketReport> buckets =
        report_buckets(policy.policy().book(), nullptr, kStart);

    EXPECT_FALSE(first.refusal);
    ASSERT_TRUE(second.refusal);
    EXPECT_EQ(second.refusal->bucket->kind, concurrent);
    EXPECT_EQ(second.refusal->retry_after, 1s);
    ASSERT_EQ(buckets.size(), 3U);
    EXPECT_EQ(buckets[0].remaining, 9);
    EXPECT_EQ(buckets[1].remaining, 900);
    EXPECT_EQ(buckets[2].remaining, 0);
}

TEST(MemoryBuckets, TellTheReasonThatWaitingDoesNotCureFirst) {
    OneProject policy{{limits_of({{concurrent, 1}, {rpm, 1}, {tpm, 100}})}, budget_of(usd(1))};
    MemoryLimits limits{1, nullptr};
    const Subject subject = policy.subject();
    ASSERT_FALSE(limits.admit(subject, demand_of(50), kStart).refusal);

    const Decision by_limit = limits.admit(subject, demand_of(51), kStart);
    const Decision by_budget = limits.admit(subject, demand_of(51, usd(2)), kStart);
    const Decision by_size = limits.admit(subject, demand_of(101, usd(2)), kStart);

    EXPECT_EQ(by_limit.refusal->bucket->kind, rpm);  // a minute; the others a second or less
    EXPECT_EQ(by_budget.refusal->kind, Kind::budget);
    EXPECT_EQ(by_size.refusal->kind, Kind::too_large);
}

TEST(MemoryBuckets, FreeTheirSlotsAtSettleAndNotByTime) {
    OneProject policy{{limits_of({{concurrent, 2}})}};
    MemoryLimits limits{1, nullptr};
    const Subject subject = policy.subject();
    ASSERT_FALSE(limits.admit(subject, demand_of(), kStart).refusal);
    ASSERT_FALSE(limits.admit(subject, demand_of(), kStart).refusal);

    const Decision full = limits.admit(subject, demand_of(), kStart + 48h);
    limits.settle(subject, {.held = demand_of()}, kStart + 48h);
    const Decision freed = limits.admit(subject, demand_of(), kStart + 48h);

    EXPECT_TRUE(full.refusal);
    EXPECT_FALSE(freed.refusal);
    EXPECT_FALSE(freed.requests);
}

TEST(MemoryBuckets, CorrectTokensAndImagesByWhatWasReallyUsed) {
    struct Case {
        std::int64_t actual;
        std::int64_t left;
    };
    for (const Case& each : {Case{0, 1'000}, Case{100, 900}, Case{400, 600}, Case{5'000, -4'000}}) {
        OneProject policy{{limits_of({{tpm, 1'000}, {tpd, 1'000}, {ipm, 1'000}, {rpm, 5}})}};
        MemoryLimits limits{1, nullptr};
        const Subject subject = policy.subject();
        Demand demand = demand_of(400);
        demand.images = 400;
        ASSERT_FALSE(limits.admit(subject, demand, kStart).refusal);

        limits.settle(subject, {.held = demand, .tokens = each.actual, .images = each.actual},
                      kStart);
        const std::vector<BucketReport> buckets =
            report_buckets(policy.policy().book(), nullptr, kStart);

        ASSERT_EQ(buckets.size(), 4U);
        for (const BucketReport& bucket : buckets) {
            EXPECT_EQ(bucket.remaining, bucket.rule->kind == rpm ? 4 : double(each.left));
        }
    }
}

TEST(MemoryBuckets, GiveBackNoMoreThanWasInThem) {
    OneProject policy{{limits_of({{tpm, 600}})}};
    MemoryLimits limits{1, nullptr};
    const Subject subject = policy.subject();
    ASSERT_FALSE(limits.admit(subject, demand_of(600), kStart).refusal);

    limits.settle(subject, {.held = demand_of(600), .tokens = 100}, kStart + 30s);
    const Decision next = limits.admit(subject, demand_of(), kStart + 30s);

    EXPECT_EQ(next.tokens->remaining, 600);
    EXPECT_EQ(next.tokens->resets_in, 0ms);
}

TEST(MemoryBuckets, GiveEverythingBackOfAWithdrawnExchange) {
    OneProject policy{{limits_of({{rpm, 5}, {rpd, 5}, {tpm, 100}, {ipm, 7}, {concurrent, 1}})},
                      budget_of(usd(5))};
    MemoryLimits limits{1, nullptr};
    const Subject subject = policy.subject();
    Demand demand = demand_of(100, usd(5));
    demand.images = 7;
    ASSERT_FALSE(limits.admit(subject, demand, kStart).refusal);

    limits.settle(subject, {.held = demand, .tokens = 55, .is_withdrawn = true}, kStart);

    for (const BucketReport& bucket : report_buckets(policy.policy().book(), nullptr, kStart)) {
        EXPECT_EQ(bucket.remaining, double(bucket.rule->limit)) << bucket.rule->name;
    }
    EXPECT_EQ(MemoryLimits::budget_used(*subject.project, kMonday), 0);
}

TEST(MemoryBuckets, AreNotAskedForNoTokensOrImagesButShownAllTheSame) {
    OneProject policy{{limits_of({{tpm, 100}, {ipm, 1}})}};
    MemoryLimits limits{1, nullptr};
    const Subject subject = policy.subject();
    ASSERT_FALSE(limits.admit(subject, demand_of(100), kStart).refusal);
    limits.settle(subject, {.held = demand_of(100), .tokens = 300, .images = 9}, kStart);

    const Decision decision = limits.admit(subject, demand_of(0), kStart);

    EXPECT_FALSE(decision.refusal);
    ASSERT_TRUE(decision.tokens);
    EXPECT_EQ(decision.tokens->limit, 100);
    EXPECT_EQ(decision.tokens->remaining, 0);  // in debt
    EXPECT_EQ(decision.tokens->resets_in, 180s);
    EXPECT_FALSE(decision.requests);
}

TEST(MemoryBuckets, ShowTheTightestLimitOfAllScopes) {
    Accounts accounts;
    LimitPolicy policy{accounts};
    policy.organization().limits = {limits_of({{rpm, 100}, {tpm, 1'000}})};
    Project& project = policy.add_project("search");
    project.limits = {limits_of({{rpm, 50}, {rpd, 10'000}, {tpd, 3'000}})};
    const Key& key = policy.add_key(project, "prod", {limits_of({{rpm, 3}}, {"gpt-*"})});
    MemoryLimits limits{1, nullptr};

    const Decision by_key = limits.admit(policy.subject(project, &key), demand_of(500), kStart);
    const Decision by_project = limits.admit(policy.subject(project), demand_of(), kStart);

    EXPECT_EQ(by_key.requests->limit, 3);
    EXPECT_EQ(by_key.requests->remaining, 2);
    EXPECT_EQ(by_key.requests->resets_in, 20s);
    EXPECT_EQ(by_key.tokens->limit, 1'000);
    EXPECT_EQ(by_key.tokens->remaining, 500);
    EXPECT_EQ(by_project.requests->limit, 50);
    EXPECT_EQ(by_project.requests->remaining, 48);
}

TEST(MemoryBuckets, OfEveryEntryThatMatchesTheModelApply) {
    OneProject policy{{limits_of({{rpm, 9}}), limits_of({{rpm, 2}}, {"o4*", "gpt-5*"}),
                       limits_of({{rpm, 1}}, {"claude*"})}};
    MemoryLimits limits{1, nullptr};
    const Subject subject = policy.subject();

    Demand other = demand_of();
    other.model = "o4-mini";
    const Decision first = limits.admit(subject, demand_of(), kStart);
    const Decision second = limits.admit(subject, other, kStart);
    const Decision third = limits.admit(subject, demand_of(), kStart);

    EXPECT_FALSE(first.refusal);
    EXPECT_FALSE(second.refusal);
    ASSERT_TRUE(third.refusal);
    EXPECT_EQ(third.refusal->bucket->models, "o4*,gpt-5*");
}

TEST(MemoryBuckets, InShadowCountAndReportButDoNotRefuse) {
    OneProject policy{{limits_of({{rpm, 1}, {tpm, 10}}, {"*"}, EnforceMode::shadow)}};
    MemoryLimits limits{1, nullptr};
    const Subject subject = policy.subject();

    const Decision first = limits.admit(subject, demand_of(10), kStart);
    const Decision second = limits.admit(subject, demand_of(11), kStart);
    const std::vector<BucketReport> buckets =
        report_buckets(policy.policy().book(), nullptr, kStart);

    EXPECT_EQ(first.shadow_kinds, 0);
    EXPECT_FALSE(second.refusal);
    EXPECT_EQ(second.shadow_kinds, 1U << unsigned(rpm) | 1U << unsigned(tpm));
    EXPECT_FALSE(second.requests);  // no client is told of a limit that does not hold
    EXPECT_EQ(buckets[0].remaining, -1);
    EXPECT_EQ(buckets[1].remaining, -11);
}

TEST(MemoryBuckets, AreDividedByTheShare) {
    OneProject policy{{limits_of({{rpm, 10}, {tpm, 1'000}, {concurrent, 1}})}};
    MemoryLimits limits{4, nullptr};
    const Subject subject = policy.subject();

    const Decision decision = limits.admit(subject, demand_of(100), kStart);
    const Decision second = limits.admit(subject, demand_of(), kStart);

    EXPECT_FALSE(decision.refusal);
    EXPECT_EQ(decision.requests->limit, 2);
    EXPECT_EQ(decision.requests->remaining, 1);
    EXPECT_EQ(decision.tokens->limit, 250);
    EXPECT_EQ(second.refusal->bucket->kind, concurrent);  // one slot at least, and it is taken
}

TEST(MemoryBuckets, LetWhatFitsTheWholeLimitButNotTheShareIntoDebt) {
    OneProject policy{{limits_of({{tpm, 1'000}})}};
    MemoryLimits limits{4, nullptr};
    const Subject subject = policy.subject();

    const Decision first = limits.admit(subject, demand_of(1'000), kStart);
    const Decision second = limits.admit(subject, demand_of(1'000), kStart);
    const Decision third = limits.admit(subject, demand_of(1'001), kStart);

    EXPECT_FALSE(first.refusal);
    EXPECT_EQ(second.refusal->kind, Kind::limit);
    EXPECT_EQ(second.refusal->retry_after, 4min);
    EXPECT_EQ(third.refusal->kind, Kind::too_large);
}

TEST(MemoryBuckets, KeepWhatIsUsedWhereAReloadChangesTheLimit) {
    OneProject policy{{limits_of({{rpm, 100}})}};
    MemoryLimits limits{1, nullptr};
    const Subject before = policy.subject();
    for (int i = 0; i < 40; ++i) {
        ASSERT_FALSE(limits.admit(before, demand_of(), kStart).refusal);
    }
    LimitPolicy reloaded{policy.accounts()};
    Project& project = reloaded.add_project("search");
    project.limits = {limits_of({{rpm, 30}})};

    const Decision lowered = limits.admit(reloaded.subject(project), demand_of(), kStart);
    const Decision old = limits.admit(before, demand_of(), kStart);

    ASSERT_TRUE(lowered.refusal);
    EXPECT_EQ(lowered.refusal->retry_after, 22s);  // 41 of 30, at one in two seconds
    EXPECT_EQ(old.requests->remaining, 59);        // an exchange keeps its policy
}

TEST(MemoryBuckets, DrainNothingWhereTheClockGoesBack) {
    OneProject policy{{limits_of({{rpm, 2}})}};
    MemoryLimits limits{1, nullptr};
    const Subject subject = policy.subject();
    ASSERT_FALSE(limits.admit(subject, demand_of(), kStart).refusal);
    ASSERT_FALSE(limits.admit(subject, demand_of(), kStart - 1h).refusal);

    const Decision decision = limits.admit(subject, demand_of(), kStart);

    EXPECT_TRUE(decision.refusal);
}

TEST(MemoryBuckets, TakeHostileAmountsForWhatTheyCanBe) {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    OneProject policy{{limits_of({{tpm, most}, {tpd, 1}, {ipm, 1}})}};
    MemoryLimits limits{1, nullptr};
    const Subject subject = policy.subject();
    Demand demand = demand_of(-5);
    demand.images = std::numeric_limits<std::int64_t>::min();

    const Decision negative = limits.admit(subject, demand, kStart);
    limits.settle(subject, {.held = demand, .tokens = most, .images = -1}, kStart);
    const Decision debt = limits.admit(subject, demand_of(1), kStart);

    EXPECT_FALSE(negative.refusal);
    ASSERT_TRUE(debt.refusal);
    EXPECT_GT(debt.refusal->retry_after, 24h * 365 * 1'000);
    EXPECT_EQ(debt.tokens->remaining, 0);
}

}  // namespace
}  // namespace headgate::policy
