#include "proxy/cli/commands.h"
#include "proxy/cli/gateway.h"
#include "proxy/cli/operator_log.h"
#include "proxy/cli/policy_source.h"
#include "proxy/cli/serve_loop.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

namespace headgate::proxy {
namespace {

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

}  // namespace

int serve(const ServeOptions& options) {
    const sigset_t signals = block_signals();
    raise_descriptor_limit();
    policy::Accounts accounts;
    PolicySource source{options.config, options.rehearse, accounts};
    PolicySource::Loaded loaded = source.load(1, nullptr);
    for (const policy::Problem& problem : loaded.problems) {
        std::fprintf(stderr, "%s\n", problem.to_string().c_str());
    }
    if (!loaded.policy) {
        return 1;
    }
    const policy::LogSettings& how = loaded.policy->snapshot->log;
    OperatorLog log{options.log_format};
    log.set_level(how.level);
    auto access_log = metrics::AccessLog::open(how.access);
    if (!access_log) {
        std::fprintf(stderr, "%s\n", access_log.error().c_str());
        return 1;
    }
    try {
        Gateway gateway{std::move(loaded.policy), accounts, std::move(*access_log), log};
        ServeLoop loop{signals, gateway, source, log};
        if (auto started = gateway.start(); !started) {
            std::fprintf(stderr, "headgate: %s\n", started.error().c_str());
            ::_exit(1);  // threads may already run; nothing has been served
        }
        gateway.tell_ready();
        try {
            loop.run();
        } catch (const std::exception& failure) {
            // Threads run: there is no orderly way back. The supervisor starts a new process.
            std::fprintf(stderr, "headgate: stopped by a failure: %s\n", failure.what());
            ::_exit(1);
        }
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "headgate: cannot start: %s\n", failure.what());
        ::_exit(1);
    }
    return 0;
}

}  // namespace headgate::proxy
