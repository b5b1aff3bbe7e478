#include "proxy/limits/shared_reader.h"

#include "tests/unit/proxy/limits/gateway_process.h"

#include <gtest/gtest.h>

#include <string>

namespace headgate::proxy {
namespace {

using policy::LimitKind;
using test_support::RedisServer;
using test_support::run_command;

/// Never waits for a busy machine, and keeps nothing.
constexpr SharedReader::Times kAlwaysAnew{
    .deadline = std::chrono::seconds{10}, .fresh = {}, .oldest = std::chrono::minutes{10}};
/// … and asks once.
constexpr SharedReader::Times kOnce{.deadline = std::chrono::seconds{10},
                                    .fresh = std::chrono::hours{1},
                                    .oldest = std::chrono::hours{1}};

GatewayProcess::Settings settings_of(std::string instance) {
    return {
        .limits = limit(LimitKind::rpd, 10), .budget = kDollar, .instance = std::move(instance)};
}

SharedReader::Asked asked_of(const policy::LimitBook& book) {
    return {.book = &book,
            .generation = 1,
            .day = policy::day_of(std::chrono::system_clock::now()),
            .project = {}};
}

/// "spent/reserved/requests left" of the project; "-" for what is not told.
std::string told(const std::shared_ptr<const SharedFigures>& figures,
                 const policy::LimitBook& book) {
    if (!figures) {
        return "away";
    }
    std::string text = "-/-";
    if (const auto money = figures->money("search")) {
        text = std::to_string(money->spent.nanos()) + "/" + std::to_string(money->reserved.nanos());
    }
    const policy::BucketRule& rule = book.projects().front()->entries.front().buckets.front();
    const auto level = figures->level(rule, std::chrono::steady_clock::now());
    // A day's limit of ten drains too slowly for a test to see, but it drains.
    return text + "/" + (level ? std::to_string(static_cast<int>(level->remaining() + 0.01)) : "-");
}

std::string read(SharedReader& reader, const policy::LimitBook& book) {
    return told(reader.read(asked_of(book)), book);
}

/// Two exchanges, of which one goes on. The second admission also tells what the first one cost.
Task<void> spend_and_hold(GatewayProcess& process, Flow& flow) {
    Grant grant;
    process.admitted.push_back(co_await process.exchange(flow, 100, 10));
    const policy::Decision decision = co_await process.admit(flow, grant, 300);
    process.admitted.push_back(!decision.refusal);
    if (process.server == nullptr) {
        co_return;
    }
    co_await process.await_up(flow, true);
    GatewayProcess other{address_of(*process.server), settings_of("fedcba9876543210")};
    other.run(spend_and_hold);
    SharedReader reader{process.process(), kAlwaysAnew};
    process.log.push_back(read(reader, process.book()));
    process.log.push_back(std::to_string(
        process.process().budgets().of("search").used(GatewayProcess::demand().day)));
    process.settle(grant, 300, 30);
    co_await process.exchange(flow);  // tells it
    process.log.push_back(read(reader, process.book()));
}

TEST(SharedReader, ShowsWhatAllProcessesSpendAndHold) {
    RedisServer server;
    if (!server.is_running()) {
        GTEST_SKIP() << "no redis-server";
    }
    GatewayProcess process{address_of(server), settings_of("0123456789abcdef")};
    process.server = &server;

    process.run(spend_and_hold);

    EXPECT_EQ(process.admitted, (std::vector<bool>{true, true}));
    EXPECT_EQ(process.log, (std::vector<std::string>{"20/600/6", "620", "50/300/5"}));
    EXPECT_EQ(process.spent(), 40) << "its own part";
}

/// A Redis with 10 spent, 300 reserved and 8 of 10 requests left.
class ReaderOfOneServer : public testing::Test {
protected:
    void SetUp() override {
        if (!server_.is_running()) {
            GTEST_SKIP() << "no redis-server";
        }
        spend();
    }
    void spend() {
        GatewayProcess process{address_of(server_), settings_of("0123456789abcdef")};
        process.run(spend_and_hold);
    }

    RedisServer server_;
    GatewayProcess watcher_{address_of(server_), settings_of("fedcba9876543210")};
};

TEST_F(ReaderOfOneServer, AsksOnceForAScrapeAndTheCallsAroundIt) {
    SharedReader reader{watcher_.process(), kOnce};
    EXPECT_EQ(read(reader, watcher_.book()), "10/300/8");

    server_.stop();

    EXPECT_EQ(read(reader, watcher_.book()), "10/300/8");
}

TEST_F(ReaderOfOneServer, AsksAnewForAnotherPolicyAndAnotherDay) {
    SharedReader reader{watcher_.process(), kOnce};
    EXPECT_EQ(read(reader, watcher_.book()), "10/300/8");
    SharedReader::Asked reloaded = asked_of(watcher_.book());
    reloaded.generation = 2;
    SharedReader::Asked tomorrow = reloaded;
    tomorrow.day += std::chrono::days{1};

    const std::string after_reload = told(reader.read(reloaded), watcher_.book());
    const std::string next_day = told(reader.read(tomorrow), watcher_.book());

    EXPECT_EQ(after_reload, "10/300/8");
    EXPECT_EQ(next_day, "0/0/8");
}

TEST_F(ReaderOfOneServer, AddsUpDaysWhereNoAdmissionHasKeptTheSum) {
    policy::Snapshot snapshot;
    auto project = std::make_unique<policy::Project>();
    project->id = "search";
    project->limits.push_back(limit(LimitKind::rpd, 10));
    project->budget.emplace().per = policy::BudgetPeriod::total;
    snapshot.projects.push_back(std::move(project));
    policy::Accounts accounts;
    const policy::LimitBook book{snapshot, accounts};
    SharedReader reader{watcher_.process(), kAlwaysAnew};

    EXPECT_EQ(read(reader, book), "10/300/8");
    EXPECT_EQ(read(reader, watcher_.book()), "10/300/8") << "the day's, which is kept";
}

TEST_F(ReaderOfOneServer, TellsNothingWhileRedisIsAwayAndComesBack) {
    SharedReader reader{watcher_.process(), kAlwaysAnew};
    EXPECT_EQ(read(reader, watcher_.book()), "10/300/8");

    server_.stop();
    const std::string away = read(reader, watcher_.book());
    server_.start();
    const std::string empty = read(reader, watcher_.book());
    spend();
    const std::string back = read(reader, watcher_.book());

    EXPECT_EQ(away, "away");
    EXPECT_EQ(empty, "-/-/-") << "what is lost is not nothing";
    EXPECT_EQ(back, "10/300/8");
}

TEST_F(ReaderOfOneServer, WaitsForASilentServerOnlyForSoLong) {
    SharedReader reader{
        watcher_.process(),
        {.deadline = std::chrono::milliseconds{50}, .fresh = {}, .oldest = std::chrono::hours{1}}};
    server_.pause();

    const std::string connecting = read(reader, watcher_.book());
    server_.resume();
    SharedReader patient{watcher_.process(), kAlwaysAnew};
    const std::string awake = read(patient, watcher_.book());

    EXPECT_EQ(connecting, "away");
    EXPECT_EQ(awake, "10/300/8");
}

TEST(SharedReaderOnServers, TellsNothingThatRedisForbidsToRead) {
    const RedisServer server{{"--user", "default", "on", "nopass", "~*", "+@all", "-eval"}};
    if (!server.is_running()) {
        GTEST_SKIP() << "no redis-server";
    }
    GatewayProcess process{address_of(server), settings_of("0123456789abcdef")};
    SharedReader reader{process.process(), kAlwaysAnew};

    EXPECT_EQ(read(reader, process.book()), "-/-/-");
}

TEST(SharedReaderOnServers, ReadsTheShardOfAProject) {
    RedisServer server;
    if (!server.is_running()) {
        GTEST_SKIP() << "no redis-server";
    }
    GatewayProcess::Settings settings = settings_of("0123456789abcdef");
    settings.shards_by_project = true;
    GatewayProcess process{address_of(server), settings};
    process.run(spend_and_hold);
    SharedReader reader{process.process(), kOnce};
    SharedReader::Asked asked = asked_of(process.book());

    asked.project = "other";
    const std::string nothing = told(reader.read(asked), process.book());
    asked.project = "search";
    const std::string found = told(reader.read(asked), process.book());

    EXPECT_EQ(nothing, "away") << "nothing was asked for";
    EXPECT_EQ(found, "10/300/8");
}

TEST(SharedReaderOnServers, FollowsItsKeyThroughACluster) {
    const auto options = [] {
        return std::vector<std::string>{"--cluster-enabled", "yes", "--cluster-port",
                                        std::to_string(test_support::free_port())};
    };
    const RedisServer home{options()};
    const RedisServer owner{options()};
    if (!home.is_running()) {
        GTEST_SKIP() << "no redis-server";
    }
    const std::string home_port = std::to_string(home.port());
    const std::string owner_port = std::to_string(owner.port());
    ASSERT_TRUE(
        run_command({"redis-cli", "-p", owner_port, "cluster", "addslotsrange", "0", "16383"}));
    ASSERT_TRUE(run_command({"sh", "-c",
                             "bus=$(redis-cli -p " + home_port +
                                 " config get cluster-port | tail -1); redis-cli -p " + owner_port +
                                 " cluster meet 127.0.0.1 " + home_port + " $bus"}));
    for (const std::string& port : {home_port, owner_port}) {
        ASSERT_TRUE(
            run_command({"timeout", "20", "sh", "-c",
                         "until redis-cli -p " + port +
                             " cluster info | grep -q cluster_state:ok; do sleep 0.05; done"}));
    }
    policy::RedisAddress address;
    address.host = "127.0.0.1";
    address.port = home.port();
    GatewayProcess process{address, settings_of("0123456789abcdef")};
    process.run(spend_and_hold);
    ASSERT_EQ(process.log, std::vector<std::string>{});
    SharedReader reader{process.process(), kAlwaysAnew};

    EXPECT_EQ(read(reader, process.book()), "10/300/8");
    EXPECT_EQ(read(reader, process.book()), "10/300/8");
}

TEST(SharedFigures, DrainByTheTimeSinceTheyWereRead) {
    SharedFigures figures;
    policy::BucketRule rule;
    rule.name = "p/search/*/rpm";
    rule.kind = LimitKind::rpm;
    rule.limit = 60;
    const policy::CountersQuery query{.project = "", .buckets = {rule.name}, .budgets = {}};
    const providers::SteadyTime read_at{std::chrono::hours{1}};

    figures.add(query, {.now_ms = 11'000, .buckets = {{.used = 50, .at_ms = 1'000}}, .budgets = {}},
                read_at);

    const auto level = figures.level(rule, read_at + std::chrono::seconds{5});
    ASSERT_TRUE(level);
    EXPECT_DOUBLE_EQ(level->remaining(), 25);
    EXPECT_EQ(level->full_in(), std::chrono::seconds{35});
    rule.name = "p/search/*/rpd";
    EXPECT_FALSE(figures.level(rule, read_at));
    EXPECT_FALSE(figures.money("search"));
}

}  // namespace
}  // namespace headgate::proxy
