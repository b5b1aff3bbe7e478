#pragma once

#include "policy/config/snapshot.h"
#include "policy/limits/accounts.h"
#include "policy/store/redis/redis_limits.h"
#include "policy/store/redis/untold_money.h"
#include "proxy/limits/known_budgets.h"
#include "proxy/net/resolver.h"
#include "proxy/net/tls.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::proxy {

/// What the workers of one process share of limits in Redis. Made once, before the workers, and
/// outlives them. Thread-safe; on the way of a request only atomics are used.
class SharedLimitsProcess {
public:
    struct Settings {
        policy::RedisAddress address;
        std::shared_ptr<const TlsTrust> trust;  // of a rediss:// address: redis_trust()
        std::string key_space;                  // `state.namespace`
        bool shards_by_project = false;
        std::string instance;  // Journal::instance()
        std::size_t workers = 1;
        bool has_records = true;  // not `records: none`
        policy::OnRedisFailure on_failure = policy::OnRedisFailure::local;
        std::optional<int> replicas;  // nullopt: as many as Redis saw
        /// A slow Redis is a lost Redis after this.
        std::chrono::milliseconds deadline{50};
        /// The operator's log. Thread-safe.
        std::function<void(policy::LogLevel, std::string_view)> log;
        /// Told each budget's threshold once a period and process. Thread-safe.
        std::function<void(const policy::BudgetAlert&)> tell;
    };

    /// `accounts` holds what this process itself has spent, day by day; the LimitBooks of all
    /// policies must be made with it.
    SharedLimitsProcess(Settings settings, policy::Accounts& accounts, Resolver& resolver)
        : settings_{std::move(settings)}, accounts_{accounts}, resolver_{resolver} {}

    const Settings& settings() const { return settings_; }
    policy::Accounts& accounts() { return accounts_; }
    Resolver& resolver() { return resolver_; }
    KnownBudgets& budgets() { return budgets_; }
    policy::RedisLimits::Settings of_worker(std::size_t worker) const;

    /// The gauge headgate_store_up{store="redis"}: workers reach Redis, and none is without it.
    bool is_up() const { return up_ > 0 && away_ == 0; }

    /// Among how many processes limits are divided while Redis is away; 1 at least.
    int replicas() const;
    /// How many processes Redis saw in the last 30 s, when it was last asked; 0: never asked.
    int processes_seen() const { return seen_; }
    void saw_processes(int count) { seen_ = count; }

    /// What the records know of other instances' spending, for a Redis that has lost its data.
    void know_others(std::vector<policy::RedisLimits::OtherTotal> others);
    std::vector<policy::RedisLimits::OtherTotal> others() const;
    /// What others have spent of the project in those days; of all projects where `project` is
    /// empty. Nanodollars.
    std::int64_t spent_by_others(std::string_view project, const policy::BudgetSpan& span) const;

    /// The next heartbeat tells Redis all that the process has spent: at start, and after a reload
    /// that gave a scope a budget.
    void ask_for_report() { wants_report_ = true; }

    /// Whether `accounts` holds what this process' journal has spent before: until the record store
    /// has told it, a report would replace what Redis knows by less.
    bool may_report() const { return knows_sums_; }
    void know_sums() {
        knows_sums_ = true;
        ask_for_report();
    }

    // For the workers:

    /// The number of the latest outage: from the first worker that lost Redis until all have it
    /// back. 0: there was none.
    std::uint32_t outage() const { return outage_; }
    /// A worker has lost Redis, or had none so far: logged and counted once an outage.
    void worker_is_away(bool was_up, std::string_view problem);
    void worker_is_up(bool was_away);
    bool takes_report() { return knows_sums_ && wants_report_.exchange(false); }

private:
    void log(policy::LogLevel level, const std::string& text) const;

    Settings settings_;
    policy::Accounts& accounts_;
    Resolver& resolver_;
    KnownBudgets budgets_;
    std::shared_ptr<policy::UntoldMoney> untold_ = std::make_shared<policy::UntoldMoney>();
    std::atomic<int> up_ = 0;
    std::atomic<int> away_ = 0;
    std::atomic<int> seen_ = 0;
    std::atomic<std::uint32_t> outage_ = 0;
    std::atomic<bool> wants_report_ = true;
    std::atomic<bool> knows_sums_ = false;
    mutable std::mutex others_mutex_;
    std::vector<policy::RedisLimits::OtherTotal> others_;
};

}  // namespace headgate::proxy
