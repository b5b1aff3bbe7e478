#include "metrics/registry/metrics_registry.h"
#include "policy/config/loader.h"
#include "proxy/admin/admin_server.h"
#include "proxy/cli/commands.h"
#include "proxy/cli/operator_log.h"
#include "proxy/cli/version.h"
#include "proxy/pipeline/worker.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <ctime>
#include <thread>
#include <vector>

namespace headgate::proxy {
namespace {

using policy::LogLevel;
using namespace std::chrono_literals;

/// The signals that serve waits for; blocked in every thread, taken by the main one.
sigset_t block_signals() {
    ::signal(SIGPIPE, SIG_IGN);
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) {
        sigaddset(&set, signal);
    }
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    return set;
}

constexpr rlim_t kDescriptorRoom = 65536;

/// Every connection is a descriptor, twice.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
    // Where threads share the table of descriptors, the kernel grows it by waiting for every core:
    // tens of milliseconds in the middle of a burst. So it is grown once, before there are threads.
    const rlim_t room = std::min(limit.rlim_cur, kDescriptorRoom);
    const int highest = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, static_cast<int>(room) - 1);
    if (highest >= 0) {
        ::close(highest);
    }
}

std::unique_ptr<policy::Snapshot> load(const ServeOptions& options) {
    policy::LoadOptions how;
    how.needs_secrets = !options.rehearse;
    policy::LoadResult loaded = policy::load_policy(options.config, how);
    for (const policy::Problem& problem : loaded.problems) {
        std::fprintf(stderr, "%s\n", problem.to_string().c_str());
    }
    if (loaded.snapshot && options.rehearse) {
        for (auto& settings : loaded.snapshot->providers) {
            settings->is_simulated = settings->provider.kind != providers::ProviderKind::simulator;
            if (!settings->is_simulated) {
                continue;
            }
            settings->behaviour = policy::default_behaviour();
            settings->provider.base_url = policy::simulator_base_url();
        }
    }
    return std::move(loaded.snapshot);
}

/// The running gateway: its listeners, workers and admin server, from start to the end of a drain.
class Gateway {
public:
    Gateway(std::unique_ptr<const policy::Snapshot> snapshot,
            metrics::AccessLog& access_log,
            OperatorLog& log)
        : process_{std::move(snapshot), access_log}, log_{log}, metrics_{build_info()} {
        process_.log = [this](LogLevel level, std::string_view text) { log_.write(level, text); };
    }

    /// Binds everything and starts the threads. The error is one clear line.
    std::expected<void, std::string> start() {
        const policy::Snapshot& snapshot = *process_.snapshot;
        const std::size_t count = snapshot.workers != 0
                                      ? snapshot.workers
                                      : std::max(1U, std::thread::hardware_concurrency());
        for (std::size_t i = 0; i < count; ++i) {
            workers_.push_back(std::make_unique<Worker>(process_));
            metrics_.add_worker(workers_.back()->counters());
        }
        for (const policy::ListenAddress& address : snapshot.listen) {
            auto bound = bind_address(address, count);
            if (!bound) {
                return std::unexpected{bound.error()};
            }
            for (std::size_t i = 0; i < count; ++i) {
                workers_[i]->listen(bound->fds[i], bound->is_unix);
            }
            names_.push_back(bound->name);
        }
        if (snapshot.admin_listen) {
            AdminSources sources{[this] { return metrics_.render(); },
                                 [this] { return process_.is_draining.load(); },
                                 snapshot.generation};
            auto admin = AdminServer::start(*snapshot.admin_listen, std::move(sources));
            if (!admin) {
                return std::unexpected{admin.error()};
            }
            admin_ = std::move(*admin);
        }
        metrics_.set_policy_generation(snapshot.generation);
        running_ = count;
        for (auto& worker : workers_) {
            threads_.emplace_back([this, &worker] {
                worker->run();
                if (--running_ == 0) {
                    ::kill(::getpid(), SIGUSR2);
                }
            });
        }
        return {};
    }

    /// The one line on stdout that scripts wait for.
    void tell_ready() const {
        std::string line = R"({"event":"ready","listen":[)";
        for (const std::string& name : names_) {
            line += (line.back() == '[' ? "\"" : ",\"") + name + "\"";
        }
        line += R"(],"admin":[)" + (admin_ ? "\"" + admin_->address() + "\"" : std::string{}) +
                R"(],"version":")" + build_info().version + "\"}\n";
        std::fputs(line.c_str(), stdout);
        std::fflush(stdout);
    }

    void begin_drain() { process_.is_draining = true; }
    void stop_accepting() {
        for (auto& worker : workers_) {
            worker->drain();
        }
    }
    void stop_everything() {
        for (auto& worker : workers_) {
            worker->stop();
        }
    }
    bool is_running() const { return running_ != 0; }
    void join() {
        for (std::thread& thread : threads_) {
            thread.join();
        }
        process_.resolver.stop();
        for (const policy::ListenAddress& address : process_.snapshot->listen) {
            if (!address.unix_path.empty()) {
                ::unlink(address.unix_path.c_str());
            }
        }
    }

private:
    Process process_;
    OperatorLog& log_;
    metrics::MetricsRegistry metrics_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::vector<std::thread> threads_;
    std::vector<std::string> names_;
    std::unique_ptr<AdminServer> admin_;
    std::atomic<std::size_t> running_ = 0;
};

/// The next signal, at most until `deadline`; 0 when it has come.
int next_signal(const sigset_t& set, std::chrono::steady_clock::time_point deadline) {
    for (;;) {
        const auto left = deadline - std::chrono::steady_clock::now();
        if (left <= 0ns) {
            return 0;
        }
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
        const timespec wait{seconds.count(), std::chrono::nanoseconds{left - seconds}.count()};
        const int signal = ::sigtimedwait(&set, nullptr, &wait);
        if (signal > 0) {
            return signal;
        }
    }
}

/// Waits until `deadline` or until every worker has ended. A second TERM or INT ends the process.
void wait_or_leave(const sigset_t& set,
                   const Gateway& gateway,
                   std::chrono::steady_clock::time_point deadline) {
    while (gateway.is_running()) {
        const int signal = next_signal(set, deadline);
        if (signal == SIGTERM || signal == SIGINT) {
            ::_exit(1);
        }
        if (signal == 0) {
            return;
        }
    }
}

void run_until_drained(sigset_t set,
                       Gateway& gateway,
                       const policy::Snapshot& snapshot,
                       metrics::AccessLog& access_log,
                       OperatorLog& log) {
    for (;;) {
        int signal = 0;
        ::sigwait(&set, &signal);
        if (signal == SIGUSR1) {
            if (auto reopened = access_log.reopen(); !reopened) {
                log.write(LogLevel::error, reopened.error());
            }
        } else if (signal == SIGHUP) {
            log.write(LogLevel::warn,
                      "reloading the policy is not supported yet: restart to change it");
        } else if (signal != SIGUSR2) {
            break;
        }
    }
    log.write(LogLevel::info, "draining: no new connections, what runs is finished");
    const auto began = std::chrono::steady_clock::now();
    gateway.begin_drain();
    wait_or_leave(set, gateway, began + snapshot.drain_delay);
    gateway.stop_accepting();
    wait_or_leave(set, gateway, began + snapshot.drain_delay + snapshot.shutdown_grace);
    gateway.stop_everything();
    gateway.join();
    log.write(LogLevel::info, "stopped");
}

}  // namespace

int serve(const ServeOptions& options) {
    sigset_t signals = block_signals();
    sigaddset(&signals, SIGUSR2);  // a worker tells that it was the last
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    raise_descriptor_limit();
    auto snapshot = load(options);
    if (!snapshot) {
        return 1;
    }
    OperatorLog log{options.log_format};
    log.set_level(snapshot->log.level);
    auto access_log = metrics::AccessLog::open(snapshot->log.access);
    if (!access_log) {
        std::fprintf(stderr, "%s\n", access_log.error().c_str());
        return 1;
    }
    const policy::Snapshot& policy = *snapshot;
    try {
        Gateway gateway{std::move(snapshot), **access_log, log};
        if (auto started = gateway.start(); !started) {
            std::fprintf(stderr, "headgate: %s\n", started.error().c_str());
            ::_exit(1);  // threads may already run; nothing has been served
        }
        gateway.tell_ready();
        run_until_drained(signals, gateway, policy, **access_log, log);
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "headgate: cannot start: %s\n", failure.what());
        ::_exit(1);
    }
    return 0;
}

}  // namespace headgate::proxy
