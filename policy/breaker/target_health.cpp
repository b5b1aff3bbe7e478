#include "policy/breaker/target_health.h"

#include <algorithm>
#include <utility>

namespace headgate::policy {
namespace {

using namespace std::chrono_literals;
using providers::SteadyTime;
using std::chrono::milliseconds;

constexpr milliseconds kCredentialRest = 60s;  // auth and quota
constexpr milliseconds kFirstLimitRest = 1s;
constexpr milliseconds kMostLimitRest = 10s;
constexpr milliseconds kMostRetryAfter = 10min;
constexpr milliseconds kMostDailyRest = 24h;
constexpr int kMostDoublings = 4;  // 16 s is beyond kMostLimitRest

constexpr std::int64_t kReasonMask = 3;
constexpr std::int32_t kMillion = 1'000'000;
constexpr int kAverageOver = 16;

std::int64_t nanos_from(SteadyTime time) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

SteadyTime time_from(std::int64_t nanos) {
    return SteadyTime{std::chrono::nanoseconds{nanos}};
}

/// Moves `average` a sixteenth of the way to `value`; the first value is taken as it is. Negative:
/// none yet.
template <class Integer>
void average_in(std::atomic<Integer>& average, Integer value) {
    Integer seen = average.load(std::memory_order_relaxed);
    Integer next = 0;
    do {
        next = seen < 0 ? value : static_cast<Integer>(seen + (value - seen) / kAverageOver);
        if (next == seen) {
            return;  // the usual case of a target that does well: nothing is written
        }
    } while (!average.compare_exchange_weak(seen, next, std::memory_order_relaxed));
}

}  // namespace

std::string_view to_string(BenchReason reason) {
    switch (reason) {
        case BenchReason::rate_limit:
            return "rate_limit";
        case BenchReason::quota:
            return "quota";
        case BenchReason::auth:
            return "auth";
    }
    std::unreachable();
}

TargetHealth::TargetHealth(std::string provider, std::string model)
    : provider_{std::move(provider)}, model_{std::move(model)} {}

TargetHealth::Availability TargetHealth::availability(SteadyTime now) const {
    using State = Availability::State;
    const Breaker::State breaker = breaker_.state(now);
    const SteadyTime open_until = breaker_.open_until();
    const std::int64_t benched = benched_until_.load(std::memory_order_relaxed);
    const SteadyTime benched_until = time_from(benched & ~kReasonMask);
    const bool is_open = breaker == Breaker::State::open;
    const bool is_benched = benched != 0 && now < benched_until;
    if (is_benched && (!is_open || benched_until >= open_until)) {
        return {State::benched, static_cast<BenchReason>(benched & kReasonMask), benched_until};
    }
    if (is_open) {
        return {State::breaker_open, {}, open_until};
    }
    return {breaker == Breaker::State::half_open ? State::half_open : State::available, {}, {}};
}

std::optional<std::chrono::microseconds> TargetHealth::first_byte() const {
    const std::int64_t average = first_byte_us_.load(std::memory_order_relaxed);
    return average < 0 ? std::nullopt : std::optional{std::chrono::microseconds{average}};
}

TargetHealth::Report TargetHealth::report(SteadyTime now) const {
    Report report;
    report.provider = provider_;
    report.model = model_;
    report.availability = availability(now);
    report.breaker = breaker_.state(now);
    if (report.breaker == Breaker::State::open) {
        report.open_until = breaker_.open_until();
    }
    const std::int64_t benched = benched_until_.load(std::memory_order_relaxed);
    if (benched != 0 && now < time_from(benched & ~kReasonMask)) {
        report.benched = static_cast<BenchReason>(benched & kReasonMask);
        report.benched_until = time_from(benched & ~kReasonMask);
    }
    report.in_flight = in_flight();
    report.attempts = attempts_.load(std::memory_order_relaxed);
    report.successes = successes_.load(std::memory_order_relaxed);
    const std::int32_t rate = success_millionths_.load(std::memory_order_relaxed);
    if (rate >= 0) {
        report.success_rate = static_cast<double>(rate) / kMillion;
    }
    report.first_byte = first_byte();
    // Of two errors at the same moment this may be the reason of one and the status of the other.
    if (const char* last_error = last_error_.load(std::memory_order_acquire)) {
        report.last_error = last_error;
        report.last_status = last_status_.load(std::memory_order_relaxed);
        report.last_error_at = time_from(last_error_at_.load(std::memory_order_relaxed));
    }
    return report;
}

void TargetHealth::record(const AttemptReport& report, std::int64_t began_in, SteadyTime now) {
    using Kind = AttemptReport::Kind;
    switch (report.kind) {
        case Kind::success:
            note_success(report);
            // One that began before the benching says nothing of what led to it.
            if (began_in != 0) {
                end_benching(began_in);
            }
            return;
        case Kind::neutral:
            return;
        case Kind::failure:
            break;
        case Kind::rate_limited:
            bench(BenchReason::rate_limit, rate_limit_rest(report), now);
            break;
        case Kind::quota:
            bench(BenchReason::quota,
                  report.is_daily && report.retry_after
                      ? std::min(*report.retry_after, kMostDailyRest)
                      : kCredentialRest,
                  now);
            break;
        case Kind::auth:
            bench(BenchReason::auth, kCredentialRest, now);
            break;
    }
    note_error(report, now);
}

void TargetHealth::note_success(const AttemptReport& report) {
    successes_.fetch_add(1, std::memory_order_relaxed);
    average_in(success_millionths_, kMillion);
    if (report.first_byte) {
        average_in<std::int64_t>(first_byte_us_,
                                 std::max<std::int64_t>(report.first_byte->count(), 0));
    }
    if (limited_in_a_row_.load(std::memory_order_relaxed) != 0) {
        limited_in_a_row_.store(0, std::memory_order_relaxed);
    }
}

void TargetHealth::end_benching(std::int64_t seen) {
    benched_until_.compare_exchange_strong(seen, 0, std::memory_order_relaxed);
}

void TargetHealth::forgive() {
    benched_until_.store(0, std::memory_order_relaxed);
    limited_in_a_row_.store(0, std::memory_order_relaxed);
}

void TargetHealth::note_error(const AttemptReport& report, SteadyTime now) {
    average_in(success_millionths_, std::int32_t{0});
    last_status_.store(report.status, std::memory_order_relaxed);
    last_error_at_.store(nanos_from(now), std::memory_order_relaxed);
    last_error_.store(report.reason.empty() ? "unknown" : report.reason.data(),
                      std::memory_order_release);
}

milliseconds TargetHealth::rate_limit_rest(const AttemptReport& report) {
    const int before = limited_in_a_row_.load(std::memory_order_relaxed);
    if (before < kMostDoublings) {  // one lost under a race doubles one 429 later
        limited_in_a_row_.store(before + 1, std::memory_order_relaxed);
    }
    if (report.retry_after) {
        return std::min(*report.retry_after, report.is_daily ? kMostDailyRest : kMostRetryAfter);
    }
    return std::min(kFirstLimitRest * (1 << before), kMostLimitRest);
}

void TargetHealth::bench(BenchReason reason, milliseconds duration, SteadyTime now) {
    if (duration <= 0ms) {
        return;  // "Retry-After: 0": at once
    }
    const std::int64_t until = nanos_from(now + duration) & ~kReasonMask;
    std::int64_t seen = benched_until_.load(std::memory_order_relaxed);
    while ((seen & ~kReasonMask) < until &&
           !benched_until_.compare_exchange_weak(seen, until | static_cast<std::int64_t>(reason),
                                                 std::memory_order_relaxed)) {
    }
}

}  // namespace headgate::policy
