#include "proxy/cli/gateway.h"

#include "policy/config/show.h"
#include "policy/explain/explain.h"
#include "proxy/cli/version.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>

namespace headgate::proxy {
namespace {

using policy::LogLevel;
using policy::Snapshot;

/// The health of the targets that serve, for explaining: nothing of it is changed.
class LiveHealths final : public policy::TargetHealths {
public:
    explicit LiveHealths(policy::HealthTable& table) : table_{table} {}

    policy::TargetHealth& of(const providers::Provider& provider, std::string_view model) override {
        held_.push_back(table_.of(provider.name, model));
        return *held_.back();
    }

private:
    policy::HealthTable& table_;
    std::vector<std::shared_ptr<policy::TargetHealth>> held_;
};

std::vector<std::string> names_of(const std::vector<policy::ListenAddress>& addresses) {
    std::vector<std::string> names;
    names.reserve(addresses.size());
    for (const policy::ListenAddress& address : addresses) {
        names.push_back(address.to_string());
    }
    return names;
}

/// Settings that a reload leaves as they were at the start.
std::vector<std::string_view> needing_restart(const Snapshot& before, const Snapshot& now) {
    std::vector<std::string_view> settings;
    if (names_of(before.listen) != names_of(now.listen)) {
        settings.emplace_back("listen");
    }
    if (before.workers != now.workers) {
        settings.emplace_back("workers");
    }
    const auto admin = [](const Snapshot& snapshot) {
        return snapshot.admin_listen ? snapshot.admin_listen->to_string() : std::string{};
    };
    if (admin(before) != admin(now)) {
        settings.emplace_back("admin.listen");
    }
    return settings;
}

}  // namespace

Gateway::Gateway(std::shared_ptr<const LoadedPolicy> policy,
                 std::shared_ptr<metrics::AccessLog> access_log,
                 OperatorLog& log)
    : log_{log},
      metrics_{build_info()},
      policy_{std::move(policy)},
      started_with_{policy_->snapshot},
      access_log_{std::move(access_log)} {
    process_.log = [this](LogLevel level, std::string_view text) { log_.write(level, text); };
    const policy::Protect& protect = started_with_->protect;
    process_.connections.set_limits(protect.max_connections, protect.max_connections_per_ip);
    metrics_.set_targets(
        [this] { return process_.healths.report(std::chrono::steady_clock::now()); });
}

std::expected<void, std::string> Gateway::start() {
    const Snapshot& snapshot = *started_with_;
    const std::size_t count = snapshot.workers != 0
                                  ? snapshot.workers
                                  : std::max(1U, std::thread::hardware_concurrency());
    for (std::size_t i = 0; i < count; ++i) {
        workers_.push_back(std::make_unique<Worker>(process_, policy_, access_log_));
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
    metrics_.set_policy_generation(snapshot.generation);
    if (snapshot.admin_listen) {
        auto admin = AdminServer::start(*snapshot.admin_listen, admin_sources());
        if (!admin) {
            return std::unexpected{admin.error()};
        }
        admin_ = std::move(*admin);
    }
    running_ = count;
    for (auto& worker : workers_) {
        threads_.emplace_back([this, &worker] {
            worker->run();
            if (--running_ == 0) {
                tell_end_();
            }
        });
    }
    return {};
}

void Gateway::tell_ready() const {
    std::string line = R"({"event":"ready","listen":[)";
    for (const std::string& name : names_) {
        line += (line.back() == '[' ? "\"" : ",\"") + name + "\"";
    }
    line += R"(],"admin":[)" + (admin_ ? "\"" + admin_->address() + "\"" : std::string{}) +
            R"(],"version":")" + build_info().version + "\"}\n";
    std::fputs(line.c_str(), stdout);
    std::fflush(stdout);
}

AdminSources Gateway::admin_sources() {
    AdminSources sources;
    sources.metrics = [this] { return metrics_.render(); };
    sources.readiness = [this] { return readiness(); };
    sources.admin_keys = [this] { return policy()->snapshot->admin_keys; };
    sources.targets = [this](providers::SteadyTime now) { return process_.healths.report(now); };
    sources.explain = [this](const policy::Question& question) { return explain(question); };
    sources.policy_json = [this] { return policy::show_policy_json(*policy()->tree); };
    sources.reload = [this](ReloadRequest request) { ask_reload_(std::move(request)); };
    return sources;
}

Readiness Gateway::readiness() const {
    Readiness now;
    if (process_.is_draining) {
        now.reasons.emplace_back("draining");
    }
    const std::scoped_lock lock{mutex_};
    now.generation = policy_->snapshot->generation;
    if (!reload_problem_.empty()) {
        now.warnings.push_back("the latest policy was not taken into use: " + reload_problem_);
    }
    return now;
}

std::expected<policy::Explanation, providers::ApiError> Gateway::explain(
    const policy::Question& question) {
    const std::shared_ptr<const LoadedPolicy> active = policy();
    const bool is_known = std::ranges::any_of(active->snapshot->projects, [&](const auto& project) {
        return project->id == question.project;
    });
    if (!is_known) {
        return std::unexpected{providers::ApiError{providers::ErrorCode::invalid_request,
                                                   "The policy has no such project.",
                                                   "project",
                                                   {}}};
    }
    LiveHealths healths{process_.healths};
    return policy::explain(active->router, healths, question, std::chrono::steady_clock::now());
}

std::shared_ptr<const LoadedPolicy> Gateway::policy() const {
    const std::scoped_lock lock{mutex_};
    return policy_;
}

std::shared_ptr<metrics::AccessLog> Gateway::access_log_for(const Snapshot& snapshot) {
    if (snapshot.log.access == policy()->snapshot->log.access) {
        return access_log_;
    }
    auto opened = metrics::AccessLog::open(snapshot.log.access);
    if (!opened) {
        log_.write(LogLevel::error, opened.error() + "; the log before stays in use");
        return access_log_;
    }
    return std::move(*opened);
}

void Gateway::adopt(std::shared_ptr<const LoadedPolicy> policy) {
    const Snapshot& snapshot = *policy->snapshot;
    for (const std::string_view setting : needing_restart(*started_with_, snapshot)) {
        log_.write(LogLevel::warn, "\"" + std::string{setting} +
                                       "\" has changed: it takes effect at the next start");
    }
    access_log_ = access_log_for(snapshot);
    log_.set_level(snapshot.log.level);
    process_.connections.set_limits(snapshot.protect.max_connections,
                                    snapshot.protect.max_connections_per_ip);
    std::set<std::string, std::less<>> names;
    for (const auto& settings : snapshot.providers) {
        names.insert(settings->provider.name);
    }
    {
        const std::scoped_lock lock{mutex_};
        policy_ = policy;
        reload_problem_.clear();
    }
    for (auto& worker : workers_) {
        worker->adopt(policy, access_log_);
    }
    process_.healths.keep_only(names);
    metrics_.set_policy_generation(snapshot.generation);
}

void Gateway::note_failed_reload(std::string why) {
    metrics_.count_reload_failure();
    const std::scoped_lock lock{mutex_};
    reload_problem_ = std::move(why);
}

void Gateway::reopen_logs() {
    if (auto reopened = access_log_->reopen(); !reopened) {
        log_.write(LogLevel::error, reopened.error());
    }
}

void Gateway::stop_accepting() {
    for (auto& worker : workers_) {
        worker->drain();
    }
}

void Gateway::stop_everything() {
    for (auto& worker : workers_) {
        worker->stop();
    }
}

void Gateway::join() {
    for (std::thread& thread : threads_) {
        thread.join();
    }
    process_.resolver.stop();
    for (const policy::ListenAddress& address : started_with_->listen) {
        if (!address.unix_path.empty()) {
            ::unlink(address.unix_path.c_str());
        }
    }
}

}  // namespace headgate::proxy
