#include "policy/breaker/target_health.h"

#include <utility>

namespace headgate::policy {
namespace {

using providers::SteadyTime;
using Availability = TargetHealth::Availability;

/// Before a repeat the Retry-After is waited for, or the backoff where there is none: the rest of
/// a rate limit is for other exchanges. A refused credential and a used-up quota do not pass.
bool may_be_repeated(const Availability& availability) {
    return availability.may_be_tried() || (availability.state == Availability::State::benched &&
                                           availability.bench == BenchReason::rate_limit);
}

bool may_begin(AttemptPermit::Why why, const Availability& availability) {
    switch (why) {
        case AttemptPermit::Why::first:
            return availability.may_be_tried();
        case AttemptPermit::Why::repeat:
            return may_be_repeated(availability);
        case AttemptPermit::Why::last_resort:
            return true;
    }
    std::unreachable();
}

}  // namespace

std::optional<AttemptPermit> AttemptPermit::acquire(TargetHealth& health, Why why, SteadyTime now) {
    const Availability availability = health.availability(now);
    if (!may_begin(why, availability)) {
        return std::nullopt;
    }
    const Breaker::State state = health.breaker_.state(now);
    // A benching may end later than the opening that it hides.
    if (state == Breaker::State::open && why != Why::last_resort) {
        return std::nullopt;
    }
    const bool is_probe = state == Breaker::State::half_open && health.breaker_.try_probe(now);
    if (state == Breaker::State::half_open && !is_probe && why != Why::last_resort) {
        return std::nullopt;
    }
    // The budget last: what is refused for another reason must not draw on it.
    if (why != Why::repeat) {
        health.retries_.note_call(now);
    } else if (!health.retries_.try_repeat(now)) {
        if (is_probe) {
            health.breaker_.return_probe();
        }
        return std::nullopt;
    }
    return AttemptPermit{health, state, is_probe,
                         availability.state == Availability::State::benched
                             ? health.benched_until_.load(std::memory_order_relaxed)
                             : 0};
}

AttemptPermit::AttemptPermit(TargetHealth& health,
                             Breaker::State state,
                             bool is_probe,
                             std::int64_t bench)
    : health_{&health}, began_in_{state}, is_probe_{is_probe}, bench_{bench} {
    health.in_flight_.fetch_add(1, std::memory_order_relaxed);
    health.attempts_.fetch_add(1, std::memory_order_relaxed);
}

AttemptPermit::AttemptPermit(AttemptPermit&& other) noexcept
    : health_{std::exchange(other.health_, nullptr)},
      began_in_{other.began_in_},
      is_probe_{std::exchange(other.is_probe_, false)},
      bench_{other.bench_},
      is_recorded_{other.is_recorded_} {}

AttemptPermit& AttemptPermit::operator=(AttemptPermit&& other) noexcept {
    if (this != &other) {
        release();
        health_ = std::exchange(other.health_, nullptr);
        began_in_ = other.began_in_;
        is_probe_ = std::exchange(other.is_probe_, false);
        bench_ = other.bench_;
        is_recorded_ = other.is_recorded_;
    }
    return *this;
}

AttemptPermit::~AttemptPermit() {
    release();
}

void AttemptPermit::release() noexcept {
    if (health_ == nullptr) {
        return;
    }
    if (std::exchange(is_probe_, false)) {
        health_->breaker_.return_probe();
    }
    health_->in_flight_.fetch_sub(1, std::memory_order_relaxed);
    health_ = nullptr;
}

void AttemptPermit::note_answer() {
    if (health_ == nullptr) {
        return;
    }
    // What the answer proves it proves now: at its end, maybe an hour later, it says nothing of an
    // opening in between.
    if (std::exchange(began_in_, Breaker::State::closed) != Breaker::State::closed) {
        health_->breaker_.close();
    }
    if (std::exchange(is_probe_, false)) {
        health_->breaker_.return_probe();
    }
    if (const std::int64_t seen = std::exchange(bench_, 0); seen != 0) {
        health_->end_benching(seen);
    }
}

void AttemptPermit::record(const AttemptReport& report,
                           const BreakerSettings& settings,
                           SteadyTime now) {
    if (health_ == nullptr || std::exchange(is_recorded_, true)) {
        return;
    }
    Breaker& breaker = health_->breaker_;
    const bool has_succeeded = report.kind == AttemptReport::Kind::success;
    const bool has_failed = report.kind == AttemptReport::Kind::failure;
    if (has_succeeded && began_in_ != Breaker::State::closed) {
        breaker.close();
    } else if (has_failed && is_probe_) {
        breaker.reopen(settings, now);
    } else if (has_failed) {
        breaker.note_failure(settings, now);
    }
    health_->record(report, bench_, now);
    // After the breaker has moved: whoever probes next must see it.
    if (std::exchange(is_probe_, false)) {
        breaker.return_probe();
    }
}

}  // namespace headgate::policy
