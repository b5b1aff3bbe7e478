#pragma once

#include "policy/limits/demand.h"
#include "policy/limits/memory_limits.h"
#include "policy/store/redis/redis_limits.h"
#include "proxy/limits/redis_calls.h"
#include "proxy/limits/redis_heartbeat.h"
#include "proxy/limits/redis_nodes.h"
#include "proxy/limits/shared_limits_process.h"
#include "proxy/net/reactor.h"
#include "proxy/net/task.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace headgate::proxy {

/// Who holds what an exchange was admitted with. Kept by the exchange, unchanged, from admit() to
/// settle(); further reservations get the same one.
struct Grant {
    enum class By : std::uint8_t {
        nobody,  // nothing is held: refused, or nothing applies
        redis,
        local,  // this process, while Redis was away
        open,   // nothing is held: Redis was away, and the policy lets pass
    };

    By by = By::nobody;
    std::uint32_t outage = 0;  // of local
    /// Of the worst cases that were admitted, what is not held (no budget applied).
    providers::Money not_held;
};

/// The limits that processes share in Redis, as one worker's exchanges see them. Admissions that
/// come while a call is in flight go together with the next one.
///
/// Where Redis does not answer within 50 ms, every admission that waits is decided as
/// `on_redis_failure` says, and from then on at once, until Redis takes a write again:
///
///   local   limits: buckets of this process, the share of one of the replicas. Budgets: of each
///           at most min(5 % of what was left when Redis last told, $1) a process and outage, then
///           Refusal::unavailable; settling below the worst case gives the rest back.
///   open    everything is admitted, nothing held
///   closed  Refusal::unavailable, where anything applies
///
/// Runs on its worker's thread alone; must outlive its coroutine, which ends after finish() or with
/// the flows that Reactor::cancel_all() ends. Settles that are still owed to Redis then are sent
/// first, for at most half a second.
class SharedLimits {
public:
    enum class Operation : std::uint8_t { limits, connect, report, heartbeat };
    /// headgate_store_operation_seconds{store="redis"}: how long one took, also where it failed.
    using Observer = std::function<void(Operation, std::chrono::nanoseconds)>;

    /// Worker 0 also keeps the process' lease, on a connection of its own.
    SharedLimits(Reactor& reactor,
                 SharedLimitsProcess& process,
                 std::size_t worker,
                 Observer observer);
    ~SharedLimits();
    SharedLimits(const SharedLimits&) = delete;
    SharedLimits& operator=(const SharedLimits&) = delete;

    /// Begins to connect. Once, on the worker's thread or before it runs.
    void begin();
    /// No exchange will ask or settle any more.
    void finish();

    /// Suspends `flow` for 50 ms at most. `demand` and `subject` must live until it returns. Where
    /// `client_gone` became ready, or the flow was cancelled, first: Refusal::unavailable, and
    /// nothing is held.
    Task<policy::Decision> admit(Flow& flow,
                                 const policy::Subject& subject,
                                 const policy::Demand& demand,
                                 Grant& grant,
                                 Interest client_gone);

    /// Once for every admitted exchange. Adds the cost to the accounts, tells Redis with the next
    /// call, or when it is back.
    void settle(const policy::Subject& subject, const policy::Settled& settled, Grant grant);

    /// Spent plus reserved of the scope's budget in those days, in nanodollars: what Redis told
    /// last; where it never did, what the records and this process know. Never less than what this
    /// process itself has spent.
    std::int64_t known_use(const policy::ScopeRules& scope, const policy::BudgetSpan& span);

    /// This worker reaches Redis. Of all workers: SharedLimitsProcess::is_up().
    bool is_up() const { return state_ == State::up; }

private:
    using Ticket = policy::RedisLimits::Ticket;
    enum class State : std::uint8_t { starting, up, away };
    /// An admission that is suspended in ask_redis(). It is in `waiting_` as long as it lives.
    struct Waiting {
        Waiting(SharedLimits& limits, Flow& waiting_flow);
        ~Waiting() { owner.waiting_.erase(ticket); }
        Waiting(const Waiting&) = delete;
        Waiting& operator=(const Waiting&) = delete;

        SharedLimits& owner;
        Flow& flow;
        Ticket ticket;
        std::optional<policy::Decision> decision;
        bool is_lost = false;
    };
    /// What a worker remembers of a budget, so that no request looks it up or takes a lock for it.
    struct Remembered {
        KnownBudget* budget = nullptr;
        policy::Day alert_period;
        int alerted = 0;  // the highest threshold that was told
    };

    // shared_limits.cpp: admissions and settlements
    Task<policy::Decision> ask_redis(Flow& flow,
                                     const policy::Subject& subject,
                                     const policy::Demand& demand,
                                     Grant& grant,
                                     Interest client_gone);
    void keep(const policy::Subject& subject,
              const policy::Demand& demand,
              const policy::Decision& decision,
              Grant& grant);

    // without_redis.cpp: what is decided while Redis is away
    policy::Decision decide_without_redis(const policy::Subject& subject,
                                          const policy::Demand& demand,
                                          Grant& grant);
    policy::Decision decide_locally(const policy::Subject& subject,
                                    const policy::Demand& demand,
                                    Grant& grant);
    std::optional<policy::Refusal> take_allowances(const policy::Subject& subject,
                                                   const policy::Demand& demand,
                                                   std::uint32_t outage);
    void settle_allowances(const policy::Subject& subject,
                           const policy::Demand& held,
                           providers::Money cost,
                           std::uint32_t outage);
    void settle_locally(const policy::Subject& subject,
                        const policy::Settled& settled,
                        std::uint32_t outage);
    void note_budgets(const policy::Subject& subject,
                      const policy::Demand& demand,
                      const policy::Decision& decision);
    void tell_alert(const policy::ScopeRules& scope, policy::Day day, std::int64_t used);
    Remembered& remembered(const policy::ScopeRules& scope);

    // limits_link.cpp: the coroutine that talks to Redis
    Task<void> run();
    Task<RedisResult<void>> turn();
    Task<RedisResult<void>> return_home();
    Task<RedisResult<void>> open_and_prove();
    Task<RedisResult<void>> carry(policy::RedisLimits::Call call);
    Task<RedisResult<void>> rest();
    Task<RedisResult<void>> prepare(policy::RedisLimits::Outcome outcome,
                                    const std::string& shard_key);
    bool goes_on();
    void kick();
    void deliver();
    void fall(std::string_view problem);
    void become_away(std::string_view problem);
    void release_waiting();
    void come_back();
    std::chrono::milliseconds backoff();
    void observe(Operation operation, std::chrono::steady_clock::time_point since);

    Reactor& reactor_;
    SharedLimitsProcess& process_;
    Observer observer_;
    policy::RedisLimits limits_;
    RedisNodes nodes_;
    std::unique_ptr<RedisHeartbeat> heartbeat_;  // of worker 0

    State state_ = State::starting;
    Ticket next_ticket_ = 1;
    std::unordered_map<Ticket, Waiting*> waiting_;
    std::vector<policy::RedisLimits::Answer> answers_;  // of the latest reply
    std::size_t held_ = 0;                              // exchanges that Redis holds something for

    policy::MemoryLimits local_;
    int local_share_ = 1;
    std::unordered_map<const policy::Account*, Remembered> budgets_;

    std::unique_ptr<Flow> flow_;
    bool is_resting_ = false;  // in rest(): a kick may wake it
    bool is_backing_off_ = false;
    bool is_running_ = false;
    bool is_in_flight_ = false;
    bool is_finishing_ = false;
    bool is_stopped_ = false;  // cancelled: flow_ is its last one
    std::chrono::steady_clock::time_point stop_by_;
    int failures_ = 0;  // since the last call that was answered
    std::minstd_rand random_;
};

}  // namespace headgate::proxy
