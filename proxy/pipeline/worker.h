#pragma once

#include "metrics/access_log/access_log.h"
#include "metrics/registry/worker_counters.h"
#include "policy/keys/project.h"
#include "policy/keys/stored_keys.h"
#include "policy/ledger/row_codec.h"
#include "proxy/net/http_head.h"
#include "proxy/net/listener.h"
#include "proxy/net/reactor.h"
#include "proxy/pipeline/policy_view.h"
#include "proxy/pipeline/process.h"
#include "proxy/pipeline/refusal_fold.h"
#include "proxy/pipeline/request_id.h"

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace headgate::proxy {

class ClientSession;

/// Memory that every step of a worker uses in turn. What lies here is dead after the next co_await.
struct Scratch {
    /// What one read takes at most.
    static constexpr std::size_t kRead = std::size_t{64} << 10;
    std::array<char, 2 * kRead> read{};  // bytes of a socket, behind what was kept of a head
    /// A head that is being written: a provider's fixed lines (LoadedPolicy) and what a request
    /// adds.
    std::array<char, std::size_t{24} << 10> head{};
    std::array<char, policy::kMaxEncodedRow> record{};  // a row that is being written down
    RequestHead request;
    AnswerHead answer;
    std::string events;  // what a stream's decoder gives
};

/// A core's thread: its reactor, its listeners, its connections, and what it needs so that a
/// request takes no lock. Everything here is used by that thread alone.
class Worker {
public:
    Worker(Process& process,
           std::size_t index,
           std::shared_ptr<const LoadedPolicy> policy,
           std::shared_ptr<metrics::AccessLog> access_log);
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// Serves `fd` from the moment that run() begins.
    void listen(int fd, bool is_unix);
    /// Returns when stop() was called and every connection has ended.
    void run() { reactor_.run(); }

    // From other threads:
    /// New exchanges follow this policy; those that run keep theirs.
    void adopt(std::shared_ptr<const LoadedPolicy> policy,
               std::shared_ptr<metrics::AccessLog> access_log);
    /// The keys of the record store have changed.
    void adopt_keys(std::shared_ptr<const policy::StoredKeys> keys);
    /// Tells the policy's webhook, if it has one.
    void send_alert(const policy::BudgetAlert& alert);
    /// Rows were stored: whoever waits for its own looks again.
    void note_commit();
    /// Stops accepting and closes connections that wait for a request.
    void drain();
    /// Ends everything that still runs, then run().
    void stop();
    const metrics::WorkerCounters& counters() const { return counters_; }

    // For the steps of an exchange:
    Process& process() { return process_; }
    const std::shared_ptr<PolicyView>& view() const { return view_; }
    const policy::Snapshot& snapshot() const { return view_->snapshot(); }
    Reactor& reactor() { return reactor_; }
    Scratch& scratch() { return *scratch_; }
    policy::KeyHasher& hasher() { return hasher_; }
    RequestIds& ids() { return ids_; }
    metrics::WorkerCounters& count() { return counters_; }
    const std::shared_ptr<const policy::StoredKeys>& stored_keys() const { return stored_keys_; }
    void note_use(const policy::Key& key, providers::WallTime now) { uses_[key.digest] = now; }

    // Limits, budgets and the ledger:
    Bookkeeping& bookkeeping() { return *process_.bookkeeping; }
    policy::MemoryLimits& limits() { return process_.limits; }
    SharedLimits* shared_limits() { return shared_limits_.get(); }
    policy::Journal::Writer* journal() { return journal_; }
    bool is_durable() const { return process_.is_durable && journal_ != nullptr; }
    /// Of the project's budget, spent plus reserved; 0 without one.
    double budget_used(const policy::Project& project, policy::Day day);
    void settle_limits(const policy::Subject& subject,
                       const policy::Settled& settled,
                       const Grant& grant) noexcept;
    void count_shadows(const policy::Project& project, const policy::Decision& decision);
    /// Writes down the row of an exchange that the journal does not know.
    void book_unopened(const policy::LedgerRow& row) noexcept;
    /// Access log and counters.
    void tell(const policy::LedgerRow& row, std::optional<policy::LimitKind> refused_by) noexcept;
    /// Wakes `flow` after each commit of rows, until it says that it no longer waits.
    void await_commit(Flow& flow) { commit_waiters_.insert(&flow); }
    void leave_commit(Flow& flow) { commit_waiters_.erase(&flow); }
    bool is_draining() const { return is_draining_; }
    /// The value of a Date field, made once a second.
    std::string_view date(providers::WallTime now);
    /// How long an answer to a wrong key from this address waits: grows to 50 ms.
    std::chrono::milliseconds wrong_key_delay(const std::string& peer);

    void join(ClientSession& session) { sessions_.insert(&session); }
    void leave(ClientSession& session) { sessions_.erase(&session); }

private:
    void flush_uses();
    void close_idle_sessions();
    void close_listeners();

    void refuse_connection(int fd);
    void sweep();
    void begin_active_probes();

    Process& process_;
    Reactor reactor_;
    std::unique_ptr<Scratch> scratch_ = std::make_unique<Scratch>();
    policy::KeyHasher hasher_;
    RequestIds ids_;
    metrics::WorkerCounters counters_;
    metrics::AccessBuffer access_;
    std::shared_ptr<PolicyView> view_;
    std::vector<std::unique_ptr<Listener>> listeners_;
    std::unordered_set<ClientSession*> sessions_;
    policy::Journal::Writer* journal_;
    RefusalFold refusals_;
    std::shared_ptr<const policy::StoredKeys> stored_keys_;
    std::unordered_map<policy::KeyDigest, providers::WallTime, policy::KeyDigestHash> uses_;
    std::unique_ptr<SharedLimits> shared_limits_;
    std::unordered_set<Flow*> commit_waiters_;
    std::unordered_map<std::string, int> wrong_keys_;
    Tick forget_wrong_keys_ = 0;
    Tick next_probes_ = 0;
    Tick next_uses_ = 0;
    Tick close_listeners_at_ = kNever;  // of a drain
    std::string date_;
    std::chrono::sys_seconds date_second_;
    bool is_draining_ = false;
    bool is_limits_end_told_ = false;
};

}  // namespace headgate::proxy
