#pragma once

#include "proxy/cli/gateway.h"
#include "proxy/cli/operator_log.h"
#include "proxy/cli/policy_source.h"
#include "proxy/net/file_watch.h"

#include <chrono>
#include <csignal>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::proxy {

/// The main thread while the gateway runs: waits for signals, changed files and the admin API's
/// requests, reloads the policy, and at the end drains. Reloads happen here and nowhere else, one
/// after another.
class ServeLoop {
public:
    /// `signals` are blocked in every thread. All else must outlive it.
    ServeLoop(const sigset_t& signals, Gateway& gateway, PolicySource& source, OperatorLog& log);
    ~ServeLoop();
    ServeLoop(const ServeLoop&) = delete;
    ServeLoop& operator=(const ServeLoop&) = delete;

    /// Returns when a signal asked for the end and everything has drained or was stopped.
    void run();

private:
    using Clock = std::chrono::steady_clock;

    /// What came; several may be set.
    struct Events {
        int signal = 0;
        bool is_woken = false;
        bool has_changes = false;
    };
    Events wait(std::optional<Clock::time_point> until);
    void wake();

    ReloadOutcome reload();
    void take_requests();
    void note_change();
    void read_changed_files();
    void refresh_credentials();
    void watch_files();
    void tell(const std::vector<policy::Problem>& problems, std::string_view what);
    void drain();
    void wait_or_leave(Clock::time_point until);

    Gateway& gateway_;
    PolicySource& source_;
    OperatorLog& log_;
    FileWatch watch_;
    int signals_ = -1;
    int wakeup_ = -1;
    std::optional<Clock::time_point> changed_;  // the first change that is not read yet
    std::optional<Clock::time_point> read_at_;  // when the files have been quiet for long enough
    bool is_faulty_ = false;  // the files as they are now: every change of one is worth a try
    std::mutex mutex_;
    std::vector<Gateway::ReloadRequest> requests_;
};

}  // namespace headgate::proxy
