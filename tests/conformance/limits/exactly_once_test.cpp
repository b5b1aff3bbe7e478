#include "tests/conformance/limits/limits_backend.h"
#include "tests/conformance/limits/redis_counters.h"

#include <gtest/gtest.h>

namespace headgate::policy::testing {

namespace {

using Answers = std::vector<RedisLimits::Answer>;

class ExactlyOnce : public ::testing::Test {
protected:
    ExactlyOnce() {
        search_.limits = {
            entry({{LimitKind::rpd, 100}, {LimitKind::tpd, 10'000}, {LimitKind::concurrent, 10}})};
        search_.budget = budget(usd(10));
        world_.open();
        subject_ = world_.subject(search_);
    }

    StoredMoney money() { return counters_.money("search", kToday); }

    /// Requests, tokens and slots in use.
    std::vector<std::int64_t> used() {
        return {counters_.used("p/search/*/rpd"), counters_.used("p/search/*/tpd"),
                counters_.used("p/search/*/concurrent")};
    }

    const Demand held_ = demand(usd(1), 100);
    LimitsWorld world_;
    Project& search_ = world_.project("search");
    Subject subject_;
    const std::string key_space_ = fresh_key_space();
    BlockingLimits limits_{
        {.key_space = key_space_, .instance = "a", .life = 1}, shared_redis(), world_.accounts()};
    RedisCounters counters_{shared_redis(), key_space_};
};

TEST_F(ExactlyOnce, AppliesACallThatIsSentAgainOnce) {
    ASSERT_FALSE(limits_.admit(subject_, held_).refusal);
    limits_.limits().settle(subject_, {.held = held_, .tokens = 40, .cost = {}});
    limits_.limits().admit(7, subject_, held_);
    Answers answers;

    limits_.run_twice(answers);

    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0].ticket, 7U);
    EXPECT_EQ(answers[0].decision.requests->remaining, 98);
    EXPECT_EQ(money(), (StoredMoney{0, usd(1).nanos()}));
    EXPECT_EQ(used(), (std::vector<std::int64_t>{2, 140, 1}));
}

TEST_F(ExactlyOnce, WithdrawsWhatALostCallWasGranted) {
    ASSERT_FALSE(limits_.admit(subject_, held_).refusal);
    limits_.limits().admit(7, subject_, held_);
    limits_.limits().admit(8, subject_, demand(usd(2), 200));

    limits_.run_and_lose();
    const StoredMoney while_in_doubt = money();
    limits_.run();

    EXPECT_EQ(while_in_doubt, (StoredMoney{0, usd(4).nanos()}));
    EXPECT_EQ(money(), (StoredMoney{0, usd(1).nanos()}));
    EXPECT_EQ(used(), (std::vector<std::int64_t>{1, 100, 1}));
}

TEST_F(ExactlyOnce, SettlesOnceWhetherOrNotTheLostCallWasApplied) {
    for (const bool is_applied : {true, false}) {
        SCOPED_TRACE(is_applied);
        const StoredMoney before = money();
        const std::int64_t tokens = counters_.used("p/search/*/tpd");
        ASSERT_FALSE(limits_.admit(subject_, held_).refusal);
        add_to_accounts(subject_, kToday, Money::nanos(7));
        limits_.limits().settle(subject_, {.held = held_, .tokens = 40, .cost = Money::nanos(7)});

        if (is_applied) {
            limits_.run_and_lose();
        } else {
            limits_.limits().next_call();
            limits_.limits().lose();
        }
        limits_.run();

        EXPECT_EQ(money(), (StoredMoney{before.spent + 7, 0}));
        EXPECT_EQ(counters_.used("p/search/*/tpd"), tokens + 40);
        EXPECT_EQ(counters_.used("p/search/*/concurrent"), 0);
    }
}

TEST_F(ExactlyOnce, SurvivesThatProbesAreLostToo) {
    ASSERT_FALSE(limits_.admit(subject_, held_).refusal);
    limits_.limits().settle(subject_, {.held = held_, .tokens = 40, .cost = {}});
    limits_.limits().admit(7, subject_, held_);

    limits_.run_and_lose();
    limits_.run_and_lose();
    limits_.run_and_lose();
    limits_.limits().admit(8, subject_, held_);
    Answers answers;
    limits_.run(answers);

    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0].ticket, 8U);
    EXPECT_EQ(money(), (StoredMoney{0, usd(1).nanos()}));
    EXPECT_EQ(used(), (std::vector<std::int64_t>{2, 140, 1}));
}

TEST_F(ExactlyOnce, RefusesALostCallThatArrivesAfterItsProbe) {
    ASSERT_FALSE(limits_.admit(subject_, held_).refusal);
    limits_.limits().admit(7, subject_, held_);
    const std::optional<RedisLimits::Call> late = limits_.limits().next_call();
    limits_.limits().lose();
    limits_.run();

    counters_.redis().send(late->bytes);
    const RespValue reply = counters_.redis().receive();

    EXPECT_EQ(reply.text, "s");
    EXPECT_EQ(money(), (StoredMoney{0, usd(1).nanos()}));
    EXPECT_EQ(used(), (std::vector<std::int64_t>{1, 100, 1}));
}

TEST_F(ExactlyOnce, WithdrawsWhatNobodyWaitsForAnyMore) {
    limits_.limits().admit(7, subject_, held_);
    limits_.limits().admit(8, subject_, held_);
    limits_.limits().abandon(7);
    Answers answers;

    limits_.run(answers);

    ASSERT_EQ(answers.size(), 1U) << "what was still queued is not sent";
    EXPECT_EQ(answers[0].decision.requests->remaining, 99);
}

TEST_F(ExactlyOnce, WithdrawsWhatIsAbandonedInFlight) {
    ASSERT_FALSE(limits_.admit(subject_, held_).refusal);
    limits_.limits().admit(7, subject_, held_);
    const std::optional<RedisLimits::Call> call = limits_.limits().next_call();
    counters_.redis().send(call->bytes);
    const RespValue reply = counters_.redis().receive();

    limits_.limits().abandon(7);
    Answers answers;
    ASSERT_EQ(limits_.limits().take(reply, answers), RedisLimits::Outcome::done);
    limits_.run();

    EXPECT_TRUE(answers.empty());
    EXPECT_EQ(money(), (StoredMoney{0, usd(1).nanos()}));
    EXPECT_EQ(used(), (std::vector<std::int64_t>{1, 100, 1}));
}

TEST_F(ExactlyOnce, KeepsSettlesWhileRedisIsAwaySummedUp) {
    ASSERT_FALSE(limits_.admit(subject_, held_).refusal);
    limits_.limits().settle(subject_, {.held = held_, .is_withdrawn = true});
    for (int i = 0; i < 10'000; ++i) {
        add_to_accounts(subject_, kToday, Money::nanos(3));
        limits_.limits().book(subject_, kToday, Money::nanos(3));
        limits_.limits().next_call();
        limits_.limits().lose();
    }
    const std::optional<RedisLimits::Call> probe = limits_.limits().next_call();
    limits_.limits().lose();

    limits_.run();

    EXPECT_LT(probe->bytes.size(), 500U);
    EXPECT_EQ(money(), (StoredMoney{30'000, 0}));
    EXPECT_EQ(used(), (std::vector<std::int64_t>{0, 0, 0}));
}

TEST_F(ExactlyOnce, SplitsWhatIsTooMuchForOneCall) {
    for (RedisLimits::Ticket ticket = 1; ticket <= 150; ++ticket) {
        limits_.limits().admit(ticket, subject_, demand({}, 1));
    }
    Answers answers;

    limits_.run(answers);

    ASSERT_EQ(answers.size(), 150U);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        EXPECT_EQ(answers[i].ticket, i + 1);
        EXPECT_EQ(answers[i].decision.refusal.has_value(), i >= 10) << "ten at a time";
    }
}

TEST_F(ExactlyOnce, GivesEachPolicyItsOwnRuleOfOneBucket) {
    LimitsWorld stricter;
    Project& project = stricter.project("search");
    project.limits = {entry({{LimitKind::rpd, 1}})};
    stricter.open();
    const Subject other = stricter.subject(project);
    for (RedisLimits::Ticket ticket = 1; ticket <= 4; ++ticket) {
        limits_.limits().admit(ticket, ticket % 2 == 1 ? subject_ : other, demand());
    }
    Answers answers;

    limits_.run(answers);

    ASSERT_EQ(answers.size(), 4U);
    EXPECT_EQ(answers[0].decision.requests->limit, 100);
    EXPECT_TRUE(answers[1].decision.refusal) << "the counter is the same";
    EXPECT_FALSE(answers[2].decision.refusal);
    EXPECT_TRUE(answers[3].decision.refusal);
}

}  // namespace

}  // namespace headgate::policy::testing
