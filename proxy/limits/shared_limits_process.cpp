#include "proxy/limits/shared_limits_process.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace headgate::proxy {
namespace {

std::string_view what_happens(policy::OnRedisFailure on_failure) {
    switch (on_failure) {
        case policy::OnRedisFailure::local:
            return "limits are local, a share of each; budgets give little";
        case policy::OnRedisFailure::open:
            return "everything is admitted";
        case policy::OnRedisFailure::closed:
            return "everything that has limits is refused";
    }
    return "";
}

}  // namespace

policy::RedisLimits::Settings SharedLimitsProcess::of_worker(std::size_t worker) const {
    return {.key_space = settings_.key_space,
            .shards_by_project = settings_.shards_by_project,
            .instance = settings_.instance,
            .worker = worker,
            .untold = untold_,
            .workers = settings_.workers,
            .has_records = settings_.has_records};
}

int SharedLimitsProcess::replicas() const {
    return std::max(1, settings_.replicas.value_or(seen_));
}

void SharedLimitsProcess::know_others(std::vector<policy::RedisLimits::OtherTotal> others) {
    const std::scoped_lock lock{others_mutex_};
    others_ = std::move(others);
}

std::vector<policy::RedisLimits::OtherTotal> SharedLimitsProcess::others() const {
    const std::scoped_lock lock{others_mutex_};
    return others_;
}

std::int64_t SharedLimitsProcess::spent_by_others(std::string_view project,
                                                  const policy::BudgetSpan& span) const {
    const std::scoped_lock lock{others_mutex_};
    std::int64_t sum = 0;
    for (const policy::RedisLimits::OtherTotal& other : others_) {
        const bool is_in = span.first <= other.day && (!span.end || other.day < *span.end);
        if (is_in && (project.empty() || other.project == project) &&
            __builtin_add_overflow(sum, other.spent.nanos(), &sum)) {
            return std::numeric_limits<std::int64_t>::max();
        }
    }
    return sum;
}

void SharedLimitsProcess::worker_is_away(bool was_up, std::string_view problem) {
    if (was_up) {
        --up_;
    }
    if (away_.fetch_add(1) == 0) {
        ++outage_;
        log(policy::LogLevel::error, "Redis is away (" + settings_.address.to_string() +
                                         "): " + std::string{problem} + "; " +
                                         std::string{what_happens(settings_.on_failure)});
    }
}

void SharedLimitsProcess::worker_is_up(bool was_away) {
    ++up_;
    if (was_away && away_.fetch_sub(1) == 1) {
        log(policy::LogLevel::info, "Redis is back (" + settings_.address.to_string() + ")");
    }
}

void SharedLimitsProcess::log(policy::LogLevel level, const std::string& text) const {
    if (settings_.log) {
        settings_.log(level, text);
    }
}

}  // namespace headgate::proxy
