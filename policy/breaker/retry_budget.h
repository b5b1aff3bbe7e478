#pragma once

#include "providers/base/clock.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace headgate::policy {

/// How often a target may be asked again (docs/policies.md): of the last ten seconds' calls at
/// most 20 %, and at least three. Shared by all workers, lock-free; seconds are the precision.
class RetryBudget {
public:
    /// A first attempt; repeats are not counted as calls, else they would pay for more of their
    /// kind.
    void note_call(providers::SteadyTime now);
    /// Takes one repeat where there is room. Under races it may give one too many a worker, never
    /// more.
    bool try_repeat(providers::SteadyTime now);

private:
    static constexpr std::size_t kSeconds = 10;
    /// The second in the upper half, the count in the lower: so a slot of ten seconds ago is empty.
    using Slot = std::atomic<std::uint64_t>;
    using Slots = std::array<Slot, kSeconds>;

    static void add_one(Slots& slots, std::uint64_t second);
    static std::uint64_t sum(const Slots& slots, std::uint64_t second);

    Slots calls_{};
    Slots repeats_{};
};

}  // namespace headgate::policy
