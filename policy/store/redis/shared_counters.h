#pragma once

#include "policy/limits/accounts.h"
#include "policy/limits/bucket.h"
#include "policy/limits/limit_rules.h"
#include "policy/store/redis/redis_limits.h"
#include "policy/store/redis/resp.h"

#include <cstddef>
#include <expected>
#include <string>
#include <vector>

namespace headgate::policy {

/// What somebody who only looks asks of one shard: buckets and sums of money of all processes.
/// Sans-IO. One call is one round trip and one moment of Redis: a script that only reads, because
/// buckets are drained by the server's clock, and a sum over a long span is made where its days
/// are. A sum that the admissions keep (field x<scope>) is taken as it is.
struct CountersQuery {
    struct Budget {
        std::string scope;  // a project's id; empty: the organization
        BudgetSpan span;
    };

    /// How many fields one call reads at most, but for sums of `total` that nobody has kept.
    static constexpr std::size_t kMostFields = 2'000;

    std::string project;               // whose shard it is; empty: there is but one
    std::vector<std::string> buckets;  // BucketRule::name
    std::vector<Budget> budgets;       // with the period's span
};

/// All that a policy counts, in bounded queries: with shards by project one or more a project, and
/// nothing of the organization.
std::vector<CountersQuery> counters_queries(const LimitBook& book,
                                            bool shards_by_project,
                                            Day today);

RedisLimits::Call counters_call(const RedisLimits::Settings& settings, const CountersQuery& query);

/// What Redis has. Without its epoch (it is empty, or has lost its data) it has no buckets; while
/// not all processes have reported to it what they spent it has no budgets.
struct SharedCounters {
    double now_ms = 0;                   // of the server's clock: what buckets count in
    std::vector<Bucket> buckets;         // as asked, or empty
    std::vector<SpentReserved> budgets;  // as asked, or empty
};

/// The error, fit for a log, says what came in place of an answer.
std::expected<SharedCounters, std::string> parse_counters(const CountersQuery& query,
                                                          const RespValue& reply);

}  // namespace headgate::policy
