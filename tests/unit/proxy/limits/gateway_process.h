#pragma once

#include "policy/limits/limit_rules.h"
#include "proxy/limits/shared_limits.h"
#include "tests/support/redis_server.h"

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace headgate::proxy {

inline constexpr std::int64_t kDollar = 1'000'000'000;

/// One process of one worker with one project, "search", whose limits are in a Redis.
class GatewayProcess {
public:
    struct Settings {
        policy::OnRedisFailure on_failure = policy::OnRedisFailure::local;
        int replicas = 2;
        policy::LimitEntry limits = {};
        std::int64_t budget = 0;  // nanodollars a day; 0: none
        std::string instance = "0123456789abcdef";
        bool shards_by_project = false;
        /// Where no test makes Redis slow: a busy machine is no outage.
        std::chrono::milliseconds deadline{10'000};
    };

    GatewayProcess(const policy::RedisAddress& address, const Settings& settings)
        : process_{
              {.address = address,
               .trust = nullptr,
               .key_space = "tests",
               .shards_by_project = settings.shards_by_project,
               .instance = settings.instance,
               .on_failure = settings.on_failure,
               .replicas = settings.replicas,
               .deadline = settings.deadline,
               .log = [this](policy::LogLevel, std::string_view text) { log.emplace_back(text); },
               .tell =
                   [this](const policy::BudgetAlert& alert) { alerts.push_back(alert.threshold); }},
              accounts,
              resolver_} {
        process_.know_sums();
        auto project = std::make_unique<policy::Project>();
        project->id = "search";
        project->limits.push_back(settings.limits);
        if (settings.budget > 0) {
            policy::BudgetSettings& budget = project->budget.emplace();
            budget.limit = providers::Money::nanos(settings.budget);
            budget.per = policy::BudgetPeriod::day;
            budget.alert_at = {50, 90};
        }
        snapshot_.projects.push_back(std::move(project));
        book_ = std::make_unique<policy::LimitBook>(snapshot_, accounts);
        limits_ = std::make_unique<SharedLimits>(
            reactor_, process_, 0, [this](SharedLimits::Operation operation, auto) {
                calls += operation == SharedLimits::Operation::limits ? 1 : 0;
            });
    }

    using Script = Task<void> (*)(GatewayProcess&, Flow&);

    /// Runs the script to its end, then finishes as a drained worker does.
    void run(Script script) {
        limits_->begin();
        start(run_script(*this, script));
        reactor_.run();
    }

    SharedLimits& limits() { return *limits_; }
    SharedLimitsProcess& process() { return process_; }
    Reactor& reactor() { return reactor_; }
    const policy::LimitBook& book() const { return *book_; }

    policy::Subject subject() const {
        const policy::LimitBook::Rules rules =
            book_->rules_for(*snapshot_.projects.front(), nullptr);
        return {rules.organization, rules.project, rules.key};
    }
    static policy::Demand demand(std::int64_t worst_case = 0, std::int64_t tokens = 0) {
        return {.model = "gpt-5-mini",
                .tokens = tokens,
                .worst_case = providers::Money::nanos(worst_case),
                .day = policy::day_of(std::chrono::system_clock::now())};
    }

    Task<policy::Decision> admit(Flow& flow, Grant& grant, std::int64_t worst_case = 0) {
        const policy::Subject who = subject();
        const policy::Demand what = demand(worst_case);
        co_return co_await limits_->admit(flow, who, what, grant, {});
    }
    /// Admits and settles at once; true: it was admitted.
    Task<bool> exchange(Flow& flow, std::int64_t worst_case = 0, std::int64_t cost = 0) {
        Grant grant;
        const policy::Decision decision = co_await admit(flow, grant, worst_case);
        if (!decision.refusal) {
            settle(grant, worst_case, cost);
        }
        co_return !decision.refusal;
    }
    void settle(const Grant& grant, std::int64_t worst_case = 0, std::int64_t cost = 0) {
        limits_->settle(subject(),
                        {.held = demand(worst_case), .cost = providers::Money::nanos(cost)}, grant);
    }
    Task<void> await_up(Flow& flow, bool is_up) {
        while (limits_->is_up() != is_up && !flow.is_cancelled()) {
            co_await flow.sleep(std::chrono::milliseconds{2});
        }
    }
    /// What the process' own accounts say that the project has spent.
    std::int64_t spent() {
        std::int64_t sum = 0;
        const std::shared_ptr<policy::Account> account = accounts.of("search");
        const std::scoped_lock lock{account->mutex()};
        for (const policy::DayMoney& day : account->days()) {
            sum += day.spent;
        }
        return sum;
    }

    policy::Accounts accounts;
    std::vector<std::string> log;
    std::vector<int> alerts;
    int calls = 0;
    bool is_hard_stop = false;  // run() ends with cancel_all() instead

    // For scripts:
    test_support::RedisServer* server = nullptr;
    std::vector<policy::Decision> decisions;
    std::vector<Grant> grants;
    std::vector<bool> admitted;

private:
    static Task<void> run_script(GatewayProcess& process, Script script) {
        {
            Flow flow{process.reactor_};
            co_await script(process, flow);
        }
        process.reactor_.stop();
        if (process.is_hard_stop) {
            process.reactor_.cancel_all();
        } else {
            process.limits_->finish();
        }
    }

    Reactor reactor_;
    Resolver resolver_{1};
    SharedLimitsProcess process_;
    policy::Snapshot snapshot_;
    std::unique_ptr<policy::LimitBook> book_;
    std::unique_ptr<SharedLimits> limits_;
};

inline policy::RedisAddress address_of(const test_support::RedisServer& server) {
    policy::RedisAddress address;
    address.unix_path = server.unix_path();
    return address;
}

inline policy::LimitEntry limit(policy::LimitKind kind, std::int64_t amount) {
    policy::LimitEntry entry;
    entry.amounts[static_cast<std::size_t>(kind)] = amount;
    return entry;
}

}  // namespace headgate::proxy
