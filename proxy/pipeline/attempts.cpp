#include "proxy/pipeline/exchange.h"

namespace headgate::proxy {
namespace {

using policy::AttemptFailure;
using policy::AttemptPermit;
using policy::AttemptReport;

constexpr std::chrono::seconds kFinishTime{30};
constexpr std::chrono::seconds kAlertEvery{10};

/// Lets an attempt begin where its target's health does, and holds the permit.
class Permits final : public policy::AttemptGate {
public:
    explicit Permits(std::optional<AttemptPermit>& permit) : permit_{permit} {}

    bool admit(const policy::PlannedTarget& target, bool is_repeat) override {
        using Why = AttemptPermit::Why;
        const Why why = is_repeat               ? Why::repeat
                        : target.is_last_resort ? Why::last_resort
                                                : Why::first;
        permit_ = AttemptPermit::acquire(*target.health, why, std::chrono::steady_clock::now());
        return permit_.has_value();
    }

private:
    std::optional<AttemptPermit>& permit_;
};

/// What a provider's error says of its target's health.
AttemptReport::Kind kind_of_status(const AttemptFailure& failure) {
    using Kind = AttemptReport::Kind;
    return failure.is_quota        ? Kind::quota
           : failure.is_credential ? Kind::auth
           : failure.status == 429 ? Kind::rate_limited
           : failure.status >= 500 ? Kind::failure
                                   : Kind::neutral;
}

/// Why a target of the plan was not admitted when its turn came: what was true of it at the plan
/// has changed, or another exchange probes it.
std::string_view reason_to_pass(const policy::PlannedTarget& target) {
    using State = policy::TargetHealth::Availability::State;
    const auto now = target.health->availability(std::chrono::steady_clock::now());
    return now.state == State::benched        ? to_string(now.bench)
           : now.state == State::breaker_open ? std::string_view{"breaker_open"}
                                              : std::string_view{"half_open"};
}

}  // namespace

/// Step 8: the targets of the plan, until one has answered or the walk gives up.
Task<void> Exchange::attempt_targets() {
    Permits permits{permit_};
    policy::AttemptWalk walk{plan_, policy::Random{seed()}};
    std::optional<policy::AttemptWalk::Step> step = walk.first(permits);
    AttemptEnd end = AttemptEnd::failed;
    while (step) {
        const providers::Target& target = step->target->target;
        row_.provider = target.provider->name;
        row_.model = target.model;
        end = co_await pause_before(*step);
        if (end == AttemptEnd::answered) {
            end = co_await attempt(target);
        }
        finish_attempt(end, *step->target->health);
        if (end != AttemptEnd::failed || is_finishing_ || error_) {
            break;
        }
        step = walk.next(latest_.what, time_left(), permits);
        if (step && was_charged_ && !co_await top_up()) {
            break;  // what it may cost once more does not fit: nothing further is tried
        }
    }
    for (const policy::PlannedTarget* passed : walk.passed_over()) {
        row_.skipped.push_back(
            {passed->target.provider->name, passed->target.model, reason_to_pass(*passed)});
    }
    if (end == AttemptEnd::failed && !is_finishing_) {
        co_await (error_ ? answer_error() : answer_failures(walk));
    }
}

/// `answered`: the wait is over, the attempt may begin.
Task<AttemptEnd> Exchange::pause_before(const policy::AttemptWalk::Step& step) {
    if (step.wait.count() > 0) {
        const auto from = std::chrono::steady_clock::now();
        const Wake wake = co_await client_.flow().sleep(step.wait, client_gone());
        waited_ += std::chrono::steady_clock::now() - from;
        if (wake != Wake::deadline) {
            co_return wake == Wake::stopped ? AttemptEnd::stopped : AttemptEnd::client_gone;
        }
    }
    co_return AttemptEnd::answered;
}

/// The one place that tells the target's health and the row how an attempt ended.
void Exchange::finish_attempt(AttemptEnd end, policy::TargetHealth& health) {
    const auto now = std::chrono::steady_clock::now();
    if (permit_ && call_.began != std::chrono::steady_clock::time_point{}) {
        row_.attempts.back().duration =
            std::chrono::duration_cast<std::chrono::microseconds>(now - call_.began);
        record_outcome(report_of(end), health, now);
        warn_of_bench(end);
    }
    permit_.reset();
    if (end == AttemptEnd::client_gone || end == AttemptEnd::stopped || is_finishing_) {
        row_.outcome =
            end == AttemptEnd::stopped ? policy::Outcome::error : policy::Outcome::client_gone;
        may_keep_alive_ = false;
        if (call_.is_sent && !call_.is_charged) {
            settle_estimate({});  // the provider may charge for what it was asked
        }
    }
    was_charged_ = call_.is_charged;
    call_ = Call{};
}

/// Records it, and tells the operator where the breaker has moved.
void Exchange::record_outcome(const AttemptReport& report,
                              policy::TargetHealth& health,
                              std::chrono::steady_clock::time_point now) {
    using State = policy::Breaker::State;
    const bool was_open = health.breaker().state(now) == State::open;
    permit_->record(report, plan_.route->breaker, now);
    if (!was_open && report.kind == AttemptReport::Kind::failure &&
        health.breaker().state(now) == State::open) {
        tell(policy::LogLevel::warn,
             "the breaker of " + health.model() + " is open: the latest failure was " +
                 std::string{report.reason} +
                 (report.status != 0 ? " " + std::to_string(report.status) : std::string{}));
    }
}

AttemptReport Exchange::report_of(AttemptEnd end) const {
    using Kind = AttemptReport::Kind;
    AttemptReport report;
    const policy::AttemptRecord& told = row_.attempts.back();
    report.status = told.status;
    report.reason = told.reason;
    if (end == AttemptEnd::answered) {
        const bool is_cut = row_.outcome == policy::Outcome::upstream_cut;
        const bool is_by_client = call_.waits_by_client && told.reason == "timeout";
        report.kind = !is_cut ? Kind::success : is_by_client ? Kind::neutral : Kind::failure;
        report.first_byte = std::chrono::duration_cast<std::chrono::microseconds>(upstream_time_);
    } else if (end == AttemptEnd::failed && !error_ && !latest_.is_ours) {
        const bool is_status = latest_.what.kind == AttemptFailure::Kind::status;
        report.kind = is_status ? kind_of_status(latest_.what) : Kind::failure;
        report.retry_after = latest_.what.retry_after;
        report.is_daily = latest_.error.is_daily;
    }
    return report;
}

/// The operator has to act: told as an error, not as one more failure.
void Exchange::warn_of_bench(AttemptEnd end) {
    const AttemptFailure& failure = latest_.what;
    if (end != AttemptEnd::failed || error_ || (!failure.is_credential && !failure.is_quota) ||
        worker_.reactor().tick() < call_.line->next_alert) {
        return;
    }
    call_.line->next_alert = worker_.reactor().tick_after(kAlertEvery);
    tell(policy::LogLevel::error,
         failure.is_credential
             ? "refused our credential with status " + std::to_string(failure.status) +
                   ": check `api_key` or `token_file`. Its target rests for 60 s"
             : std::string{"has no quota or money left: look into its account. Its target rests "
                           "for 60 s"});
}

Tick Exchange::last_deadline() const {
    return std::min({route_total_, client_total_, patience_ends_});
}

std::chrono::milliseconds Exchange::time_left() const {
    const Tick now = worker_.reactor().tick();
    const Tick end = last_deadline();
    return end <= now ? std::chrono::milliseconds{0} : (end - now) * Reactor::kTick;
}

Tick Exchange::deadline_before_answer(std::chrono::milliseconds limit) {
    const Tick by_route = std::min(until(limit), route_total_);
    const Tick by_client = std::min(client_total_, is_finishing_ ? kNever : patience_ends_);
    call_.waits_by_client = by_client < by_route;
    return std::min(by_route, by_client);
}

Tick Exchange::deadline_inside_answer() {
    const Tick by_route = std::min(until(timeouts().idle), route_total_);
    const Tick patience = facts_.patience && !is_finishing_ ? until(*facts_.patience) : kNever;
    const Tick by_client = std::min(client_total_, patience);
    call_.waits_by_client = by_client < by_route;
    return std::min(by_route, by_client);
}

/// The client has left. True where the route has the answer read on all the same.
bool Exchange::begin_finishing() {
    if (plan_.route->on_client_gone != policy::OnClientGone::finish || !call_.is_sent) {
        return false;
    }
    is_finishing_ = true;
    client_total_ = std::min(client_total_, until(kFinishTime));
    return true;
}

}  // namespace headgate::proxy
