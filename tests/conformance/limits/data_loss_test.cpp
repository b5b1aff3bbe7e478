#include "tests/conformance/limits/limits_backend.h"
#include "tests/conformance/limits/redis_counters.h"

#include <gtest/gtest.h>

#include <array>

namespace headgate::policy::testing {

namespace {

using std::chrono::milliseconds;

/// A Redis of the test's own that may lose everything.
class DataLoss : public ::testing::Test {
protected:
    DataLoss() {
        search_.limits = {entry({{LimitKind::rpd, 100}, {LimitKind::concurrent, 2}})};
        search_.budget = budget(usd(10));
        world_.open();
        subject_ = world_.subject(search_);
    }

    RedisLimits::Settings settings(const std::string& instance, std::size_t worker = 0) const {
        return {.key_space = "loss",
                .instance = instance,
                .worker = worker,
                .untold = instance == "a" ? untold_ : std::make_shared<UntoldMoney>(),
                .workers = workers_,
                .life = 1,
                .report_wait = report_wait_};
    }

    std::unique_ptr<BlockingLimits> limits_of(LimitsWorld& world,
                                              const std::string& instance,
                                              std::size_t worker = 0) const {
        return std::make_unique<BlockingLimits>(settings(instance, worker), server_->address(),
                                                world.accounts());
    }

    void flush() { RedisConnection{server_->address()}.ask({"FLUSHALL"}); }

    StoredMoney money() {
        return RedisCounters{server_->address(), "loss"}.money("search", kToday);
    }

    std::size_t workers_ = 1;
    const std::shared_ptr<UntoldMoney> untold_ = std::make_shared<UntoldMoney>();
    milliseconds report_wait_{3'600'000};
    const Demand held_ = demand(usd(1));
    LimitsWorld world_;
    Project& search_ = world_.project("search");
    Subject subject_;
    std::unique_ptr<RedisProcess> server_ = RedisProcess::on_socket();
};

TEST_F(DataLoss, LoadsTheScriptAgainAfterItWasFlushed) {
    const auto limits = limits_of(world_, "a");
    ASSERT_FALSE(limits->admit(subject_, held_).refusal);
    RedisConnection{server_->address()}.ask({"SCRIPT", "FLUSH"});

    const Decision decision = limits->admit(subject_, held_);

    EXPECT_FALSE(decision.refusal);
    EXPECT_EQ(decision.requests->remaining, 98);
    EXPECT_EQ(limits->reports, 1);
}

TEST_F(DataLoss, WorksWhereScriptsMayNotBeLoaded) {
    const auto limits = limits_of(world_, "a");
    limits->limits().use_eval();

    EXPECT_FALSE(limits->admit(subject_, held_).refusal);
    RedisConnection{server_->address()}.ask({"SCRIPT", "FLUSH"});
    EXPECT_FALSE(limits->admit(subject_, held_).refusal);
}

TEST_F(DataLoss, TellsSpentAndHeldAnew) {
    const auto limits = limits_of(world_, "a");
    ASSERT_FALSE(limits->admit(subject_, held_).refusal);
    ASSERT_FALSE(limits->admit(subject_, held_).refusal);
    limits->settle(subject_, settled(held_, Money::nanos(5)));
    ASSERT_EQ(money(), (StoredMoney{5, usd(1).nanos()}));
    flush();

    const Decision decision = limits->admit(subject_, held_);
    const Decision third = limits->admit(subject_, held_);

    EXPECT_FALSE(decision.refusal);
    EXPECT_EQ(money(), (StoredMoney{5, usd(2).nanos()}));
    ASSERT_TRUE(third.refusal) << "two slots are held, one of them from before";
    EXPECT_EQ(third.refusal->bucket->kind, LimitKind::concurrent);
}

TEST_F(DataLoss, TellsAnewWhatAServerThatCrashedHasForgotten) {
    auto limits = limits_of(world_, "a");
    ASSERT_FALSE(limits->admit(subject_, held_).refusal);
    limits->limits().admit(7, subject_, held_);
    limits->run_and_lose();
    server_->restart();
    std::vector<RedisLimits::Answer> answers;
    ASSERT_THROW(limits->run(answers), std::runtime_error);
    limits->limits().lose();

    limits->reconnect();
    const Decision decision = limits->admit(subject_, held_);

    EXPECT_FALSE(decision.refusal);
    EXPECT_EQ(money(), (StoredMoney{0, usd(2).nanos()}));
}

TEST_F(DataLoss, TellsAnewWhereAnOlderStateComesBack) {
    const std::array<std::string, 2> keys{"{hg:loss}:limits", "{hg:loss}:held:a:1"};
    RedisConnection redis{server_->address()};
    const auto limits = limits_of(world_, "a");
    ASSERT_FALSE(limits->admit(subject_, held_).refusal);
    for (const std::string& key : keys) {
        ASSERT_EQ(redis.ask({"COPY", key, key + ":old"}).number, 1);
    }
    ASSERT_FALSE(limits->admit(subject_, demand(usd(2))).refusal);
    limits->settle(subject_, settled(held_, Money::nanos(5)));

    for (const std::string& key : keys) {  // what a fail-over to a replica that lags looks like
        ASSERT_EQ(redis.ask({"COPY", key + ":old", key, "REPLACE"}).number, 1);
    }
    const StoredMoney older = money();
    const Decision decision = limits->admit(subject_, demand(usd(3)));

    EXPECT_EQ(older, (StoredMoney{0, usd(1).nanos()}));
    EXPECT_FALSE(decision.refusal);
    EXPECT_EQ(limits->reports, 2);
    EXPECT_EQ(money(), (StoredMoney{5, usd(5).nanos()}));
}

TEST_F(DataLoss, AppliesNothingWhereRedisWillNotWrite) {
    const auto limits = limits_of(world_, "a");
    ASSERT_FALSE(limits->admit(subject_, held_).refusal);
    RedisConnection redis{server_->address()};
    const std::array<std::array<const char*, 4>, 4> ways{{
        {"CONFIG", "SET", "maxmemory", "1"},
        {"CONFIG", "SET", "maxmemory", "0"},
        {"CONFIG", "SET", "min-replicas-to-write", "1"},
        {"CONFIG", "SET", "min-replicas-to-write", "0"},
    }};
    for (std::size_t i = 0; i < ways.size(); i += 2) {
        redis.ask({ways[i][0], ways[i][1], ways[i][2], ways[i][3]});
        limits->limits().admit(100 + i, subject_, held_);
        EXPECT_THROW(limits->run(), std::runtime_error) << ways[i][2];
        EXPECT_FALSE(limits->limits().problem().empty());
        limits->limits().lose();
        redis.ask({ways[i + 1][0], ways[i + 1][1], ways[i + 1][2], ways[i + 1][3]});
        limits->run();
        EXPECT_EQ(money(), (StoredMoney{0, usd(1).nanos()})) << ways[i][2];
    }

    redis.ask({"REPLICAOF", "127.0.0.1", "1"});
    limits->limits().admit(200, subject_, held_);
    EXPECT_THROW(limits->run(), std::runtime_error);
    limits->limits().lose();
    redis.ask({"REPLICAOF", "NO", "ONE"});
    limits->run();

    EXPECT_EQ(money(), (StoredMoney{0, usd(1).nanos()}));
}

TEST_F(DataLoss, WaitsForAsManyProcessesAsWereSeen) {
    search_.limits.clear();
    world_.open();
    subject_ = world_.subject(search_);
    LimitsWorld others_world = world_.twin();
    const Subject others_subject = others_world.subject(search_);
    const auto first = limits_of(world_, "a");
    const auto second = limits_of(others_world, "b");
    ASSERT_FALSE(first->admit(subject_, held_).refusal);
    ASSERT_FALSE(second->admit(others_subject, demand(usd(8))).refusal);
    first->processes_seen = second->processes_seen = 2;
    flush();

    const Decision loading = first->admit(subject_, held_);
    const Decision loaded = second->admit(others_subject, held_);
    const Decision again = first->admit(subject_, held_);

    ASSERT_TRUE(loading.refusal);
    EXPECT_EQ(loading.refusal->kind, Refusal::Kind::loading);
    EXPECT_EQ(loading.refusal->scope->id, "search");
    EXPECT_FALSE(loaded.refusal);
    ASSERT_TRUE(again.refusal) << "all is held: 1 + 8 + 1";
    EXPECT_EQ(again.refusal->kind, Refusal::Kind::budget);
}

TEST_F(DataLoss, GoesOnWithLimitsWhileBudgetsLoad) {
    Project& mail = world_.project("mail");
    mail.limits = {entry({{LimitKind::rpd, 5}})};
    world_.open();
    const auto limits = limits_of(world_, "a");
    ASSERT_FALSE(limits->admit(world_.subject(mail), demand()).refusal);
    limits->processes_seen = 2;
    flush();

    const Decision budgeted = limits->admit(world_.subject(search_), held_);
    const Decision limited = limits->admit(world_.subject(mail), demand());

    EXPECT_EQ(budgeted.refusal.value().kind, Refusal::Kind::loading);
    EXPECT_FALSE(limited.refusal);
}

TEST_F(DataLoss, WaitsNoLongerThanItIsTold) {
    report_wait_ = milliseconds{0};
    const auto limits = limits_of(world_, "a");
    ASSERT_FALSE(limits->admit(subject_, held_).refusal);
    limits->processes_seen = 2;
    flush();

    EXPECT_FALSE(limits->admit(subject_, held_).refusal);
}

TEST_F(DataLoss, WaitsForWorkersThatHoldSomething) {
    workers_ = 2;
    const auto first = limits_of(world_, "a", 0);
    const auto second = limits_of(world_, "a", 1);
    ASSERT_FALSE(first->admit(subject_, held_).refusal);
    ASSERT_FALSE(second->admit(subject_, demand(usd(8))).refusal);
    first->processes_seen = 1;
    flush();

    const Decision loading = first->admit(subject_, held_);
    second->limits().ask();
    second->run();
    const Decision loaded = first->admit(subject_, demand(usd(2)));

    EXPECT_EQ(loading.refusal.value().kind, Refusal::Kind::loading);
    EXPECT_EQ(loaded.refusal.value().kind, Refusal::Kind::budget);
    EXPECT_EQ(money(), (StoredMoney{0, usd(9).nanos()}));
    EXPECT_EQ(second->reports, 0) << "one report a process";
}

TEST_F(DataLoss, CountsWhatOthersSpentAsOftenAsItIsTold) {
    const auto limits = limits_of(world_, "a");
    limits->others = {
        {.instance = "b", .project = "search", .day = kToday, .spent = usd(4)},
        {.instance = "c", .project = "search", .day = kToday, .spent = usd(1)},
        {.instance = "c", .project = "mail", .day = kToday, .spent = usd(7)},
    };
    world_.accounts().restore("search", kToday, usd(2));

    limits->report();
    limits->report();

    EXPECT_EQ(money(), (StoredMoney{usd(7).nanos(), 0}));
    RedisCounters counters{server_->address(), "loss"};
    EXPECT_EQ(counters.money("", kToday), (StoredMoney{usd(14).nanos(), 0}));
}

TEST_F(DataLoss, ReportsManyDaysInSlices) {
    const auto limits = limits_of(world_, "a");
    search_.budget->per = BudgetPeriod::total;
    for (int day = 0; day < 1'000; ++day) {
        world_.accounts().restore("search", kToday - std::chrono::days{day}, Money::nanos(3));
    }

    const auto calls = limits->limits().report_calls(world_.accounts(), {}, 0);
    limits->report();
    const Decision decision = limits->admit(subject_, demand(usd(10)));

    EXPECT_EQ(calls.size(), 8U) << "250 totals each, of project and organization";
    EXPECT_EQ(decision.refusal.value().spent, Money::nanos(3'000));
}

TEST_F(DataLoss, RefusesTheRestOfAReportWhoseBeginningWasLost) {
    for (int day = 0; day < 300; ++day) {
        world_.accounts().restore("search", kToday - std::chrono::days{day}, Money::nanos(3));
    }
    const auto limits = limits_of(world_, "a");
    RedisConnection redis{server_->address()};
    const auto calls = limits->limits().report_calls(world_.accounts(), {}, 0);
    ASSERT_EQ(calls.size(), 3U);
    redis.send(calls[0].bytes);
    ASSERT_EQ(limits->limits().take_report(redis.receive()), RedisLimits::Outcome::done);
    flush();

    redis.send(calls[1].bytes);
    const RedisLimits::Outcome outcome = limits->limits().take_report(redis.receive());

    EXPECT_EQ(outcome, RedisLimits::Outcome::unwilling);
    limits->report();
    EXPECT_EQ(money().spent, 3);
}

TEST_F(DataLoss, KeepsDaysThatAreLongSettled) {
    const auto limits = limits_of(world_, "a");
    const auto money_of = [this](int day) {
        return RedisCounters{server_->address(), "loss"}.money("search",
                                                               kToday + std::chrono::days{day});
    };
    for (int day = 0; day < 30; ++day) {
        Demand held = held_;
        held.day = kToday + std::chrono::days{day};
        ASSERT_FALSE(limits->admit(subject_, held).refusal);
        limits->settle(subject_, settled(held, Money::nanos(7)));
    }
    RedisConnection redis{server_->address()};
    const std::int64_t holdings = redis.ask({"HLEN", "{hg:loss}:held:a:1"}).number;
    const StoredMoney before = money_of(0);
    limits->report();
    const StoredMoney reported = money_of(0);
    flush();
    limits->limits().ask();
    limits->run();

    EXPECT_LT(holdings, 10) << "days long past are no longer told one by one";
    EXPECT_EQ(before, (StoredMoney{7, 0}));
    EXPECT_EQ(reported, (StoredMoney{7, 0}));
    for (int day = 0; day < 30; ++day) {
        EXPECT_EQ(money_of(day), (StoredMoney{7, 0})) << day;
    }
}

TEST_F(DataLoss, KeepsEachCostOnceWhereAReportCameBetween) {
    const auto first = limits_of(world_, "a", 0);
    const auto second = limits_of(world_, "a", 1);
    ASSERT_FALSE(first->admit(subject_, held_).refusal);
    ASSERT_FALSE(second->admit(subject_, held_).refusal);
    add_to_accounts(subject_, kToday, Money::nanos(5));
    second->limits().settle(subject_, settled(held_, Money::nanos(5)));

    first->report();
    first->settle(subject_, settled(held_, Money::nanos(6)));
    const StoredMoney between = money();
    second->run();

    EXPECT_EQ(between.spent, 6) << "the report tells no more than what was told";
    EXPECT_EQ(money(), (StoredMoney{11, 0}));
}

}  // namespace

}  // namespace headgate::policy::testing
