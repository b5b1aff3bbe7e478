#pragma once

#include "providers/base/clock.h"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace headgate::policy {

/// `breaker` of a route.
struct BreakerSettings {
    int failures = 5;  // 1 to Breaker::kMaxFailures
    std::chrono::milliseconds window{10'000};
    std::chrono::milliseconds open_for{10'000};
    bool probes_models = false;  // `probe: models`: GET /models must succeed before half-open

    friend bool operator==(const BreakerSettings&, const BreakerSettings&) = default;
};

/// Lets a target rest that fails too often. Shared by all workers, lock-free; time is an argument.
///
///              `failures` failures within `window`
///     closed ───────────────────────────────────────► open
///        ▲                                             │ `open_for` has passed, and where
///        │ the probe succeeds                          │ `probes_models`: GET /models did well
///        └────────────── half-open ◄───────────────────┘
///                           └── the probe fails ──► open
///
/// Invariants: 1. Of N failures the breaker opens at the first one whose `failures`-th predecessor
/// (itself included) lies within `window`, its both ends included. 2. Half-open there is at most
/// one probe at a time. 3. A success of an attempt that began while it was closed never closes it.
class Breaker {
public:
    static constexpr int kMaxFailures = 100;

    enum class State : std::uint8_t { closed, open, half_open };

    State state(providers::SteadyTime now) const;
    /// While open: when it becomes half-open (or may be asked by GET /models). Closed: the epoch.
    providers::SteadyTime open_until() const;

    /// Half-open: takes the one permit. Whoever gets true must give it back by return_probe(),
    /// after close() or reopen() where the probe had an outcome: those do not, as an attempt
    /// without the permit may close a breaker that another one probes.
    bool try_probe(providers::SteadyTime now);
    void return_probe();

    /// A failure of an attempt that held no permit. Opens the breaker where the settings say so.
    void note_failure(const BreakerSettings& settings, providers::SteadyTime now);
    /// A probe, or an attempt made although open, has succeeded: forgets all failures.
    void close();
    /// A probe has failed. Where another attempt has closed the breaker meanwhile, it is a failure
    /// like any other.
    void reopen(const BreakerSettings& settings, providers::SteadyTime now);

    /// Open, `open_for` has passed, and GET /models has to be asked first: true for one caller,
    /// who must end it by end_active_probe().
    bool try_active_probe(providers::SteadyTime now);
    /// `is_well`: half-open from now on. Else open for another `open_for`. Without effect where
    /// the breaker was closed meanwhile.
    void end_active_probe(bool is_well, providers::SteadyTime now);

private:
    using Nanos = std::int64_t;  // of the steady clock; 0: never

    /// All that a transition changes in one word, so that each is one compare-and-exchange.
    /// Above 0: open until that nanosecond; bit 0 is set while GET /models has yet to do well.
    /// 0 and below: closed; the negated count of failures when it was closed, which no two closings
    /// share: so failures counted before a closing cannot open the breaker after it.
    using Word = std::int64_t;

    int recent_failures(Nanos since) const;

    std::atomic<Word> word_{0};
    std::atomic<Nanos> open_for_{0};  // of the latest opening
    std::atomic<bool> is_asking_models_{false};
    std::atomic<bool> is_probing_{false};
    std::atomic<std::uint64_t> failures_{0};
    std::array<std::atomic<Nanos>, kMaxFailures> failed_at_{};  // the latest, as a ring
};

}  // namespace headgate::policy
