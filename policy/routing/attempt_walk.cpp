#include "policy/routing/attempt_walk.h"

#include <algorithm>

namespace headgate::policy {
namespace {

using Kind = AttemptFailure::Kind;
using std::chrono::milliseconds;

/// The operator's to mend: no repeat helps, another target may.
bool is_operators(const AttemptFailure& failure) {
    return failure.is_credential || failure.is_quota;
}

bool is_listed(const FallbackOn& fallback_on, const AttemptFailure& failure) {
    switch (failure.kind) {
        case Kind::status: {
            const auto status = static_cast<std::size_t>(std::max(failure.status, 0));
            return status < fallback_on.statuses.size() && fallback_on.statuses.test(status);
        }
        case Kind::connect:
            return fallback_on.connect;
        case Kind::timeout:
            return fallback_on.timeout;
        case Kind::cut:
            return fallback_on.cut;
        case Kind::invalid:
            return fallback_on.invalid;
    }
    return false;
}

bool is_rate_limit(const AttemptFailure& failure) {
    return failure.kind == Kind::status && failure.status == 429;
}

}  // namespace

AttemptWalk::AttemptWalk(const Plan& plan, Random random) : plan_{plan}, random_{random} {}

std::optional<AttemptWalk::Step> AttemptWalk::first(AttemptGate& gate) {
    if (auto step = untried(gate)) {
        return step;
    }
    return last_resort(gate);
}

std::optional<AttemptWalk::Step> AttemptWalk::next(const AttemptFailure& failure,
                                                   milliseconds left,
                                                   AttemptGate& gate) {
    if (!latest_) {
        return std::nullopt;
    }
    note(failure, tried_[*latest_]);
    latest_.reset();
    if (!may_move(failure) || attempts_ >= plan_.route->retry.attempts ||
        left <= milliseconds::zero()) {
        return std::nullopt;
    }
    if (auto step = untried(gate)) {
        return step;
    }
    return repeat(left, gate);
}

bool AttemptWalk::may_move(const AttemptFailure& failure) const {
    const FallbackOn& fallback_on = plan_.route->fallback_on;
    return !fallback_on.is_empty() && (is_operators(failure) || is_listed(fallback_on, failure));
}

void AttemptWalk::note(const AttemptFailure& failure, Tried& tried) {
    tried.failure = failure;
    tried.is_retired = tried.is_retired || is_operators(failure);
    ++tally_.failures;
    tally_.last = failure;
    tally_.timeouts += failure.kind == Kind::timeout ? 1 : 0;
    tally_.invalid_answers += failure.kind == Kind::invalid ? 1 : 0;
    if (!is_rate_limit(failure)) {
        return;
    }
    tally_.rate_limits += is_operators(failure) ? 0 : 1;
    if (failure.retry_after) {
        auto& smallest = tally_.smallest_retry_after;
        smallest = std::min(smallest.value_or(*failure.retry_after), *failure.retry_after);
    }
}

AttemptWalk::Step AttemptWalk::begin(std::size_t tried, Step step) {
    latest_ = tried;
    ++attempts_;
    repeats_ += step.is_repeat ? 1 : 0;
    return step;
}

std::optional<AttemptWalk::Step> AttemptWalk::untried(AttemptGate& gate) {
    while (next_untried_ < plan_.targets.size()) {
        const PlannedTarget& target = plan_.targets[next_untried_++];
        if (gate.admit(target, false)) {
            tried_.push_back({.target = &target, .failure = {}});
            return begin(tried_.size() - 1, {.target = &target});
        }
        passed_over_.push_back(&target);
    }
    return std::nullopt;
}

std::optional<AttemptWalk::Step> AttemptWalk::last_resort(AttemptGate& gate) {
    // A plan that came down to its last resort has asked for it already.
    if (attempts_ > 0 || plan_.targets.empty() || plan_.targets.front().is_last_resort) {
        return std::nullopt;
    }
    PlannedTarget target = plan_.targets.front();
    target.is_last_resort = true;
    last_resort_ = std::make_unique<const PlannedTarget>(target);
    if (!gate.admit(*last_resort_, false)) {
        return std::nullopt;
    }
    passed_over_.erase(passed_over_.begin());
    tried_.push_back({.target = &plan_.targets.front(), .failure = {}});
    return begin(tried_.size() - 1, {.target = last_resort_.get()});
}

std::optional<AttemptWalk::Step> AttemptWalk::repeat(milliseconds left, AttemptGate& gate) {
    std::optional<milliseconds> backoff;  // one draw, whichever target it is for
    for (std::size_t i = 0; i < tried_.size(); ++i) {
        const Tried& tried = tried_[i];
        if (tried.is_retired) {
            continue;
        }
        milliseconds wait = tried.failure.retry_after.value_or(milliseconds::zero());
        if (wait <= milliseconds::zero()) {
            backoff = backoff ? backoff : jitter();
            wait = *backoff;
        }
        if (wait >= left) {
            continue;
        }
        PlannedTarget asked = *tried.target;
        asked.is_last_resort = false;
        if (gate.admit(asked, true)) {
            return begin(i, {.target = tried.target, .wait = wait, .is_repeat = true});
        }
    }
    return std::nullopt;
}

/// Full jitter (Brooker, "Exponential Backoff And Jitter", 2015): uniform up to the backoff, which
/// doubles with each repeat of the exchange.
milliseconds AttemptWalk::jitter() {
    const RetrySettings& retry = plan_.route->retry;
    milliseconds most = std::min(retry.backoff, retry.max_backoff);
    for (int i = 0; i < repeats_ && most < retry.max_backoff; ++i) {
        most = most < retry.max_backoff / 2 ? most * 2 : retry.max_backoff;
    }
    const double drawn = random_.fraction() * static_cast<double>(most.count() + 1);
    return milliseconds{static_cast<std::int64_t>(drawn)};
}

Verdict AttemptWalk::verdict() const {
    const AttemptFailure& last = tally_.last;
    const int failures = tally_.failures;
    if (failures == 0) {
        return Verdict::unavailable;
    }
    if (tally_.timeouts == failures) {
        return Verdict::timed_out;
    }
    if (tally_.invalid_answers == failures) {
        return Verdict::invalid_answer;
    }
    if (failures > 1 && tally_.rate_limits == failures) {
        return Verdict::rate_limited;
    }
    if (is_operators(last)) {
        return last.is_credential ? Verdict::auth_failed : Verdict::quota_exhausted;
    }
    // Where only one target was asked its own words say more than ours, however often it was asked.
    const bool is_only_voice = failures == 1 || tried_.size() == 1;
    const bool has_passed =
        last.kind == Kind::status && (is_only_voice || !is_listed(plan_.route->fallback_on, last));
    return has_passed ? Verdict::pass_error : Verdict::unavailable;
}

std::optional<milliseconds> AttemptWalk::smallest_retry_after() const {
    return tally_.smallest_retry_after;
}

}  // namespace headgate::policy
