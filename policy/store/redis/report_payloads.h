#pragma once

#include "policy/limits/accounts.h"
#include "policy/store/redis/redis_limits.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace headgate::policy {

/// One instance's total of one scope's day.
struct ReportedTotal {
    std::string instance;
    std::string field;  // "m<scope>/<day>"
    std::int64_t nanos = 0;
};

/// Totals by scope (a project's id; empty: the organization).
using ReportedTotals = std::map<std::string, std::vector<ReportedTotal>>;

ReportedTotals totals_of(const RedisLimits::Settings& settings,
                         const Accounts& accounts,
                         const std::vector<RedisLimits::OtherTotal>& others);

struct Report {
    std::uint64_t number = 0;
    int processes_seen = 0;
};

/// What the report script reads, in slices; the last one says that the instance has reported.
std::vector<std::string> report_payloads(const RedisLimits::Settings& settings,
                                         const std::vector<ReportedTotal>& totals,
                                         const Report& report);

}  // namespace headgate::policy
