#include "proxy/cli/gateway.h"

#include "policy/config/show.h"
#include "policy/explain/explain.h"
#include "policy/explain/quiet_healths.h"
#include "providers/catalog/catalog.h"
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
        std::shared_ptr<policy::TargetHealth> known = table_.find(provider.name, model);
        if (!known) {
            return quiet_.of(provider, model);
        }
        held_.push_back(std::move(known));
        return *held_.back();
    }

private:
    policy::HealthTable& table_;
    policy::QuietHealths quiet_;  // of targets that nobody has asked yet
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

/// Providers that are asked with another credential or other headers than before: what made them
/// rest may be over.
std::vector<std::string> mended(const LoadedPolicy& before, const LoadedPolicy& now) {
    std::vector<std::string> names;
    for (const ProviderWire& wire : now.wires) {
        const std::string& name = wire.settings->provider.name;
        const auto same = std::ranges::find_if(before.wires, [&](const ProviderWire& other) {
            return other.settings->provider.name == name;
        });
        if (same != before.wires.end() && same->head_lines != wire.head_lines) {
            names.push_back(name);
        }
    }
    return names;
}

/// Whether somebody else than a client has named the model.
bool is_known(const Snapshot& snapshot, std::string_view provider, std::string_view model) {
    const auto is_of = [provider](const providers::Provider& other) {
        return other.name == provider;
    };
    const auto all = providers::catalog_models();
    return std::ranges::binary_search(all, model, {}, &providers::Model::id) ||
           std::ranges::any_of(
               snapshot.providers,
               [&](const auto& settings) {
                   const providers::Provider& known = settings->provider;
                   return is_of(known) &&
                          (std::ranges::find(known.models, model) != known.models.end() ||
                           std::ranges::find(known.deployments, model,
                                             &providers::Deployment::model) !=
                               known.deployments.end());
               }) ||
           std::ranges::any_of(snapshot.routes, [&](const auto& route) {
               return std::ranges::any_of(route->targets, [&](const policy::RouteTarget& target) {
                   return is_of(*target.provider) && target.model == model;
               });
           });
}

/// A label of a metric must not be a client's invention: all such models of a provider are `other`,
/// as bad as the worst of them.
std::vector<policy::TargetHealth::Report> with_known_models(
    std::vector<policy::TargetHealth::Report> reports, const Snapshot& snapshot) {
    std::vector<policy::TargetHealth::Report> known;
    for (policy::TargetHealth::Report& report : reports) {
        if (is_known(snapshot, report.provider, report.model)) {
            known.push_back(std::move(report));
            continue;
        }
        report.model = "other";
        const auto same = std::ranges::find_if(known, [&](const auto& other) {
            return other.provider == report.provider && other.model == report.model;
        });
        if (same == known.end()) {
            known.push_back(std::move(report));
            continue;
        }
        if (same->breaker == policy::Breaker::State::closed) {
            same->breaker = report.breaker;
        }
        same->benched = same->benched ? same->benched : report.benched;
    }
    return known;
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
    access_path_ = started_with_->log.access;
    process_.log = [this](LogLevel level, std::string_view text) { log_.write(level, text); };
    const policy::Protect& protect = started_with_->protect;
    process_.connections.set_limits(protect.max_connections, protect.max_connections_per_ip);
    metrics_.set_targets([this] {
        const std::shared_ptr<const LoadedPolicy> active = this->policy();
        return with_known_models(process_.healths.report(std::chrono::steady_clock::now()),
                                 *active->snapshot);
    });
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
    sources.log_error = [this](std::string_view text) { log_.write(LogLevel::error, text); };
    sources.reload = [this](ReloadRequest request) { ask_reload_(std::move(request)); };
    return sources;
}

Readiness Gateway::readiness() const {
    Readiness now;
    if (process_.is_draining) {
        now.reasons.emplace_back("draining");
    }
    now.generation = policy()->snapshot->generation;
    // Readiness needs no key: it tells that there is a problem, the log tells which.
    if (has_faulty_policy_) {
        now.warnings.emplace_back("the latest policy is faulty and not in use: see the log");
    }
    if (has_faulty_credential_) {
        now.warnings.emplace_back("a token or CA file could not be read anew: see the log");
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
    if (snapshot.log.access == access_path_) {
        return access_log_;
    }
    auto opened = metrics::AccessLog::open(snapshot.log.access);
    if (!opened) {
        log_.write(LogLevel::error, opened.error() + "; the log before stays in use");
        return access_log_;
    }
    access_path_ = snapshot.log.access;
    return std::move(*opened);
}

void Gateway::adopt(std::shared_ptr<const LoadedPolicy> policy) {
    const Snapshot& snapshot = *policy->snapshot;
    const std::shared_ptr<const LoadedPolicy> before = this->policy();
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
    }
    for (auto& worker : workers_) {
        worker->adopt(policy, access_log_);
    }
    process_.healths.keep_only(names);
    for (const std::string& provider : mended(*before, *policy)) {
        process_.healths.forgive(provider);
    }
    metrics_.set_policy_generation(snapshot.generation);
}

void Gateway::note_reload(bool is_well) {
    if (!is_well) {
        metrics_.count_reload_failure();
    }
    has_faulty_policy_ = !is_well;
}

void Gateway::note_refresh(bool is_well) {
    has_faulty_credential_ = !is_well;
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
    // While all that it asks still lives.
    admin_.reset();
    process_.resolver.stop();
    for (const policy::ListenAddress& address : started_with_->listen) {
        if (!address.unix_path.empty()) {
            ::unlink(address.unix_path.c_str());
        }
    }
}

}  // namespace headgate::proxy
