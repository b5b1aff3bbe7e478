#pragma once

#include "policy/limits/accounts.h"
#include "policy/limits/demand.h"
#include "policy/store/redis/resp.h"
#include "policy/store/redis/untold_money.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::policy {

/// One worker's part of the limits that processes share in Redis: what it asks and what the answers
/// mean. Sans-IO: the connection is somebody else's. One call is in flight; what gathers meanwhile
/// goes with the next: settles first, then admissions in order, at most 64 of them.
///
/// What is kept where, and the replies of the scripts: scripts.h.
///
/// Invariants:
/// 1. Exactly once. A call has a sequence number and the script remembers the latest reply of every
///    worker, so that a call that is sent again is not applied twice. After lose() the next call
///    only asks what became of the lost one, and makes sure that it can no longer be applied: then
///    its settles are sent again or not, and what it was granted is withdrawn.
/// 2. What a worker holds (reserved money, slots) and what it has booked in its life is told
///    absolutely, by day; what its instance spent before, by reports. So it heals, and the order of
///    calls does not matter: after a lost Redis, a fail-over to a replica that lags, or a lease
///    that ended, the worker tells all that anew before it asks again.
/// 3. Bounded. Settles are summed up by bucket and day while Redis is away.
///
/// A process reports (report_calls()) when it starts, or its first call is answered by
/// Outcome::report; again after a reload that gave a scope a budget. The accounts that it reports
/// hold what this instance spent, not what others did (`others`).
class RedisLimits {
public:
    struct Settings {
        std::string key_space;  // of `state.namespace`
        bool shards_by_project = false;
        std::string instance;  // Journal::instance()
        std::size_t worker = 0;

        /// Shared by all workers of a process; may be null where there is one alone. What the
        /// workers tell themselves is left out of reports by it.
        std::shared_ptr<UntoldMoney> untold = nullptr;
        /// How many workers the process has. After a loss of data budgets wait until each has told
        /// what it holds, so an idle one must ask() at times. 0: not known, none is waited for.
        std::size_t workers = 0;
        /// Tells the lives of an instance apart: the same for all workers of a process, another one
        /// after a restart. Below 2^52. 0: one that the kernel gave this process.
        std::uint64_t life = 0;
        /// The accounts have all that this instance ever spent, open reservations of its earlier
        /// life included: then a report in a new life replaces what that life still held. False
        /// (`records: none`): it is booked in full.
        bool has_records = true;
        std::chrono::milliseconds lease{15'000};
        /// After a loss of data budgets refuse for this long at most, until all have reported.
        std::chrono::milliseconds report_wait{10'000};
    };

    explicit RedisLimits(Settings settings);
    ~RedisLimits();

    using Ticket = std::uint64_t;

    /// Queues an admission. What it needs of `subject` and `demand` is copied.
    void admit(Ticket ticket, const Subject& subject, const Demand& demand);
    /// Nobody waits for that admission any more: it is taken out of the queue or, where it may have
    /// been granted, withdrawn by the next call.
    void abandon(Ticket ticket);
    /// Queues what an admission that was granted has come to. The cost must also be added to the
    /// accounts (Account::add), right after this: before it, a report of another worker in between
    /// would count it twice.
    void settle(const Subject& subject, const Settled& settled);
    /// Books a cost for which nothing is held here: of an exchange that was admitted while Redis
    /// was away. To be added to the accounts as with settle().
    void book(const Subject& subject, Day day, providers::Money cost);
    /// Makes has_work() true: the next call asks for nothing, but notices a Redis that has lost its
    /// data. For a worker that has nothing else to send, about every second.
    void ask();

    /// The next call to send; empty: nothing is to do, or one is in flight.
    struct Call {
        std::string bytes;      // RESP
        std::string shard_key;  // the Redis key that it touches: what a Cluster routes by
    };
    std::optional<Call> next_call();
    bool has_work() const;

    struct Answer {
        Ticket ticket = 0;
        Decision decision;
    };
    enum class Outcome : std::uint8_t {
        done,         // `answers` are there; what is not among them goes with the next call
        load_script,  // NOSCRIPT: send script_load(), then resend()
        report,       // Redis has lost its data: send report_calls() first, then resend()
        elsewhere,    // MOVED or ASK: connect to `address`, then resend()
        unwilling,    // READONLY, LOADING, MASTERDOWN, OOM…: as if the connection were lost
        faulty,       // not an answer to what was asked: drop the connection
    };
    /// The reply to the call in flight.
    Outcome take(const RespValue& reply, std::vector<Answer>& answers);
    /// The same call once more, with its sequence number.
    Call resend() const;
    const std::string& address() const;  // of `elsewhere`: "host:port"
    bool must_ask() const;               // … it was an ASK: send ASKING first
    /// Why, of `unwilling` and `faulty`: for the log.
    const std::string& problem() const;
    /// The reply of the call in flight will not come: its admissions are undecided and are
    /// withdrawn, its settles are sent again, with the next call.
    void lose();

    std::string script_load() const;
    /// Without SCRIPT LOAD (an ACL forbids it): calls carry the script.
    void use_eval();

    /// All that this process knows of spent money, for a Redis that has lost it, or at start: the
    /// totals of `accounts` by day, and of instances that the records know beside it (`others`; the
    /// organization's are added up from the projects'). `processes_seen`: how many a heartbeat told
    /// before the loss; 0 at start. With Outcome::report and shards by project only the shard of
    /// the call in flight. To be sent in order, again and again where a reply is lost.
    struct OtherTotal {
        std::string instance;
        std::string project;
        Day day;
        providers::Money spent;
    };
    std::vector<Call> report_calls(const Accounts& accounts,
                                   const std::vector<OtherTotal>& others,
                                   int processes_seen);

    /// The reply to a report call: done, elsewhere, unwilling or faulty.
    Outcome take_report(const RespValue& reply);

    /// Renews the process' lease (15 s; every 5 s), frees what processes whose lease has ended
    /// held, and tells how many processes were seen in the last 30 s. For the second connection.
    /// Carries its script. With shards by project one a project.
    static Call heartbeat(const Settings& settings, std::string_view project = {});
    static std::optional<int> processes(const RespValue& reply);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace headgate::policy
