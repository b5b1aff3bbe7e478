#include "policy/breaker/retry_budget.h"

#include <algorithm>

namespace headgate::policy {
namespace {

using providers::SteadyTime;

constexpr std::uint64_t kCountMask = 0xffff'ffff;
constexpr unsigned kSecondShift = 32;
constexpr std::uint64_t kAlways = 3;        // repeats that need no calls
constexpr std::uint64_t kCallsARepeat = 5;  // 20 %

/// From 1 on, so that a fresh slot (second 0) is older than any second.
std::uint64_t second_of(SteadyTime time) {
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
    return static_cast<std::uint64_t>(std::max<std::int64_t>(seconds, 0)) + 10;
}

}  // namespace

void RetryBudget::add_one(Slots& slots, std::uint64_t second) {
    Slot& slot = slots[second % kSeconds];
    std::uint64_t seen = slot.load(std::memory_order_relaxed);
    for (;;) {
        const bool is_full = (seen & kCountMask) == kCountMask;
        const bool is_newer = (seen >> kSecondShift) > second;  // we were late by ten seconds
        const bool is_current = (seen >> kSecondShift) == second;
        if (is_newer || (is_current && is_full)) {
            return;
        }
        const std::uint64_t next = is_current ? seen + 1 : (second << kSecondShift) | 1;
        if (slot.compare_exchange_weak(seen, next, std::memory_order_relaxed)) {
            return;
        }
    }
}

std::uint64_t RetryBudget::sum(const Slots& slots, std::uint64_t second) {
    std::uint64_t total = 0;
    for (const Slot& slot : slots) {
        const std::uint64_t value = slot.load(std::memory_order_relaxed);
        const bool is_recent = (value >> kSecondShift) + kSeconds > second;
        total += is_recent ? value & kCountMask : 0;
    }
    return total;
}

void RetryBudget::note_call(SteadyTime now) {
    add_one(calls_, second_of(now));
}

bool RetryBudget::try_repeat(SteadyTime now) {
    const std::uint64_t second = second_of(now);
    const std::uint64_t room = std::max(kAlways, sum(calls_, second) / kCallsARepeat);
    if (sum(repeats_, second) >= room) {
        return false;
    }
    add_one(repeats_, second);
    return true;
}

}  // namespace headgate::policy
