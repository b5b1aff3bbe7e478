#include "proxy/limits/known_budgets.h"

#include <algorithm>
#include <limits>

namespace headgate::proxy {
namespace {

constexpr std::uint64_t kGivenMask = std::numeric_limits<std::uint32_t>::max();

std::int64_t days(policy::Day day) {
    return day.time_since_epoch().count();
}

std::uint32_t outage_in(std::uint64_t packed) {
    return static_cast<std::uint32_t>(packed >> 32);
}

std::int64_t given_in(std::uint64_t packed) {
    return static_cast<std::int64_t>(packed & kGivenMask);
}

std::uint64_t pack(std::uint32_t outage, std::int64_t given) {
    const auto bounded = std::clamp<std::int64_t>(given, 0, std::int64_t{kGivenMask});
    return (std::uint64_t{outage} << 32) | static_cast<std::uint64_t>(bounded);
}

}  // namespace

void KnownBudget::note(policy::Day first, std::int64_t used) {
    // The period first: who reads in between sees the sum of the older one, which allows less.
    first_.store(days(first));
    used_.store(std::max<std::int64_t>(0, used));
}

void KnownBudget::add(policy::Day first, std::int64_t cost) {
    if (first_.load() != days(first) || cost <= 0) {
        return;
    }
    std::int64_t before = used_.load();
    std::int64_t after = 0;
    do {
        if (__builtin_add_overflow(before, cost, &after)) {
            after = std::numeric_limits<std::int64_t>::max();
        }
    } while (!used_.compare_exchange_weak(before, after));
}

std::int64_t KnownBudget::used(policy::Day first) const {
    return first_.load() == days(first) ? used_.load() : -1;
}

std::int64_t KnownBudget::allowance(std::int64_t limit, std::int64_t used) {
    std::int64_t left = 0;
    if (__builtin_sub_overflow(limit, used, &left) || left <= 0) {
        return 0;
    }
    return std::min(left / kPartAllowed, kMostAllowed);
}

bool KnownBudget::take(std::uint32_t outage, std::int64_t amount, std::int64_t allowance) {
    std::uint64_t before = given_.load();
    for (;;) {
        if (outage_in(before) > outage) {
            return false;
        }
        const std::int64_t given = outage_in(before) == outage ? given_in(before) : 0;
        if (amount > allowance - given) {
            return false;
        }
        if (given_.compare_exchange_weak(before, pack(outage, given + amount))) {
            return true;
        }
    }
}

void KnownBudget::settle(std::uint32_t outage, std::int64_t taken, std::int64_t cost) {
    std::uint64_t before = given_.load();
    for (;;) {
        if (outage_in(before) != outage) {
            return;
        }
        // Saturates first: neither the cost nor the sum may leave 64 bits.
        const std::int64_t bounded = std::min<std::int64_t>(cost, kGivenMask);
        const std::int64_t after = given_in(before) - std::min<std::int64_t>(taken, kGivenMask);
        if (given_.compare_exchange_weak(before, pack(outage, after + bounded))) {
            return;
        }
    }
}

KnownBudget& KnownBudgets::of(std::string_view id) {
    const std::scoped_lock lock{mutex_};
    std::unique_ptr<KnownBudget>& budget = budgets_[std::string{id}];
    if (!budget) {
        budget = std::make_unique<KnownBudget>();
    }
    return *budget;
}

}  // namespace headgate::proxy
