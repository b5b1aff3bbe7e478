#pragma once

#include "metrics/access_log/access_log.h"
#include "metrics/registry/metrics_registry.h"
#include "proxy/admin/admin_server.h"
#include "proxy/admin/admin_sources.h"
#include "proxy/cli/money_reports.h"
#include "proxy/cli/operator_log.h"
#include "proxy/limits/shared_reader.h"
#include "proxy/pipeline/worker.h"

#include <atomic>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace headgate::proxy {

/// The running gateway: its listeners, workers and admin server, from start to the end of a drain.
/// The thread that made it calls everything that is not marked thread-safe.
class Gateway {
public:
    using ReloadRequest = std::move_only_function<void(ReloadOutcome)>;

    /// `accounts` are those that the policy's limits count in.
    Gateway(std::shared_ptr<const LoadedPolicy> policy,
            policy::Accounts& accounts,
            std::shared_ptr<metrics::AccessLog> access_log,
            OperatorLog& log);

    /// Called where the admin API asks for a reload, and where the last worker has ended; on other
    /// threads. Set before start().
    void on_reload_request(std::function<void(ReloadRequest)> act) { ask_reload_ = std::move(act); }
    void on_end(std::function<void()> act) { tell_end_ = std::move(act); }

    /// Binds everything and starts the threads. The error is one clear line.
    std::expected<void, std::string> start();

    /// The one line on stdout that scripts wait for.
    void tell_ready() const;

    /// New exchanges follow this policy. Says in the log what of it needs a restart.
    void adopt(std::shared_ptr<const LoadedPolicy> policy);
    /// Readiness warns from a reload, or a refresh of tokens, that failed until one is well again.
    void note_reload(bool is_well);
    void note_refresh(bool is_well);

    /// Thread-safe.
    std::shared_ptr<const LoadedPolicy> policy() const;
    /// After a file was moved away.
    void reopen_logs();

    void begin_drain() { process_.is_draining = true; }
    void stop_accepting();
    void stop_everything();
    bool is_running() const { return running_ != 0; }
    void join();

private:
    std::expected<void, std::string> open_books(std::size_t workers);
    std::expected<void, std::string> join_redis(std::size_t workers);
    void tell_keys();
    void tell_sums();
    void tell_others();
    void tell_alert(const policy::BudgetAlert& alert);
    MoneyReports reports() const;
    AdminSources admin_sources();
    Readiness readiness() const;
    void add_stores(const LoadedPolicy& policy, Readiness& now) const;
    std::expected<policy::Explanation, providers::ApiError> explain(
        const policy::Question& question);
    std::shared_ptr<metrics::AccessLog> access_log_for(const policy::Snapshot& snapshot);

    policy::Accounts& accounts_;
    Process process_;
    std::unique_ptr<SharedReader> shared_reader_;  // null: limits live in this process
    OperatorLog& log_;
    metrics::MetricsRegistry metrics_;
    mutable std::mutex mutex_;  // of the next, which the admin thread reads
    std::shared_ptr<const LoadedPolicy> policy_;
    std::atomic<bool> has_faulty_policy_ = false;
    std::atomic<bool> has_faulty_credential_ = false;
    std::shared_ptr<const policy::Snapshot> started_with_;  // what needs a restart is as it says
    std::shared_ptr<metrics::AccessLog> access_log_;
    std::string access_path_;  // of access_log_, as the policy spells it
    std::function<void(ReloadRequest)> ask_reload_;
    std::function<void()> tell_end_;
    std::mutex workers_mutex_;  // of the next, for other threads than the one that made it
    std::vector<std::unique_ptr<Worker>> workers_;
    std::vector<std::thread> threads_;
    std::vector<std::string> names_;
    std::unique_ptr<AdminServer> admin_;
    std::atomic<std::size_t> running_ = 0;
};

}  // namespace headgate::proxy
