#include "proxy/cli/serve_loop.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <system_error>

namespace headgate::proxy {
namespace {

using namespace std::chrono_literals;
using policy::LogLevel;
using policy::Problem;

/// Whoever writes a file writes again within this time, mostly: wait until it is quiet.
constexpr auto kQuiet = 100ms;
/// And no longer than this, whoever writes.
constexpr auto kLongestWait = 1s;
constexpr std::size_t kProblemsLogged = 20;

std::system_error failed(const char* call) {
    return {errno, std::generic_category(), call};
}

/// What its workers would do otherwise than before.
bool differs(const LoadedPolicy& a, const LoadedPolicy& b) {
    return !std::ranges::equal(a.wires, b.wires, [](const auto& x, const auto& y) {
        return x.head_lines == y.head_lines && x.trust == y.trust;
    });
}

}  // namespace

ServeLoop::ServeLoop(const sigset_t& signals,
                     Gateway& gateway,
                     PolicySource& source,
                     OperatorLog& log)
    : gateway_{gateway},
      source_{source},
      log_{log},
      signals_{::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC)},
      wakeup_{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)} {
    if (signals_ < 0 || wakeup_ < 0) {
        throw failed("signalfd, eventfd");
    }
    gateway_.on_end([this] { wake(); });
    gateway_.on_reload_request([this](Gateway::ReloadRequest request) {
        const std::scoped_lock lock{mutex_};
        requests_.push_back(std::move(request));
        wake();
    });
}

ServeLoop::~ServeLoop() {
    ::close(signals_);
    ::close(wakeup_);
}

void ServeLoop::wake() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wakeup_, &one, sizeof one);
}

void ServeLoop::run() {
    watch_files();
    for (;;) {
        const Events events = wait(read_at_);
        if (events.signal == SIGTERM || events.signal == SIGINT) {
            break;
        }
        if (events.signal == SIGUSR1) {
            gateway_.reopen_logs();
        }
        if (events.signal == SIGHUP) {
            reload();
        }
        if (events.is_woken) {
            take_requests();
        }
        if (events.has_changes) {
            note_change();
        }
        if (read_at_ && Clock::now() >= *read_at_) {
            read_changed_files();
        }
    }
    drain();
}

ServeLoop::Events ServeLoop::wait(std::optional<Clock::time_point> until) {
    std::array<pollfd, 3> ends{
        {{signals_, POLLIN, 0}, {wakeup_, POLLIN, 0}, {watch_.fd(), POLLIN, 0}}};
    int timeout = -1;
    if (until) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - Clock::now());
        timeout = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
    }
    Events events;
    if (::poll(ends.data(), ends.size(), timeout) <= 0) {
        return events;
    }
    signalfd_siginfo told{};
    if (ends[0].revents != 0 && ::read(signals_, &told, sizeof told) == sizeof told) {
        events.signal = static_cast<int>(told.ssi_signo);
    }
    std::uint64_t count = 0;
    events.is_woken = ends[1].revents != 0 && ::read(wakeup_, &count, sizeof count) > 0;
    events.has_changes = ends[2].revents != 0 && watch_.take_changes();
    return events;
}

void ServeLoop::take_requests() {
    std::vector<Gateway::ReloadRequest> requests;
    {
        const std::scoped_lock lock{mutex_};
        requests.swap(requests_);
    }
    if (requests.empty()) {
        return;
    }
    const ReloadOutcome outcome = reload();  // one answers all that asked before it began
    for (Gateway::ReloadRequest& request : requests) {
        request(outcome);
    }
}

void ServeLoop::note_change() {
    const auto now = Clock::now();
    changed_ = changed_.value_or(now);
    read_at_ = std::min(now + kQuiet, *changed_ + kLongestWait);
}

void ServeLoop::read_changed_files() {
    changed_.reset();
    read_at_.reset();
    const bool may_reload = gateway_.policy()->snapshot->watch;
    if (may_reload && (is_faulty_ || source_.has_changed()) && reload().is_loaded) {
        return;
    }
    // Also where the new policy is faulty: the one in use must not go on with an old token.
    refresh_credentials();
    watch_files();
}

ReloadOutcome ServeLoop::reload() {
    changed_.reset();
    read_at_.reset();
    const std::shared_ptr<const LoadedPolicy> before = gateway_.policy();
    const std::uint64_t generation = before->snapshot->generation;
    PolicySource::Loaded loaded = source_.load(generation + 1, before.get());
    ReloadOutcome outcome{loaded.policy != nullptr, generation, loaded.problems};
    if (loaded.policy) {
        outcome.generation = generation + 1;
        // First: whoever sees the new generation finds no warning of an old one.
        gateway_.note_reload(true);
        gateway_.note_refresh(true);
        gateway_.adopt(loaded.policy);
        log_.write(LogLevel::info, "policy reloaded: generation " + std::to_string(generation + 1));
        tell(loaded.problems, "policy: ");
    } else {
        log_.write(LogLevel::error, "the new policy is faulty: generation " +
                                        std::to_string(generation) + " stays in use");
        tell(loaded.problems, "new policy: ");
        gateway_.note_reload(false);
    }
    is_faulty_ = !loaded.policy;
    watch_files();
    return outcome;
}

void ServeLoop::tell(const std::vector<Problem>& problems, std::string_view what) {
    std::size_t told = 0;
    for (const Problem& problem : problems) {
        if (++told > kProblemsLogged) {
            log_.write(LogLevel::error, std::string{what} + "and " +
                                            std::to_string(problems.size() - kProblemsLogged) +
                                            " more problems; `headgate check` lists all");
            return;
        }
        const bool is_error = problem.severity == Problem::Severity::error;
        log_.write(is_error ? LogLevel::error : LogLevel::warn,
                   std::string{what} + problem.to_string());
    }
}

/// A token or a certificate authority was replaced, the policy stays as it is.
void ServeLoop::refresh_credentials() {
    const std::shared_ptr<const LoadedPolicy> active = gateway_.policy();
    PolicySource::Loaded refreshed = source_.refresh(*active);
    gateway_.note_refresh(refreshed.policy != nullptr);
    if (!refreshed.policy) {
        tell(refreshed.problems, "the one before stays in use: ");
    } else if (differs(*active, *refreshed.policy)) {
        gateway_.adopt(std::move(refreshed.policy));
        log_.write(LogLevel::info, "a provider's token or certificate authority was read anew");
    }
}

/// With `watch: false` the policy is left alone, but a token must be read when it is replaced.
void ServeLoop::watch_files() {
    std::vector<std::string> files = source_.credential_files();
    std::vector<std::string> directories;
    if (gateway_.policy()->snapshot->watch) {
        const policy::PolicySources& sources = source_.sources();
        files.insert(files.end(), sources.files.begin(), sources.files.end());
        directories = sources.directories;
    }
    watch_.watch(files, directories);
    // Between reading and watching.
    if ((gateway_.policy()->snapshot->watch && source_.has_changed()) ||
        source_.have_credentials_changed()) {
        note_change();
    }
}

void ServeLoop::drain() {
    const std::shared_ptr<const LoadedPolicy> active = gateway_.policy();
    const policy::Snapshot& snapshot = *active->snapshot;
    log_.write(LogLevel::info, "draining: no new connections, what runs is finished");
    const auto began = Clock::now();
    gateway_.begin_drain();
    wait_or_leave(began + snapshot.drain_delay);
    gateway_.stop_accepting();
    wait_or_leave(began + snapshot.drain_delay + snapshot.shutdown_grace);
    gateway_.stop_everything();
    gateway_.join();
    log_.write(LogLevel::info, "stopped");
}

/// Waits until then or until every worker has ended. A second TERM or INT ends the process.
void ServeLoop::wait_or_leave(Clock::time_point until) {
    while (gateway_.is_running() && Clock::now() < until) {
        const Events events = wait(until);
        if (events.signal == SIGTERM || events.signal == SIGINT) {
            ::_exit(1);
        }
        if (events.signal == SIGUSR1) {
            gateway_.reopen_logs();
        }
        const std::scoped_lock lock{mutex_};
        for (Gateway::ReloadRequest& request : std::exchange(requests_, {})) {
            request({false,
                     gateway_.policy()->snapshot->generation,
                     {{Problem::Severity::error, {}, 0, 0, "the process is draining", {}, {}}}});
        }
    }
}

}  // namespace headgate::proxy
