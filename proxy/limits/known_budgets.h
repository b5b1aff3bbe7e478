#pragma once

#include "policy/keys/budget_settings.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace headgate::proxy {

/// What this process last knew of one budget that lives in Redis, and how much of it exchanges have
/// been given while Redis was away. All workers share it; thread-safe without a lock. Amounts are
/// nanodollars.
class KnownBudget {
public:
    /// The most that a process gives of one budget in one outage; less where 5 % of what was left
    /// is less.
    static constexpr std::int64_t kMostAllowed = 1'000'000'000;
    static constexpr std::int64_t kPartAllowed = 20;

    /// Spent plus reserved in the period that begins with `first`, as Redis told.
    void note(policy::Day first, std::int64_t used);
    /// An exchange that Redis did not hold has cost that.
    void add(policy::Day first, std::int64_t cost);
    /// What note() and add() came to in that period; -1: nothing was told.
    std::int64_t used(policy::Day first) const;

    /// What may be given in an outage of a budget of `limit` of which `used` was used.
    static std::int64_t allowance(std::int64_t limit, std::int64_t used);

    /// Takes `amount` from what the outage of that number may give; false: it does not fit, or the
    /// outage is over and another one has begun.
    bool take(std::uint32_t outage, std::int64_t amount, std::int64_t allowance);
    /// What was taken came to `cost`.
    void settle(std::uint32_t outage, std::int64_t taken, std::int64_t cost);

private:
    std::atomic<std::int64_t> first_{kNoDay};
    std::atomic<std::int64_t> used_{0};
    /// The number of the outage and, in the low 32 bits, what was given in it: above 4.29 $ it
    /// stays there.
    std::atomic<std::uint64_t> given_{0};

    static constexpr std::int64_t kNoDay = INT64_MIN;
};

/// The known budgets of a process, by project id; "" is the organization's. They live as long as
/// it. Thread-safe; a worker asks once a budget and keeps the address.
class KnownBudgets {
public:
    KnownBudget& of(std::string_view id);

private:
    std::mutex mutex_;
    std::unordered_map<std::string, std::unique_ptr<KnownBudget>> budgets_;
};

}  // namespace headgate::proxy
