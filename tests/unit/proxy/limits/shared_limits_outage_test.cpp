#include "proxy/limits/shared_limits.h"
#include "tests/unit/proxy/limits/gateway_process.h"

#include <algorithm>
#include <string>
#include <vector>

namespace headgate::proxy {
namespace {

using policy::Decision;
using policy::LimitKind;
using policy::OnRedisFailure;
using policy::Refusal;
using test_support::RedisServer;

/// When a paused server is given up.
constexpr std::chrono::milliseconds kSlow{200};

policy::RedisAddress nobody_there() {
    policy::RedisAddress address;
    address.unix_path = "/nowhere/redis.sock";
    return address;
}

Task<void> exchange_four_times(GatewayProcess& process, Flow& flow) {
    co_await process.await_up(flow, false);
    for (int i = 0; i < 4; ++i) {
        Grant grant;
        process.decisions.push_back(co_await process.admit(flow, grant, 100));
        if (!process.decisions.back().refusal) {
            process.settle(grant, 100, 10);
        }
        process.grants.push_back(grant);
    }
}

std::vector<bool> admitted(const GatewayProcess& process) {
    std::vector<bool> all;
    for (const Decision& decision : process.decisions) {
        all.push_back(!decision.refusal);
    }
    return all;
}

struct Failure {
    OnRedisFailure on_failure;
    std::vector<bool> admitted;
    Grant::By by;  // of the first exchange
    std::int64_t spent;
};

TEST(SharedLimitsWithoutRedis, DoWhatThePolicySays) {
    const std::vector<Failure> table{
        {OnRedisFailure::local, {true, true, false, false}, Grant::By::local, 20},
        {OnRedisFailure::open, {true, true, true, true}, Grant::By::open, 40},
        {OnRedisFailure::closed, {false, false, false, false}, Grant::By::nobody, 0},
    };
    for (const Failure& row : table) {
        GatewayProcess process{
            nobody_there(),
            {.on_failure = row.on_failure, .replicas = 2, .limits = limit(LimitKind::rpd, 4)}};

        process.run(exchange_four_times);

        EXPECT_EQ(admitted(process), row.admitted);
        EXPECT_EQ(process.grants.at(0).by, row.by);
        EXPECT_EQ(process.spent(), row.spent);
        EXPECT_FALSE(process.process().is_up());
        ASSERT_EQ(process.log.size(), 1U);
        EXPECT_NE(process.log[0].find("No such file"), std::string::npos) << process.log[0];
    }
}

TEST(SharedLimitsWithoutRedis, TellWhyTheyRefuse) {
    GatewayProcess local{nobody_there(), {.limits = limit(LimitKind::rpd, 4)}};
    GatewayProcess closed{
        nobody_there(), {.on_failure = OnRedisFailure::closed, .limits = limit(LimitKind::rpd, 4)}};

    local.run(exchange_four_times);
    closed.run(exchange_four_times);

    EXPECT_EQ(local.decisions.at(3).refusal->kind, Refusal::Kind::limit);
    EXPECT_EQ(closed.decisions.at(0).refusal->kind, Refusal::Kind::unavailable);
}

Task<void> spend_the_allowance(GatewayProcess& process, Flow& flow) {
    Grant first;
    process.decisions.push_back(co_await process.admit(flow, first, kDollar * 3 / 10));
    Grant second;
    process.decisions.push_back(co_await process.admit(flow, second, kDollar * 3 / 10));
    process.settle(first, kDollar * 3 / 10, kDollar / 10);
    process.decisions.push_back(co_await process.admit(flow, second, kDollar * 3 / 10));
    process.settle(second, kDollar * 3 / 10, kDollar * 3 / 10);
    Grant third;
    process.decisions.push_back(co_await process.admit(flow, third, kDollar * 2 / 10));
}

TEST(SharedLimitsWithoutRedis, GiveALittleOfABudgetThatNobodyToldOf) {
    GatewayProcess process{nobody_there(), {.budget = 10 * kDollar}};

    process.run(spend_the_allowance);

    EXPECT_EQ(admitted(process), (std::vector<bool>{true, false, true, false}));
    EXPECT_EQ(process.decisions[1].refusal->kind, Refusal::Kind::unavailable);
    EXPECT_EQ(process.spent(), kDollar * 4 / 10);
}

TEST(SharedLimitsWithoutRedis, GiveLittleOfWhatTheRecordsSayIsLeft) {
    GatewayProcess process{nobody_there(), {.budget = 10 * kDollar}};
    const policy::Day today = policy::day_of(std::chrono::system_clock::now());
    process.process().know_others(
        {{"fedcba9876543210", "search", today, providers::Money::nanos(6 * kDollar)}});
    process.accounts.restore("search", today, providers::Money::nanos(2 * kDollar));

    process.run(spend_the_allowance);

    EXPECT_EQ(admitted(process), (std::vector<bool>{false, false, false, false}));
}

Task<void> top_up_without_redis(GatewayProcess& process, Flow& flow) {
    Grant grant;
    process.decisions.push_back(co_await process.admit(flow, grant, kDollar / 10));
    policy::Demand more = GatewayProcess::demand(kDollar / 10);
    more.only_money = true;
    const policy::Subject subject = process.subject();
    process.decisions.push_back(co_await process.limits().admit(flow, subject, more, grant, {}));
    more.worst_case = providers::Money::nanos(kDollar);
    process.decisions.push_back(co_await process.limits().admit(flow, subject, more, grant, {}));
    process.settle(grant, kDollar * 2 / 10, kDollar / 10);
}

TEST(SharedLimitsWithoutRedis, GiveFurtherReservationsFromTheSameAllowance) {
    GatewayProcess process{nobody_there(),
                           {.limits = limit(LimitKind::rpd, 2), .budget = 10 * kDollar}};

    process.run(top_up_without_redis);

    EXPECT_EQ(admitted(process), (std::vector<bool>{true, true, false}));
    EXPECT_EQ(process.spent(), kDollar / 10);
}

// With a server that goes away.

class SharedLimitsOutage : public testing::Test {
protected:
    void SetUp() override {
        if (!server_.is_running()) {
            GTEST_SKIP() << "no redis-server";
        }
    }

    RedisServer server_;
};

Task<void> be_cut_off_for_a_while(GatewayProcess& process, Flow& flow) {
    process.grants.resize(4);
    co_await process.await_up(flow, true);
    process.decisions.push_back(co_await process.admit(flow, process.grants[0], 4 * kDollar));
    process.server->pause();
    // Waits for the reply that does not come; Redis will grant it when it goes on.
    process.decisions.push_back(co_await process.admit(flow, process.grants[1], kDollar / 10));
    process.settle(process.grants[0], 4 * kDollar, 2 * kDollar);
    process.settle(process.grants[1], kDollar / 10, kDollar / 10);
    process.decisions.push_back(co_await process.admit(flow, process.grants[2], kDollar / 10));
    process.settle(process.grants[2], kDollar / 10, kDollar / 10);
    process.server->resume();
    co_await process.await_up(flow, true);
    process.decisions.push_back(co_await process.admit(flow, process.grants[3], 4 * kDollar));
    process.settle(process.grants[3], 4 * kDollar, 0);
}

TEST_F(SharedLimitsOutage, OwesRedisNothingWhenItIsBack) {
    GatewayProcess process{address_of(server_),
                           {.replicas = 1,
                            .limits = limit(LimitKind::concurrent, 1),
                            .budget = 10 * kDollar,
                            .deadline = kSlow}};
    process.server = &server_;

    process.run(be_cut_off_for_a_while);

    EXPECT_EQ(admitted(process), (std::vector<bool>{true, true, true, true}));
    EXPECT_EQ(process.grants[0].by, Grant::By::redis);
    EXPECT_EQ(process.grants[1].by, Grant::By::local);
    EXPECT_EQ(process.grants[2].by, Grant::By::local);
    EXPECT_EQ(process.grants[3].by, Grant::By::redis);
    // 2.2 $ spent, 4 $ reserved: neither the lost admission nor the settled one is held any more.
    EXPECT_DOUBLE_EQ(process.decisions[3].budget_used, 0.62);
    ASSERT_EQ(process.log.size(), 2U);
    EXPECT_NE(process.log[0].find("no reply in time"), std::string::npos) << process.log[0];
    EXPECT_NE(process.log[1].find("back"), std::string::npos);
    EXPECT_EQ(process.process().outage(), 1U);
}

Task<void> one_that_waits(GatewayProcess& process) {
    Flow flow{process.reactor()};
    Grant grant;
    process.decisions.push_back(co_await process.admit(flow, grant));
    process.grants.push_back(grant);
}

Task<void> many_wait_for_a_lost_redis(GatewayProcess& process, Flow& flow) {
    co_await process.await_up(flow, true);
    process.server->pause();
    for (int i = 0; i < 300; ++i) {
        start(one_that_waits(process));
    }
    while (process.decisions.size() < 300) {
        co_await flow.sleep(std::chrono::milliseconds{1});
    }
    process.server->resume();
}

TEST_F(SharedLimitsOutage, DecidesLocallyForAllThatWait) {
    GatewayProcess process{
        address_of(server_),
        {.replicas = 2, .limits = limit(LimitKind::rpd, 500), .deadline = kSlow}};
    process.server = &server_;

    process.run(many_wait_for_a_lost_redis);

    ASSERT_EQ(process.decisions.size(), 300U);
    EXPECT_EQ(std::ranges::count(process.grants, Grant::By::local, &Grant::by), 250);
}

Task<void> find_redis_empty(GatewayProcess& process, Flow& flow) {
    co_await process.await_up(flow, true);
    process.admitted.push_back(co_await process.exchange(flow, 9 * kDollar, 9 * kDollar));
    process.server->stop();
    co_await process.await_up(flow, false);
    process.server->start();
    co_await process.await_up(flow, true);
    Grant grant;
    process.decisions.push_back(co_await process.admit(flow, grant, 2 * kDollar));
    process.admitted.push_back(co_await process.exchange(flow, kDollar / 2));
}

TEST_F(SharedLimitsOutage, TellsANewRedisWhatWasSpent) {
    GatewayProcess process{address_of(server_), {.budget = 10 * kDollar, .deadline = kSlow}};
    process.server = &server_;

    process.run(find_redis_empty);

    ASSERT_TRUE(process.decisions.at(0).refusal);
    EXPECT_EQ(process.decisions[0].refusal->kind, Refusal::Kind::budget);
    EXPECT_EQ(process.admitted, (std::vector<bool>{true, true}));
    EXPECT_EQ(process.alerts, (std::vector<int>{90}));
}

Task<void> cancel_soon(Flow& victim, Reactor& reactor) {
    Flow flow{reactor};
    co_await flow.sleep(std::chrono::milliseconds{5});
    victim.cancel();
}

Task<void> be_cancelled_while_waiting(GatewayProcess& process, Flow& flow) {
    co_await process.await_up(flow, true);
    process.server->pause();
    {
        Flow exchange{process.reactor()};
        start(cancel_soon(exchange, process.reactor()));
        Grant grant;
        process.decisions.push_back(co_await process.admit(exchange, grant));
        process.grants.push_back(grant);
    }
    process.server->resume();
    co_await process.await_up(flow, true);
    process.admitted.push_back(co_await process.exchange(flow));
}

TEST_F(SharedLimitsOutage, HoldsNothingForAnExchangeThatGaveUp) {
    GatewayProcess process{address_of(server_),
                           {.limits = limit(LimitKind::concurrent, 1), .deadline = kSlow}};
    process.server = &server_;

    process.run(be_cancelled_while_waiting);

    ASSERT_TRUE(process.decisions.at(0).refusal);
    EXPECT_EQ(process.decisions[0].refusal->kind, Refusal::Kind::unavailable);
    EXPECT_EQ(process.grants[0].by, Grant::By::nobody);
    EXPECT_EQ(process.admitted, (std::vector<bool>{true}));
}

Task<void> top_up_when_redis_is_gone(GatewayProcess& process, Flow& flow) {
    co_await process.await_up(flow, true);
    Grant grant;
    process.decisions.push_back(co_await process.admit(flow, grant, kDollar / 100));
    process.server->stop();
    co_await process.await_up(flow, false);
    policy::Demand more = GatewayProcess::demand(kDollar / 100);
    more.only_money = true;
    const policy::Subject subject = process.subject();
    process.decisions.push_back(co_await process.limits().admit(flow, subject, more, grant, {}));
    process.settle(grant, kDollar / 100, kDollar / 100);
}

TEST_F(SharedLimitsOutage, GivesNoFurtherReservationForWhatRedisHolds) {
    GatewayProcess process{address_of(server_), {.budget = 10 * kDollar, .deadline = kSlow}};
    process.server = &server_;

    process.run(top_up_when_redis_is_gone);

    EXPECT_EQ(admitted(process), (std::vector<bool>{true, false}));
    EXPECT_EQ(process.decisions[1].refusal->kind, Refusal::Kind::unavailable);
}

}  // namespace
}  // namespace headgate::proxy
