#include "policy/breaker/breaker.h"

#include <algorithm>

namespace headgate::policy {
namespace {

using providers::SteadyTime;

constexpr std::int64_t kNeedsModels = 1;

/// Never 0, which is "never". Bit 0 is free for kNeedsModels: two nanoseconds are precise enough.
std::int64_t nanos_from(SteadyTime time) {
    const std::int64_t nanos =
        std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
    return std::max<std::int64_t>(nanos & ~kNeedsModels, 2);
}

std::int64_t nanos_from(std::chrono::milliseconds duration) {
    return std::chrono::nanoseconds{duration}.count();
}

bool is_open(std::int64_t word) {
    return word > 0;
}

bool needs_models(std::int64_t word) {
    return is_open(word) && (word & kNeedsModels) != 0;
}

std::int64_t until(std::int64_t word) {
    return word & ~kNeedsModels;
}

std::int64_t opened(const BreakerSettings& settings, SteadyTime now) {
    const std::int64_t end = nanos_from(now + settings.open_for);
    return settings.probes_models ? end | kNeedsModels : end;
}

}  // namespace

Breaker::State Breaker::state(SteadyTime now) const {
    const Word word = word_.load(std::memory_order_acquire);
    if (!is_open(word)) {
        return State::closed;
    }
    const bool rests = nanos_from(now) < until(word) || needs_models(word);
    return rests ? State::open : State::half_open;
}

SteadyTime Breaker::open_until() const {
    const Word word = word_.load(std::memory_order_acquire);
    return SteadyTime{std::chrono::nanoseconds{is_open(word) ? until(word) : 0}};
}

bool Breaker::try_probe(SteadyTime now) {
    if (state(now) != State::half_open || is_probing_.exchange(true, std::memory_order_acq_rel)) {
        return false;
    }
    // The probe before this one may have ended between the two questions, and closed or reopened.
    if (state(now) == State::half_open) {
        return true;
    }
    return_probe();
    return false;
}

void Breaker::return_probe() {
    is_probing_.store(false, std::memory_order_release);
}

int Breaker::recent_failures(Nanos since) const {
    return static_cast<int>(std::ranges::count_if(failed_at_, [&](const auto& failed_at) {
        const Nanos at = failed_at.load();
        return at != 0 && at >= since;
    }));
}

void Breaker::note_failure(const BreakerSettings& settings, SteadyTime now) {
    Word closed = word_.load(std::memory_order_acquire);
    if (is_open(closed)) {
        return;
    }
    // Every failure is written before it counts, sequentially consistent: of failures at the same
    // moment the last to write sees all others, so that none of them can be missed by all.
    const std::uint64_t number = failures_.fetch_add(1, std::memory_order_relaxed);
    failed_at_[number % failed_at_.size()].store(nanos_from(now));
    const int enough = std::clamp(settings.failures, 1, kMaxFailures);
    if (recent_failures(nanos_from(now - settings.window)) < enough) {
        return;
    }
    open_for_.store(nanos_from(settings.open_for), std::memory_order_relaxed);
    word_.compare_exchange_strong(closed, opened(settings, now), std::memory_order_acq_rel);
}

void Breaker::close() {
    // Forgotten before it is closed: else the next failure would count the old ones.
    for (std::atomic<Nanos>& failed_at : failed_at_) {
        failed_at.store(0);
    }
    Word word = word_.load(std::memory_order_acquire);
    while (is_open(word)) {
        // Differs from one closing to the next, since opening took a failure.
        const auto failures = static_cast<Word>(failures_.load(std::memory_order_relaxed));
        if (word_.compare_exchange_weak(word, -failures, std::memory_order_acq_rel)) {
            return;
        }
    }
}

void Breaker::reopen(const BreakerSettings& settings, SteadyTime now) {
    Word word = word_.load(std::memory_order_acquire);
    while (is_open(word)) {
        open_for_.store(nanos_from(settings.open_for), std::memory_order_relaxed);
        if (word_.compare_exchange_weak(word, opened(settings, now), std::memory_order_acq_rel)) {
            return;
        }
    }
    note_failure(settings, now);
}

bool Breaker::try_active_probe(SteadyTime now) {
    const auto is_due = [&] {
        const Word word = word_.load(std::memory_order_acquire);
        return needs_models(word) && nanos_from(now) >= until(word);
    };
    if (!is_due() || is_asking_models_.exchange(true, std::memory_order_acq_rel)) {
        return false;
    }
    if (is_due()) {
        return true;
    }
    is_asking_models_.store(false, std::memory_order_release);
    return false;
}

void Breaker::end_active_probe(bool is_well, SteadyTime now) {
    Word word = word_.load(std::memory_order_acquire);
    if (needs_models(word)) {
        const Nanos open_for = open_for_.load(std::memory_order_relaxed);
        const Word next = is_well ? until(word) : (nanos_from(now) + open_for) | kNeedsModels;
        // Whoever changed it meanwhile knows better: an attempt has succeeded.
        word_.compare_exchange_strong(word, next, std::memory_order_acq_rel);
    }
    is_asking_models_.store(false, std::memory_order_release);
}

}  // namespace headgate::policy
