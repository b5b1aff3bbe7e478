#include "proxy/limits/shared_limits.h"

#include "tests/unit/proxy/limits/gateway_process.h"

#include <string>
#include <vector>

namespace headgate::proxy {
namespace {

using policy::LimitKind;
using policy::Refusal;
using test_support::RedisServer;

class SharedLimitsTest : public testing::Test {
protected:
    void SetUp() override {
        if (!server_.is_running()) {
            GTEST_SKIP() << "no redis-server";
        }
    }

    RedisServer server_;
};

Task<void> exchange_three_times(GatewayProcess& process, Flow& flow) {
    for (int i = 0; i < 3; ++i) {
        process.admitted.push_back(co_await process.exchange(flow));
    }
}

TEST_F(SharedLimitsTest, CountWhatAllProcessesAdmit) {
    GatewayProcess one{address_of(server_), {.limits = limit(LimitKind::rpd, 4)}};
    GatewayProcess other{address_of(server_),
                         {.limits = limit(LimitKind::rpd, 4), .instance = "fedcba9876543210"}};

    one.run(exchange_three_times);
    other.run(exchange_three_times);

    EXPECT_EQ(one.admitted, (std::vector<bool>{true, true, true}));
    EXPECT_EQ(other.admitted, (std::vector<bool>{true, false, false}));
}

Task<void> spend(GatewayProcess& process, Flow& flow) {
    Grant first;
    process.decisions.push_back(co_await process.admit(flow, first, 6 * kDollar));
    Grant second;
    process.decisions.push_back(co_await process.admit(flow, second, 6 * kDollar));
    process.settle(first, 6 * kDollar, 1 * kDollar);
    Grant third;
    process.decisions.push_back(co_await process.admit(flow, third, 6 * kDollar));
    process.settle(third, 6 * kDollar, 5 * kDollar);
    process.grants = {first, second, third};
}

TEST_F(SharedLimitsTest, HoldTheWorstCaseUntilTheCostIsKnown) {
    GatewayProcess process{address_of(server_), {.budget = 10 * kDollar}};

    process.run(spend);

    ASSERT_EQ(process.decisions.size(), 3U);
    EXPECT_FALSE(process.decisions[0].refusal);
    ASSERT_TRUE(process.decisions[1].refusal);
    EXPECT_EQ(process.decisions[1].refusal->kind, Refusal::Kind::budget);
    EXPECT_FALSE(process.decisions[2].refusal);
    EXPECT_EQ(process.grants[0].by, Grant::By::redis);
    EXPECT_EQ(process.grants[1].by, Grant::By::nobody);
    EXPECT_EQ(process.spent(), 6 * kDollar);
    EXPECT_EQ(process.alerts, (std::vector<int>{50}));
}

Task<void> top_up(GatewayProcess& process, Flow& flow) {
    Grant grant;
    process.decisions.push_back(co_await process.admit(flow, grant, 4 * kDollar));
    policy::Demand more = GatewayProcess::demand(4 * kDollar);
    more.only_money = true;
    const policy::Subject subject = process.subject();
    process.decisions.push_back(co_await process.limits().admit(flow, subject, more, grant, {}));
    process.decisions.push_back(co_await process.limits().admit(flow, subject, more, grant, {}));
    process.settle(grant, 8 * kDollar, 3 * kDollar);
    process.admitted.push_back(co_await process.exchange(flow, 7 * kDollar));
}

TEST_F(SharedLimitsTest, HoldFurtherReservationsOfTheSameExchange) {
    GatewayProcess process{address_of(server_),
                           {.limits = limit(LimitKind::concurrent, 1), .budget = 10 * kDollar}};

    process.run(top_up);

    ASSERT_EQ(process.decisions.size(), 3U);
    EXPECT_FALSE(process.decisions[0].refusal);
    EXPECT_FALSE(process.decisions[1].refusal);
    EXPECT_TRUE(process.decisions[2].refusal);
    EXPECT_EQ(process.admitted, (std::vector<bool>{true}));
}

Task<void> exchange_unlimited(GatewayProcess& process, Flow& flow) {
    Grant grant;
    process.decisions.push_back(co_await process.admit(flow, grant, kDollar));
    process.settle(grant, kDollar, 300);
    process.grants = {grant};
    co_await process.await_up(flow, true);
}

TEST_F(SharedLimitsTest, AskNobodyWhereNothingIsLimitedButKnowTheCost) {
    GatewayProcess process{address_of(server_), {}};

    process.run(exchange_unlimited);

    EXPECT_FALSE(process.decisions.at(0).refusal);
    EXPECT_EQ(process.grants.at(0).by, Grant::By::nobody);
    EXPECT_EQ(process.spent(), 300);
}

Task<void> one_of_many(GatewayProcess& process) {
    Flow flow{process.reactor()};
    process.admitted.push_back(co_await process.exchange(flow));
}

Task<void> exchange_many_at_once(GatewayProcess& process, Flow& flow) {
    co_await process.await_up(flow, true);
    process.calls = 0;
    for (int i = 0; i < 200; ++i) {
        start(one_of_many(process));
    }
    while (process.admitted.size() < 200) {
        co_await flow.sleep(std::chrono::milliseconds{1});
    }
}

TEST_F(SharedLimitsTest, AskForManyInOneCall) {
    GatewayProcess process{address_of(server_), {.limits = limit(LimitKind::rpd, 150)}};

    process.run(exchange_many_at_once);

    ASSERT_EQ(process.admitted.size(), 200U);
    EXPECT_EQ(std::ranges::count(process.admitted, true), 150);
    EXPECT_LE(process.calls, 12);
}

Task<void> leave_a_slot_held(GatewayProcess& process, Flow& flow) {
    Grant grant;
    process.decisions.push_back(co_await process.admit(flow, grant, kDollar));
    process.grants = {grant};
}

/// An exchange that is ended by the worker's stop, and settles then.
Task<void> hold_until_stopped(GatewayProcess& process) {
    Flow flow{process.reactor()};
    Grant grant;
    process.decisions.push_back(co_await process.admit(flow, grant, kDollar));
    co_await flow.wait({}, kNever);
    process.settle(grant, kDollar, kDollar / 2);
}

Task<void> stop_while_one_runs(GatewayProcess& process, Flow& flow) {
    co_await process.await_up(flow, true);
    start(hold_until_stopped(process));
    while (process.decisions.empty()) {
        co_await flow.sleep(std::chrono::milliseconds{1});
    }
}

TEST_F(SharedLimitsTest, SendWhatIsSettledWhenTheWorkerIsStopped) {
    GatewayProcess process{address_of(server_),
                           {.limits = limit(LimitKind::concurrent, 1), .budget = 10 * kDollar}};
    process.is_hard_stop = true;
    GatewayProcess other{address_of(server_),
                         {.limits = limit(LimitKind::concurrent, 1),
                          .budget = 10 * kDollar,
                          .instance = "fedcba9876543210"}};

    process.run(stop_while_one_runs);
    other.run(leave_a_slot_held);

    ASSERT_EQ(process.decisions.size(), 1U);
    EXPECT_FALSE(process.decisions[0].refusal);
    EXPECT_FALSE(other.decisions.at(0).refusal);
    EXPECT_DOUBLE_EQ(other.decisions.at(0).budget_used, 0.15);
}

TEST_F(SharedLimitsTest, TellWhetherRedisIsUp) {
    GatewayProcess process{address_of(server_), {}};
    EXPECT_FALSE(process.process().is_up());

    process.run([](GatewayProcess& self, Flow& flow) { return self.await_up(flow, true); });

    EXPECT_TRUE(process.process().is_up());
    EXPECT_EQ(process.process().outage(), 0U);
    EXPECT_TRUE(process.log.empty());
}

}  // namespace
}  // namespace headgate::proxy
