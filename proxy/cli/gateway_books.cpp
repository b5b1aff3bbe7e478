// Where the gateway's money is written down, and what its books tell it.
#include "proxy/cli/gateway.h"
#include "proxy/limits/redis_check.h"

namespace headgate::proxy {
namespace {

using policy::LogLevel;

constexpr std::chrono::seconds kRedisStartTime{2};

}  // namespace

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
        .others_known = [this] { tell_others(); },
        .stored =
            [this](std::chrono::nanoseconds took) {
                process_.store_times.observe(metrics::StoreOperation::records_append, took);
            },
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

/// What is known of spent money is whole, for a Redis that has lost it. Also on the writer's
/// thread: a record store may come later than Redis.
void Gateway::tell_sums() {
    tell_others();
    const std::scoped_lock lock{workers_mutex_};
    if (process_.shared_limits && process_.bookkeeping->knows_sums()) {
        process_.shared_limits->know_sums();
    }
}

/// What other journals of the same records have spent.
void Gateway::tell_others() {
    const std::scoped_lock lock{workers_mutex_};
    if (!process_.shared_limits || !process_.bookkeeping->knows_sums()) {
        return;
    }
    std::vector<policy::RedisLimits::OtherTotal> others;
    for (const policy::DaySum& sum : process_.bookkeeping->other_sums()) {
        others.push_back({sum.instance, sum.project, sum.day, sum.spent});
    }
    process_.shared_limits->know_others(std::move(others));
}

/// On any thread, like the alerts: the workers come after the books and go before them.
void Gateway::tell_keys() {
    const std::scoped_lock lock{workers_mutex_};
    for (auto& worker : workers_) {
        worker->adopt_keys(process_.bookkeeping->keys());
    }
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

}  // namespace headgate::proxy
