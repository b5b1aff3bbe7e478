#include "proxy/cli/gateway.h"

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

std::vector<std::string> names_of(const std::vector<policy::ListenAddress>& addresses) {
    std::vector<std::string> names;
    names.reserve(addresses.size());
    for (const policy::ListenAddress& address : addresses) {
        names.push_back(address.to_string());
    }
    return names;
}

bool is_same_state(const policy::StateSettings& a, const policy::StateSettings& b) {
    const auto redis = [](const policy::StateSettings& state) {
        return state.redis ? state.redis->to_string() : std::string{};
    };
    return a.directory == b.directory && redis(a) == redis(b) && a.records == b.records &&
           a.sqlite_path == b.sqlite_path && a.postgresql.reveal() == b.postgresql.reveal() &&
           a.retention == b.retention && a.durability == b.durability &&
           a.on_redis_failure == b.on_redis_failure && a.replicas == b.replicas &&
           a.key_space == b.key_space && a.shard_by == b.shard_by;
}

std::expected<std::vector<BoundAddress>, std::string> bind_all(const Snapshot& snapshot,
                                                               std::size_t workers) {
    const Sharing sharing = snapshot.listen_shared ? Sharing::shared : Sharing::alone;
    std::vector<BoundAddress> addresses;
    for (const policy::ListenAddress& address : snapshot.listen) {
        auto bound = bind_address(address, workers, sharing);
        if (!bound) {
            return std::unexpected{bound.error()};
        }
        addresses.push_back(std::move(*bound));
    }
    return addresses;
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
    if (!is_same_state(before.state, now.state)) {
        settings.emplace_back("state");
    }
    if (before.listen_shared != now.listen_shared) {
        settings.emplace_back("listen_shared");
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
                 policy::Accounts& accounts,
                 std::shared_ptr<metrics::AccessLog> access_log,
                 OperatorLog& log)
    : accounts_{accounts},
      log_{log},
      metrics_{build_info()},
      policy_{std::move(policy)},
      started_with_{policy_->snapshot},
      access_log_{std::move(access_log)} {
    access_path_ = started_with_->log.access;
    process_.log = [this](LogLevel level, std::string_view text) { log_.write(level, text); };
    const policy::Protect& protect = started_with_->protect;
    process_.connections.set_limits(protect.max_connections, protect.max_connections_per_ip);
    metrics_.set_money({
        .limits = [this] { return reports().limit_gauges(*this->policy()); },
        .budgets = [this] { return reports().budget_gauges(*this->policy()); },
        .stores = [this] { return reports().stores(); },
        .records = [this] { return reports().records(); },
        .rare = &process_.rare,
        .times = &process_.store_times,
    });
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
    std::expected<std::vector<BoundAddress>, std::string> addresses;
    const auto bind = [&]() -> std::expected<void, std::string> {
        addresses = bind_all(snapshot, count);
        return addresses ? std::expected<void, std::string>{} : std::unexpected{addresses.error()};
    };
    const auto open = [&] { return open_books(count); };
    // A port that is in use is told before anything is written. What is shared, though, gets
    // connections at once, and would reset them if the start failed behind it.
    const bool is_shared = snapshot.listen_shared;
    std::expected<void, std::string> ready = is_shared ? open() : bind();
    if (ready) {
        ready = is_shared ? bind() : open();
    }
    if (!ready) {
        return ready;
    }
    std::vector<std::unique_ptr<Worker>> workers;
    for (std::size_t i = 0; i < count; ++i) {
        workers.push_back(std::make_unique<Worker>(process_, i, policy_, access_log_));
        metrics_.add_worker(workers.back()->counters());
        for (const BoundAddress& bound : *addresses) {
            workers.back()->listen(bound.fds[i], bound.is_unix);
        }
    }
    {
        const std::scoped_lock lock{workers_mutex_};
        workers_ = std::move(workers);
    }
    tell_keys();  // what changed while they were made
    for (const BoundAddress& bound : *addresses) {
        names_.push_back(bound.name);
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
    if (process_.shared_limits) {
        process_.shared_limits->ask_for_report();  // a scope may have got its first budget
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
    std::vector<std::unique_ptr<Worker>> ended;
    {
        const std::scoped_lock lock{workers_mutex_};
        ended.swap(workers_);
    }
    ended.clear();
    process_.resolver.stop();
    for (const policy::ListenAddress& address : started_with_->listen) {
        if (!address.unix_path.empty() && !started_with_->listen_shared) {
            ::unlink(address.unix_path.c_str());
        }
    }
}

}  // namespace headgate::proxy
