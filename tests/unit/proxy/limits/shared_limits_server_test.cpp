// SharedLimits with servers that are not plain: replicas, clusters, users with few rights.
#include "proxy/limits/shared_limits.h"
#include "tests/unit/proxy/limits/gateway_process.h"

#include <string>
#include <vector>

namespace headgate::proxy {
namespace {

using policy::LimitKind;
using test_support::RedisServer;
using test_support::run_command;

Task<void> exchange_three_times(GatewayProcess& process, Flow& flow) {
    for (int i = 0; i < 3; ++i) {
        process.admitted.push_back(co_await process.exchange(flow, 100, 10));
    }
}

TEST(SharedLimitsOnServers, CarryTheScriptWhereAnAclForbidsToLoadIt) {
    RedisServer server{{"--user", "default", "on", "nopass", "~*", "+@all", "-script"}};
    if (!server.is_running()) {
        GTEST_SKIP() << "no redis-server";
    }
    GatewayProcess process{address_of(server), {.limits = limit(LimitKind::rpd, 2)}};

    process.run(exchange_three_times);

    EXPECT_EQ(process.admitted, (std::vector<bool>{true, true, false}));
    EXPECT_TRUE(process.log.empty());
}

Task<void> see_it_become_a_replica(GatewayProcess& process, Flow& flow) {
    const std::string socket = process.server->unix_path();
    co_await process.await_up(flow, true);
    process.admitted.push_back(
        run_command({"redis-cli", "-s", socket, "replicaof", "127.0.0.1", "1"}));
    co_await process.await_up(flow, false);
    process.admitted.push_back(co_await process.exchange(flow));
    process.admitted.push_back(run_command({"redis-cli", "-s", socket, "replicaof", "no", "one"}));
    co_await process.await_up(flow, true);
    process.admitted.push_back(co_await process.exchange(flow));
}

TEST(SharedLimitsOnServers, DoWithoutAServerThatTakesNoWrites) {
    RedisServer server;
    if (!server.is_running()) {
        GTEST_SKIP() << "no redis-server";
    }
    GatewayProcess process{address_of(server), {.limits = limit(LimitKind::rpd, 4)}};
    process.server = &server;

    process.run(see_it_become_a_replica);

    EXPECT_EQ(process.admitted, (std::vector<bool>{true, true, true, true}));
    ASSERT_EQ(process.log.size(), 2U);
    EXPECT_NE(process.log[0].find("READONLY"), std::string::npos) << process.log[0];
}

/// One node of a Cluster.
struct ClusterNode {
    RedisServer server{
        {"--cluster-enabled", "yes", "--cluster-port", std::to_string(test_support::free_port())}};

    std::string port() const { return std::to_string(server.port()); }
    bool await_cluster() const {
        return run_command({"timeout", "20", "sh", "-c",
                            "until redis-cli -p " + port() +
                                " cluster info | grep -q cluster_state:ok; do sleep 0.05; done"});
    }
};

TEST(SharedLimitsOnServers, FollowTheirKeysThroughACluster) {
    const ClusterNode home;
    const ClusterNode owner;
    if (!home.server.is_running()) {
        GTEST_SKIP() << "no redis-server";
    }
    ASSERT_TRUE(
        run_command({"redis-cli", "-p", owner.port(), "cluster", "addslotsrange", "0", "16383"}));
    ASSERT_TRUE(
        run_command({"sh", "-c",
                     "bus=$(redis-cli -p " + home.port() +
                         " config get cluster-port | tail -1); redis-cli -p " + owner.port() +
                         " cluster meet 127.0.0.1 " + home.port() + " $bus"}));
    ASSERT_TRUE(home.await_cluster());
    policy::RedisAddress address;
    address.host = "127.0.0.1";
    address.port = home.server.port();
    GatewayProcess process{address, {.limits = limit(LimitKind::rpd, 2), .budget = kDollar}};

    process.run(exchange_three_times);

    EXPECT_EQ(process.admitted, (std::vector<bool>{true, true, false}));
    EXPECT_EQ(process.spent(), 20);
    EXPECT_TRUE(process.log.empty());
}

}  // namespace
}  // namespace headgate::proxy
