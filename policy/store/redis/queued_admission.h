#pragma once

#include "policy/limits/demand.h"
#include "policy/store/redis/redis_limits.h"
#include "policy/store/redis/tallies.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace headgate::policy {

/// What an admission asks of one bucket. `rule` and `scope` live in the exchange's policy: they are
/// only told to somebody who still waits, and never looked into here.
struct Take {
    BucketTally* bucket = nullptr;
    const BucketRule* rule = nullptr;
    const ScopeRules* scope = nullptr;
    LimitKind kind = LimitKind::rpm;
    EnforceMode mode = EnforceMode::enforce;
    std::int64_t limit = 0;
    std::int64_t amount = 0;  // 0: the bucket is not asked, but its headroom is told
};

/// … of one budget.
struct Payment {
    DayTally* day = nullptr;
    const ScopeRules* scope = nullptr;
    EnforceMode mode = EnforceMode::enforce;
    std::int64_t limit = 0;
    std::int64_t first = 0;  // the span, in days since 1970
    std::int64_t stop = 0;
    bool is_projects = false;
};

/// An admission that waits for Redis.
struct QueuedAdmission {
    RedisLimits::Ticket ticket = 0;
    bool is_abandoned = false;
    std::int64_t worst = 0;
    std::vector<Take> takes;  // outermost scope first, as are the payments
    std::array<Payment, 2> payments;
    std::size_t payment_count = 0;
};

QueuedAdmission queued(RedisLimits::Ticket ticket,
                       const Subject& subject,
                       const Demand& demand,
                       Tallies& tallies);

/// Sums up, in the tallies, what an exchange has come to, and marks what is to be told.
void add_settled(const Subject& subject, const Settled& settled, Tallies& tallies);

/// Books a cost alone.
void add_cost(const Subject& subject, Day day, providers::Money cost, Tallies& tallies);

/// It was granted, and the exchange runs.
void hold(const QueuedAdmission& admission);

/// It was granted, and nobody runs: what it took is given back.
void withdraw(const QueuedAdmission& admission, Tallies& tallies);

}  // namespace headgate::policy
