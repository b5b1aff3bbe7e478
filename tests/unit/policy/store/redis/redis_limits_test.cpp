#include "policy/store/redis/redis_limits.h"

#include "policy/store/redis/scripts.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

namespace headgate::policy {

namespace {

using Outcome = RedisLimits::Outcome;
using providers::Money;

RespValue text(std::string bytes) {
    return {.kind = RespValue::Kind::text, .text = std::move(bytes), .items = {}};
}

RespValue error(std::string bytes) {
    return {.kind = RespValue::Kind::error, .text = std::move(bytes), .items = {}};
}

/// "a", loading, grants, and doubles.
RespValue applied(const std::string& grants,
                  const std::vector<double>& numbers,
                  bool is_loading = false) {
    std::string bytes = (is_loading ? "a1" : "a0") + grants;
    for (const double number : numbers) {
        char packed[sizeof number];
        std::memcpy(packed, &number, sizeof number);
        bytes.append(packed, sizeof packed);
    }
    return text(bytes);
}

/// One bucket of 10 requests a day and a budget of 100 nanodollars: what the script says of a call
/// is used; then spent and reserved.
class RedisLimitsTest : public testing::Test {
protected:
    RedisLimitsTest() {
        budget_.limit = Money::nanos(100);
        scope_.id = "search";
        scope_.budget = &budget_;
        scope_.account = std::make_shared<Account>("search");
        EntryRules rules;
        rules.models = {"*"};
        rules.buckets.emplace_back();
        rules.buckets[0].kind = LimitKind::rpd;
        rules.buckets[0].limit = 10;
        rules.buckets[0].name = "p/search/*/rpd";
        scope_.entries.push_back(std::move(rules));
    }

    void admit(RedisLimits::Ticket ticket) {
        limits_.admit(ticket, {.project = &scope_},
                      {.model = "gpt-5", .worst_case = Money::nanos(30), .day = Day{}});
    }

    Outcome take(const RespValue& reply) {
        answers_.clear();
        return limits_.take(reply, answers_);
    }

    BudgetSettings budget_;
    ScopeRules scope_;
    RedisLimits limits_{{.key_space = "test", .instance = "a"}};
    std::vector<RedisLimits::Answer> answers_;
};

TEST_F(RedisLimitsTest, HasOneCallInFlight) {
    EXPECT_FALSE(limits_.has_work());
    EXPECT_FALSE(limits_.next_call());
    admit(1);
    EXPECT_TRUE(limits_.has_work());

    const std::optional<RedisLimits::Call> call = limits_.next_call();
    admit(2);

    ASSERT_TRUE(call);
    EXPECT_EQ(call->shard_key, "{hg:test}:limits");
    EXPECT_NE(call->bytes.find(sha1_hex(limits_script())), std::string::npos);
    EXPECT_FALSE(limits_.has_work());
    EXPECT_FALSE(limits_.next_call());
    EXPECT_EQ(take(applied("1", {0, 0, 0})), Outcome::done);
    EXPECT_TRUE(limits_.next_call());
}

TEST_F(RedisLimitsTest, WorksDecisionsOutFromTheCounters) {
    admit(1);
    admit(2);
    limits_.next_call();

    ASSERT_EQ(take(applied("10", {7, 10, 40})), Outcome::done);

    ASSERT_EQ(answers_.size(), 2U);
    EXPECT_FALSE(answers_[0].decision.refusal);
    EXPECT_EQ(answers_[0].decision.requests->remaining, 2);
    EXPECT_DOUBLE_EQ(answers_[0].decision.budget_used, 0.8);
    const Refusal refusal = answers_[1].decision.refusal.value();
    EXPECT_EQ(refusal.kind, Refusal::Kind::budget);
    EXPECT_EQ(refusal.scope, &scope_);
    EXPECT_EQ(refusal.spent, Money::nanos(10));
    EXPECT_EQ(refusal.reserved, Money::nanos(70));
    EXPECT_EQ(refusal.needed, Money::nanos(30));
}

TEST_F(RedisLimitsTest, TellsThatBudgetsAreLoading) {
    admit(1);
    limits_.next_call();

    ASSERT_EQ(take(applied("0", {10, 0, 0}, true)), Outcome::done);

    EXPECT_EQ(answers_.at(0).decision.refusal->kind, Refusal::Kind::loading)
        << "waiting a day for the bucket would not cure it";
}

TEST_F(RedisLimitsTest, DropsTheConnectionOnWhatIsNoAnswer) {
    const double nan = std::nan("");
    const std::pair<const char*, RespValue> cases[] = {
        {"nothing", text("")},
        {"another letter", text("z")},
        {"too short", applied("1", {0, 0})},
        {"too long", applied("1", {0, 0, 0, 0})},
        {"a grant too many", applied("11", {0, 0, 0})},
        {"a grant that is none", applied("2", {0, 0, 0})},
        {"no number", applied("1", {nan, 0, 0})},
        {"out of range", applied("1", {0, 1e300, 0})},
        {"granted what does not fit", applied("1", {10, 0, 0})},
        {"refused what fits", applied("0", {0, 0, 0})},
        {"an answer to a probe", text("p")},
        {"an answer to a probe", text("n")},
        {"a number", {.kind = RespValue::Kind::number, .text = {}, .items = {}}},
        {"nil", {.text = {}, .items = {}}},
        {"a list", {.kind = RespValue::Kind::list, .text = {}, .items = {}}},
        {"an unknown error", error("ERR something\r\nelse")},
        {"a broken redirection", error("MOVED 3999 nowhere")},
    };
    admit(1);
    limits_.next_call();
    for (const auto& [name, reply] : cases) {
        SCOPED_TRACE(name);

        EXPECT_EQ(take(reply), Outcome::faulty);
        EXPECT_TRUE(answers_.empty());
        EXPECT_FALSE(limits_.problem().empty());
        EXPECT_EQ(limits_.problem().find('\n'), std::string::npos);
    }
    EXPECT_EQ(take(applied("1", {0, 0, 0})), Outcome::done);
    EXPECT_EQ(take(applied("1", {0, 0, 0})), Outcome::faulty) << "nothing is in flight";
}

TEST_F(RedisLimitsTest, SaysWhatAnErrorAsksFor) {
    const std::pair<const char*, Outcome> cases[] = {
        {"NOSCRIPT No matching script. Please use EVAL.", Outcome::load_script},
        {"READONLY You can't write against a read only replica.", Outcome::unwilling},
        {"LOADING Redis is loading the dataset in memory", Outcome::unwilling},
        {"MASTERDOWN Link with MASTER is down", Outcome::unwilling},
        {"CLUSTERDOWN The cluster is down", Outcome::unwilling},
        {"OOM command not allowed when used memory > 'maxmemory'.", Outcome::unwilling},
        {"ERR Error running script (call to f_ab): @user_script:9: @user_script: 9: -OOM command "
         "not allowed when used memory > 'maxmemory'.",
         Outcome::unwilling},
        {"NOAUTH Authentication required.", Outcome::unwilling},
        {"NOPERM this user has no permissions", Outcome::unwilling},
        {"ERR unknown command", Outcome::faulty},
    };
    admit(1);
    limits_.next_call();
    for (const auto& [message, expected] : cases) {
        EXPECT_EQ(take(error(message)), expected) << message;
    }
    EXPECT_FALSE(limits_.resend().bytes.empty()) << "it is still the call in flight";
}

TEST_F(RedisLimitsTest, NamesTheNodeThatAClusterSendsItTo) {
    admit(1);
    limits_.next_call();

    EXPECT_EQ(take(error("MOVED 3999 127.0.0.1:6381")), Outcome::elsewhere);
    EXPECT_EQ(limits_.address(), "127.0.0.1:6381");
    EXPECT_FALSE(limits_.must_ask());
    EXPECT_EQ(take(error("ASK 3999 ::1:6382")), Outcome::elsewhere);
    EXPECT_EQ(limits_.address(), "::1:6382");
    EXPECT_TRUE(limits_.must_ask());
    EXPECT_EQ(take(error("MOVED 3999 :6383")), Outcome::elsewhere);
    EXPECT_EQ(limits_.address(), ":6383") << "the host is the same";
}

TEST_F(RedisLimitsTest, SendsTheSameCallAgain) {
    admit(1);
    const std::optional<RedisLimits::Call> call = limits_.next_call();

    EXPECT_EQ(limits_.resend().bytes, call->bytes);
    limits_.use_eval();
    const std::string with_script = limits_.resend().bytes;

    EXPECT_NE(with_script.find(limits_script()), std::string::npos);
    EXPECT_TRUE(limits_.script_load().find(limits_script()) != std::string::npos);
}

TEST_F(RedisLimitsTest, AsksWhatBecameOfALostCallBeforeAnythingElse) {
    admit(1);
    limits_.next_call();
    limits_.lose();
    admit(2);

    const std::size_t probe = limits_.next_call().value().bytes.size();
    ASSERT_EQ(take(text("n")), Outcome::done);
    const std::size_t call = limits_.next_call().value().bytes.size();

    EXPECT_TRUE(answers_.empty()) << "nobody waits for the first any more";
    EXPECT_LT(probe, call);
    ASSERT_EQ(take(applied("1", {0, 0, 0})), Outcome::done);
    EXPECT_EQ(answers_.at(0).ticket, 2U);
}

TEST_F(RedisLimitsTest, GoesOnAfterAProbeWhoseAnswerMakesNoSense) {
    admit(1);
    limits_.next_call();
    limits_.lose();
    limits_.next_call();

    EXPECT_EQ(take(text("pnonsense")), Outcome::faulty);
    limits_.lose();
    ASSERT_TRUE(limits_.next_call());

    EXPECT_EQ(take(applied("", {0, 0})), Outcome::done) << "it tells what it holds";
}

TEST_F(RedisLimitsTest, AsksForNothingWhereItIsToldTo) {
    limits_.ask();

    ASSERT_TRUE(limits_.next_call());
    EXPECT_EQ(take(applied("", {})), Outcome::done);
    EXPECT_FALSE(limits_.has_work());
}

TEST_F(RedisLimitsTest, ReportsWhereRedisHasLostItsData) {
    Accounts accounts;
    accounts.restore("search", Day{}, Money::nanos(5));
    admit(1);
    limits_.next_call();

    ASSERT_EQ(take(text("l")), Outcome::report);
    const auto calls = limits_.report_calls(accounts, {}, 2);
    const Outcome reported = limits_.take_report(text("r"));

    ASSERT_EQ(calls.size(), 1U);
    EXPECT_NE(calls[0].bytes.find("msearch/0"), std::string::npos);
    EXPECT_NE(calls[0].bytes.find("m/0"), std::string::npos);
    EXPECT_EQ(reported, Outcome::done);
    EXPECT_EQ(take(applied("1", {0, 0, 0})), Outcome::done);
    EXPECT_EQ(limits_.take_report(text("s")), Outcome::faulty);
    EXPECT_EQ(limits_.take_report(error("READONLY no")), Outcome::unwilling);
}

TEST_F(RedisLimitsTest, ReportsOnlyTheShardThatHasLostItsData) {
    Accounts accounts;
    accounts.restore("search", Day{}, Money::nanos(5));
    accounts.restore("mail", Day{}, Money::nanos(5));
    RedisLimits limits{{.key_space = "test", .shards_by_project = true, .instance = "a"}};
    const auto at_start = limits.report_calls(accounts, {}, 0);
    limits.admit(1, {.project = &scope_}, {.model = "gpt-5", .day = Day{}});
    const std::optional<RedisLimits::Call> call = limits.next_call();

    ASSERT_EQ(limits.take(text("l"), answers_), Outcome::report);
    const auto calls = limits.report_calls(accounts, {}, 0);

    EXPECT_EQ(at_start.size(), 2U);
    ASSERT_EQ(calls.size(), 1U);
    EXPECT_EQ(calls[0].shard_key, "{hg:test:search}:limits");
    EXPECT_EQ(call->shard_key, calls[0].shard_key);
}

TEST(Heartbeat, TellsHowManyProcessesThereAre) {
    const RedisLimits::Call call = RedisLimits::heartbeat({.key_space = "test", .instance = "abc"});

    EXPECT_EQ(call.shard_key, "{hg:test}:limits");
    EXPECT_EQ(RedisLimits::processes(
                  {.kind = RespValue::Kind::number, .text = {}, .number = 3, .items = {}}),
              3);
    EXPECT_EQ(RedisLimits::processes(
                  {.kind = RespValue::Kind::number, .text = {}, .number = 0, .items = {}}),
              std::nullopt);
    EXPECT_EQ(RedisLimits::processes(text("3")), std::nullopt);
}

TEST(Sha1, IsWhatRedisCallsAScriptBy) {
    EXPECT_EQ(sha1_hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");  // FIPS 180, example
}

}  // namespace

}  // namespace headgate::policy
