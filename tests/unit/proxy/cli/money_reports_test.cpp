#include "proxy/cli/money_reports.h"

#include "tests/unit/proxy/limits/gateway_process.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

namespace headgate::proxy {
namespace {

using policy::LimitKind;
using providers::Money;
using test_support::RedisServer;

/// Never waits for a busy machine, and keeps nothing.
constexpr SharedReader::Times kAlwaysAnew{
    .deadline = std::chrono::seconds{10}, .fresh = {}, .oldest = std::chrono::minutes{10}};

/// One process with the project of GatewayProcess, of which this process itself has spent 5 today.
/// Its limits are in the Redis at `address`.
class Reporting {
public:
    explicit Reporting(const policy::RedisAddress& address) {
        auto snapshot = std::make_shared<policy::Snapshot>();
        auto project = std::make_unique<policy::Project>();
        project->id = "search";
        project->limits.push_back(limit(LimitKind::rpd, 10));
        policy::BudgetSettings& budget = project->budget.emplace();
        budget.limit = Money::nanos(kDollar);
        budget.per = policy::BudgetPeriod::day;
        snapshot->projects.push_back(std::move(project));
        policy_ = std::make_unique<LoadedPolicy>(std::move(snapshot), nullptr, accounts_);
        accounts_.restore("search", today(), Money::nanos(5));
        SharedLimitsProcess::Settings settings;
        settings.address = address;
        settings.key_space = "tests";
        settings.instance = "a";
        process_.shared_limits = std::make_unique<SharedLimitsProcess>(
            std::move(settings), accounts_, process_.resolver);
        reader_ = std::make_unique<SharedReader>(*process_.shared_limits, kAlwaysAnew);
    }

    static policy::Day today() { return policy::day_of(std::chrono::system_clock::now()); }

    SharedLimitsProcess& shared() { return *process_.shared_limits; }
    MoneyReports reports() const { return MoneyReports{process_, reader_.get()}; }
    const LoadedPolicy& policy() const { return *policy_; }

    /// "spent/reserved/requests left" of the project, as the admin API has them.
    std::string told() const {
        const auto budget = reports().budget(policy(), "search");
        const auto limits = reports().limits(policy(), "search");
        if (!budget || !*budget || !limits || limits->size() != 1) {
            return "nothing";
        }
        return std::to_string((**budget).spent.nanos()) + "/" +
               std::to_string((**budget).reserved.nanos()) + "/" +
               std::to_string(limits->front().remaining);
    }

private:
    policy::Accounts accounts_;
    Process process_;
    std::unique_ptr<LoadedPolicy> policy_;
    std::unique_ptr<SharedReader> reader_;
};

/// The second admission also tells what the first one cost.
Task<void> spend_and_hold(GatewayProcess& process, Flow& flow) {
    Grant grant;
    process.admitted.push_back(co_await process.exchange(flow, 100, 10));
    const policy::Decision decision = co_await process.admit(flow, grant, 300);
    process.admitted.push_back(!decision.refusal);
}

TEST(MoneyReports, TellWhatAllProcessesHaveSpentAndHold) {
    const RedisServer server;
    if (!server.is_running()) {
        GTEST_SKIP() << "no redis-server";
    }
    for (const char* instance : {"0123456789abcdef", "fedcba9876543210"}) {
        GatewayProcess process{
            address_of(server),
            {.limits = limit(LimitKind::rpd, 10), .budget = kDollar, .instance = instance}};
        process.run(spend_and_hold);
        ASSERT_EQ(process.admitted, (std::vector<bool>{true, true}));
    }
    const Reporting reporting{address_of(server)};

    const auto budgets = reporting.reports().budget_gauges(reporting.policy());
    const auto limits = reporting.reports().limit_gauges(reporting.policy());

    EXPECT_EQ(reporting.told(), "20/600/6");
    ASSERT_EQ(budgets.size(), 1U);
    EXPECT_DOUBLE_EQ(budgets[0].spent_usd, 20e-9);
    EXPECT_DOUBLE_EQ(budgets[0].reserved_usd, 600e-9);
    ASSERT_EQ(limits.size(), 1U);
    EXPECT_NEAR(limits[0].remaining_ratio, 0.6, 0.01);
}

policy::RedisAddress nowhere() {
    policy::RedisAddress address;
    address.unix_path = "/nowhere/redis.sock";
    return address;
}

TEST(MoneyReports, TellWithoutRedisWhatItToldLast) {
    Reporting reporting{nowhere()};
    const policy::Day yesterday = Reporting::today() - std::chrono::days{1};

    const std::string own = reporting.told();
    reporting.shared().know_others({{"b", "search", yesterday, Money::nanos(1'000)},
                                    {"b", "search", Reporting::today(), Money::nanos(30)}});
    const std::string recorded = reporting.told();
    reporting.shared().budgets().of("search").note(Reporting::today(), 90);
    const std::string known = reporting.told();
    reporting.shared().budgets().of("search").note(Reporting::today(), 3);
    const std::string more_than_known = reporting.told();
    reporting.shared().budgets().of("search").note(yesterday, 90);
    const std::string outdated = reporting.told();

    EXPECT_EQ(own, "5/0/10");
    EXPECT_EQ(recorded, "35/0/10");
    EXPECT_EQ(known, "90/0/10");
    EXPECT_EQ(more_than_known, "5/0/10");
    EXPECT_EQ(outdated, "35/0/10");
}

TEST(MoneyReports, KnowNoProjectThatThePolicyHasNot) {
    const Reporting reporting{nowhere()};

    EXPECT_FALSE(reporting.reports().budget(reporting.policy(), "unheard"));
    EXPECT_FALSE(reporting.reports().limits(reporting.policy(), "unheard"));
}

}  // namespace
}  // namespace headgate::proxy
