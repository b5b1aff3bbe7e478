#pragma once

#include "policy/routing/plan.h"
#include "policy/routing/random.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace headgate::policy {

/// How an attempt ended that gave the client nothing.
struct AttemptFailure {
    enum class Kind : std::uint8_t { status, connect, timeout, cut, invalid };

    Kind kind = Kind::connect;
    int status = 0;              // of `status`
    bool is_credential = false;  // the provider refused the operator's credential
    bool is_quota = false;       // the operator's account there is used up
    std::optional<std::chrono::milliseconds> retry_after;
};

/// Whether an attempt may be made now. Serving answers with the target's AttemptPermit; `explain`
/// has one that changes nothing.
class AttemptGate {
public:
    virtual ~AttemptGate() = default;
    /// Asked before the step's wait. A repeat is asked for without is_last_resort, so that a target
    /// whose breaker is open is not repeated; being benched must not refuse one, since its wait is
    /// what the Retry-After asks for.
    virtual bool admit(const PlannedTarget& target, bool is_repeat) = 0;
};

/// What to tell the client when no attempt gave it an answer (docs/policies.md).
enum class Verdict : std::uint8_t {
    pass_error,       // the last attempt's own error, as the provider gave it
    rate_limited,     // 429 with the smallest Retry-After
    timed_out,        // 504 upstream_timeout
    invalid_answer,   // 502 upstream_invalid_response
    auth_failed,      // 502 provider_auth_failed
    quota_exhausted,  // 503 provider_quota_exhausted
    unavailable,      // 503 upstream_unavailable
};

/// Goes through a plan's targets: which is attempted next, after which wait, and when to give up.
/// Pure but for the gate. At most `retry.attempts` attempts; a target comes again only after every
/// other had its turn, after its backoff or its Retry-After, and only where that fits the time
/// left.
class AttemptWalk {
public:
    /// `plan` must outlive it.
    AttemptWalk(const Plan& plan, Random random);

    struct Step {
        const PlannedTarget* target = nullptr;  // in the plan; of a last resort the walk's own copy
        std::chrono::milliseconds wait{0};      // before it
        bool is_repeat = false;
    };

    /// The first attempt. nullopt only where the gate admits nobody, not even the last resort.
    std::optional<Step> first(AttemptGate& gate);

    /// After a failure of the latest step; each failure is told once, also the last, which
    /// verdict() judges. `left`: until the exchange's deadline. Nothing follows nullopt.
    std::optional<Step> next(const AttemptFailure& failure,
                             std::chrono::milliseconds left,
                             AttemptGate& gate);

    /// Whether this failure lets the exchange go on at all, by the route's `fallback_on`.
    bool may_move(const AttemptFailure& failure) const;

    Verdict verdict() const;
    /// The smallest that any 429 told; nullopt: none did.
    std::optional<std::chrono::milliseconds> smallest_retry_after() const;
    int attempts() const { return attempts_; }
    /// Targets of the plan that the gate did not admit when their turn came: another exchange
    /// probes.
    const std::vector<const PlannedTarget*>& passed_over() const { return passed_over_; }

private:
    struct Tried {
        const PlannedTarget* target = nullptr;  // in the plan
        AttemptFailure failure;                 // the latest
        bool is_retired = false;                // its credential or quota failed: never again
    };
    /// What verdict() judges.
    struct Tally {
        int failures = 0;
        int timeouts = 0;
        int invalid_answers = 0;
        int rate_limits = 0;  // but for quotas
        AttemptFailure last;
        std::optional<std::chrono::milliseconds> smallest_retry_after;
    };

    void note(const AttemptFailure& failure, Tried& tried);
    Step begin(std::size_t tried, Step step);
    std::optional<Step> untried(AttemptGate& gate);
    std::optional<Step> last_resort(AttemptGate& gate);
    std::optional<Step> repeat(std::chrono::milliseconds left, AttemptGate& gate);
    std::chrono::milliseconds jitter();

    const Plan& plan_;
    Random random_;
    std::vector<Tried> tried_;  // in the plan's order
    std::vector<const PlannedTarget*> passed_over_;
    std::unique_ptr<const PlannedTarget> last_resort_;  // its address outlives a move of the walk
    std::size_t next_untried_ = 0;                      // in the plan
    std::optional<std::size_t> latest_;                 // in tried_; nullopt: no step is under way
    int attempts_ = 0;
    int repeats_ = 0;
    Tally tally_;
};

}  // namespace headgate::policy
