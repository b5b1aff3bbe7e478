#include "proxy/cli/gateway.h"

#include "policy/config/show.h"
#include "policy/explain/explain.h"
#include "policy/explain/quiet_healths.h"
#include "providers/catalog/catalog.h"
#include "proxy/cli/admin_records.h"
#include "proxy/cli/version.h"
#include "proxy/limits/redis_check.h"

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

constexpr std::chrono::seconds kRedisStartTime{2};

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
    // A port that is in use is told before anything is written. What is shared, though, gets
    // connections at once, and would reset them if the start failed behind it.
    const bool is_shared = snapshot.listen_shared;
    std::expected<std::vector<BoundAddress>, std::string> addresses;
    if (!is_shared) {
        addresses = bind_all(snapshot, count);
    }
    if (auto opened = addresses ? open_books(count) : std::unexpected{addresses.error()}; !opened) {
        return opened;
    }
    if (is_shared) {
        addresses = bind_all(snapshot, count);
    }
    if (!addresses) {
        return std::unexpected{addresses.error()};
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

/// The journal, the record store, and what they know of earlier processes.
std::expected<void, std::string> Gateway::open_books(std::size_t workers) {
    const policy::StateSettings& state = started_with_->state;
    process_.is_durable = state.durability == policy::Durability::durable;
    process_.workers = workers;
    auto books = Bookkeeping::open({
        .state = state,
        .accounts = accounts_,
        .workers = workers,
        .log = process_.log,
        .expired =
            [this](std::string_view project) {
                process_.rare.add(metrics::RareCounters::What::expired, project);
            },
        .alert = [this](const policy::BudgetAlert& alert) { tell_alert(alert); },
        .sums_known = [this] { tell_sums(); },
        .committed =
            [this] {
                if (process_.is_durable) {
                    const std::scoped_lock lock{workers_mutex_};
                    for (auto& worker : workers_) {
                        worker->note_commit();
                    }
                }
            },
    });
    if (!books) {
        return std::unexpected{books.error()};
    }
    process_.bookkeeping = std::move(*books);
    process_.bookkeeping->on_keys([this] { tell_keys(); });
    if (auto started = process_.bookkeeping->start(); !started) {
        return started;
    }
    return state.redis ? join_redis(workers) : std::expected<void, std::string>{};
}

/// Limits that processes share. A Redis that is away is no reason not to start: the policy says
/// what happens meanwhile.
std::expected<void, std::string> Gateway::join_redis(std::size_t workers) {
    const policy::StateSettings& state = started_with_->state;
    auto trust = redis_trust(*state.redis);
    if (!trust) {
        return std::unexpected{"state.limits: " + trust.error()};
    }
    const auto checked = check_redis(*state.redis, kRedisStartTime, *trust);
    if (!checked) {
        return std::unexpected{"state.limits: " + checked.error()};
    }
    if (!checked->warning.empty()) {
        log_.write(LogLevel::warn, "state.limits: " + checked->warning);
    }
    Bookkeeping& books = *process_.bookkeeping;
    auto shared = std::make_unique<SharedLimitsProcess>(
        SharedLimitsProcess::Settings{
            .address = *state.redis,
            .trust = std::move(*trust),
            .key_space = state.key_space,
            .shards_by_project = state.shard_by == policy::ShardBy::project,
            .instance = std::string{books.instance()},
            .workers = workers,
            .has_records = books.has_records(),
            .on_failure = state.on_redis_failure,
            .replicas = state.replicas,
            .log = process_.log,
            .tell = [&books](const policy::BudgetAlert& alert) { books.tell(alert); },
        },
        accounts_, process_.resolver);
    {
        const std::scoped_lock lock{workers_mutex_};
        process_.shared_limits = std::move(shared);
    }
    shared_reader_ = std::make_unique<SharedReader>(*process_.shared_limits);
    tell_sums();
    return {};
}

/// What other journals of the same records have spent, for a Redis that has lost it. Also on the
/// writer's thread: a record store may come later than Redis.
void Gateway::tell_sums() {
    const std::scoped_lock lock{workers_mutex_};
    if (!process_.shared_limits || !process_.bookkeeping->knows_sums()) {
        return;
    }
    std::vector<policy::RedisLimits::OtherTotal> others;
    for (const policy::DaySum& sum : process_.bookkeeping->other_sums()) {
        others.push_back({sum.instance, sum.project, sum.day, sum.spent});
    }
    process_.shared_limits->know_others(std::move(others));
    process_.shared_limits->know_sums();
}

/// On any thread, like the alerts: the workers come after the books and go before them.
void Gateway::tell_keys() {
    const std::scoped_lock lock{workers_mutex_};
    for (auto& worker : workers_) {
        worker->adopt_keys(process_.bookkeeping->keys());
    }
}

MoneyReports Gateway::reports() const {
    return MoneyReports{process_, shared_reader_.get()};
}

void Gateway::tell_alert(const policy::BudgetAlert& alert) {
    const std::string whose =
        alert.project.empty() ? "the organization" : "project " + alert.project;
    process_.rare.add(metrics::RareCounters::What::alerts, alert.project,
                      std::to_string(alert.threshold) + "%");
    log_.write(LogLevel::warn,
               "the budget of " + whose + " has passed " + std::to_string(alert.threshold) +
                   " %: $" + alert.spent.to_string() + " spent and $" + alert.reserved.to_string() +
                   " reserved of $" + alert.limit.to_string());
    const std::scoped_lock lock{workers_mutex_};
    if (!workers_.empty()) {
        workers_.front()->send_alert(alert);
    }
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
    sources.projects = [this] { return reports().projects(*policy()); };
    sources.budget = [this](std::string_view id) { return reports().budget(*policy(), id); };
    sources.limits = [this](std::string_view id) { return reports().limits(*policy(), id); };
    auto records = std::make_shared<AdminRecords>(started_with_->state);
    sources.ledger = [records](const policy::LedgerQuery& query) { return records->page(query); };
    sources.ledger_row = [records](std::string_view id) { return records->row(id); };
    sources.audit = [this](std::string_view actor, std::string_view action) {
        policy::AuditEntry entry{
            std::chrono::system_clock::now(), std::string{actor}, std::string{action}, {}};
        process_.bookkeeping->post([this, entry](policy::RecordStore* store) {
            if (store == nullptr || !store->add_audit(entry)) {
                log_.write(LogLevel::warn,
                           "the audit has no entry for: " + entry.actor + " " + entry.action);
            }
        });
    };
    sources.log_error = [this](std::string_view text) { log_.write(LogLevel::error, text); };
    sources.reload = [this](ReloadRequest request) { ask_reload_(std::move(request)); };
    return sources;
}

/// A store that is away but bridged is a warning; where its absence refuses requests, a reason.
void Gateway::add_stores(const LoadedPolicy& policy, Readiness& now) const {
    const Bookkeeping& books = *process_.bookkeeping;
    if (!books.knows_sums()) {
        const bool has_budget =
            policy.limits.organization().budget != nullptr ||
            std::ranges::any_of(policy.limits.projects(),
                                [](const auto& rules) { return rules->budget != nullptr; });
        (has_budget ? now.reasons : now.warnings)
            .emplace_back(
                "the record store has been away since the start: what was spent is not "
                "known");
    } else if (books.has_records() && !books.figures().is_up) {
        now.warnings.emplace_back("the record store is away: rows wait in the journal");
    }
    if (process_.shared_limits && !process_.shared_limits->is_up()) {
        const bool refuses =
            policy.snapshot->state.on_redis_failure == policy::OnRedisFailure::closed;
        (refuses ? now.reasons : now.warnings).emplace_back("redis is away");
    }
}

Readiness Gateway::readiness() const {
    Readiness now;
    if (process_.is_draining) {
        now.reasons.emplace_back("draining");
    }
    const std::shared_ptr<const LoadedPolicy> active = policy();
    now.generation = active->snapshot->generation;
    add_stores(*active, now);
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
    const auto time = std::chrono::system_clock::now();
    const auto used_now = [this, today = policy::day_of(time)](const policy::ScopeRules& scope) {
        const policy::BudgetSpan span = policy::span_of(*scope.budget, today);
        if (process_.shared_limits) {  // as Redis told it last, what is reserved included
            const std::int64_t used =
                process_.shared_limits->budgets().of(scope.id).used(span.first);
            return policy::SpentReserved{
                .spent = providers::Money::nanos(std::max<std::int64_t>(0, used)), .reserved = {}};
        }
        const std::scoped_lock lock{scope.account->mutex()};
        return scope.account->sum(span);
    };
    LiveHealths healths{process_.healths};
    return policy::explain({.router = active->router,
                            .healths = healths,
                            .limits = active->limits,
                            .now = std::chrono::steady_clock::now(),
                            .time = time,
                            .used = used_now,
                            .knows_sums = process_.bookkeeping->knows_sums()},
                           question);
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
