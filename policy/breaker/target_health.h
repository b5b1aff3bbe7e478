#pragma once

#include "policy/breaker/breaker.h"
#include "policy/breaker/retry_budget.h"
#include "providers/base/clock.h"
#include "providers/contract/provider.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headgate::policy {

/// Why a target is benched. Spelled as in the metric.
enum class BenchReason : std::uint8_t { rate_limit, quota, auth };

std::string_view to_string(BenchReason reason);

/// How one attempt ended, as far as the target's health is concerned.
struct AttemptReport {
    enum class Kind : std::uint8_t {
        success,
        failure,       // connect, time-out, cut, invalid answer, 5xx
        rate_limited,  // 429: neutral to the breaker, benches
        quota,         // the operator's account is used up: benches
        auth,          // the operator's credential was refused: benches
        neutral,       // the client's mistake, a client that left, our own limits: says nothing
    };

    Kind kind = Kind::neutral;
    int status = 0;  // 0: none came
    /// "status", "connect", "timeout", …: a literal.
    std::string_view reason{};  // NOLINT(readability-redundant-member-init): for {.kind = …}
    std::optional<std::chrono::milliseconds> retry_after = std::nullopt;
    bool is_daily = false;  // a quota of the day is used up
    std::optional<std::chrono::microseconds> first_byte = std::nullopt;  // of a success
};

/// What is known of a target (provider + model), shared by all workers and kept across reloads.
/// Thread-safe and lock-free but for report().
class TargetHealth {
public:
    TargetHealth(std::string provider, std::string model);

    /// May it be tried, and if not, why and until when?
    struct Availability {
        enum class State : std::uint8_t { available, half_open, breaker_open, benched };

        State state = State::available;
        BenchReason bench{};  // of `benched`
        /// Of `breaker_open` and `benched`.
        providers::SteadyTime
            until{};  // NOLINT(readability-redundant-member-init): for {.state = …}

        bool may_be_tried() const { return state == State::available || state == State::half_open; }
    };
    /// Where it is benched and its breaker open: whichever ends later.
    Availability availability(providers::SteadyTime now) const;

    const std::string& provider() const { return provider_; }
    const std::string& model() const { return model_; }

    int in_flight() const { return in_flight_.load(std::memory_order_relaxed); }
    /// Moving average of the time to the first byte of successes; nullopt before the first.
    std::optional<std::chrono::microseconds> first_byte() const;

    /// How GET /headgate/v1/targets and the metrics show it.
    struct Report {
        std::string provider;
        std::string model;
        Availability availability;
        Breaker::State breaker = Breaker::State::closed;
        int in_flight = 0;
        std::uint64_t attempts = 0;          // since start
        std::uint64_t successes = 0;         // since start
        std::optional<double> success_rate;  // moving, 0…1; nullopt before the first outcome
        std::optional<std::chrono::microseconds> first_byte;
        std::string_view last_error;  // "status", "connect", …; empty: none yet
        int last_status = 0;
        std::optional<providers::SteadyTime> last_error_at;
        std::optional<providers::SteadyTime> open_until =
            std::nullopt;                                   // also where a benching hides it
        std::optional<BenchReason> benched = std::nullopt;  // also where an opening hides it
        std::optional<providers::SteadyTime> benched_until = std::nullopt;
    };
    Report report(providers::SteadyTime now) const;

    Breaker& breaker() { return breaker_; }

    /// Ends a benching: what led to it was mended (a new credential).
    void forgive();

private:
    friend class AttemptPermit;

    void record(const AttemptReport& report, std::int64_t began_in, providers::SteadyTime now);
    void note_success(const AttemptReport& report);
    /// Where it is still the one that was `seen`.
    void end_benching(std::int64_t seen);
    void note_error(const AttemptReport& report, providers::SteadyTime now);
    std::chrono::milliseconds rate_limit_rest(const AttemptReport& report);
    /// Never shortens: of two benchings the one that ends later holds.
    void bench(BenchReason reason, std::chrono::milliseconds duration, providers::SteadyTime now);

    std::string provider_;
    std::string model_;
    Breaker breaker_;
    RetryBudget retries_;
    std::atomic<int> in_flight_{0};
    std::atomic<std::uint64_t> attempts_{0};
    std::atomic<std::uint64_t> successes_{0};
    std::atomic<std::int64_t> first_byte_us_{-1};
    std::atomic<std::int32_t> success_millionths_{-1};
    /// Nanoseconds of the steady clock, the reason in bits 0 and 1; 0: not benched.
    std::atomic<std::int64_t> benched_until_{0};
    std::atomic<int> limited_in_a_row_{0};
    std::atomic<const char*> last_error_{nullptr};
    std::atomic<int> last_status_{0};
    std::atomic<std::int64_t> last_error_at_{0};
};

/// One attempt at a target, from the decision to make it to its outcome: counts in flight and in
/// the retry budget, holds the probe of a half-open breaker. The one place that records an
/// outcome, once; destroyed without one it is neutral and gives the probe back. It is in flight
/// until it is destroyed, which may be later than its outcome.
class AttemptPermit {
public:
    enum class Why : std::uint8_t { first, repeat, last_resort };

    /// nullopt: not now. `first`: the target may be tried (half-open: and nobody probes).
    /// `repeat`: that, and the retry budget has room; a rate limit does not hinder it, as the wait
    /// before a repeat is its Retry-After. `last_resort`: whatever its state, and where it is
    /// half-open with the probe if nobody has it.
    static std::optional<AttemptPermit> acquire(TargetHealth& health,
                                                Why why,
                                                providers::SteadyTime now);

    AttemptPermit(AttemptPermit&& other) noexcept;
    AttemptPermit& operator=(AttemptPermit&& other) noexcept;
    ~AttemptPermit();

    /// The answer has begun. With it a probe has succeeded and a last resort has proved itself: the
    /// answer may be a stream of an hour, and nobody should wait for its end. What becomes of it is
    /// recorded all the same.
    void note_answer();

    /// What comes after the first is ignored, as is what a moved-from permit is told.
    void record(const AttemptReport& report,
                const BreakerSettings& settings,
                providers::SteadyTime now);

private:
    AttemptPermit(TargetHealth& health, Breaker::State state, bool is_probe, std::int64_t bench);
    void release() noexcept;

    TargetHealth* health_ = nullptr;  // null: moved from
    Breaker::State began_in_ = Breaker::State::closed;
    bool is_probe_ = false;
    std::int64_t bench_ = 0;  // the benching that it began in; 0: none
    bool is_recorded_ = false;
};

/// Where a planner finds the health of a target. A worker's own, so that finding takes no lock.
class TargetHealths {
public:
    virtual ~TargetHealths() = default;
    /// Lives as long as the plan that uses it.
    virtual TargetHealth& of(const providers::Provider& provider, std::string_view model) = 0;
};

}  // namespace headgate::policy
