#pragma once

#include "policy/breaker/target_health.h"
#include "policy/config/route.h"
#include "providers/contract/target.h"

#include <string_view>
#include <vector>

namespace headgate::policy {

/// A target that may be attempted.
struct PlannedTarget {
    providers::Target target;
    TargetHealth* health = nullptr;
    /// No other candidate was left: it is tried although benched or its breaker is open.
    bool is_last_resort = false;
};

/// A target that the planner left out, and why: "disabled", "model", "endpoint", "breaker_open",
/// "rate_limit", "quota", "auth".
struct SkippedTarget {
    std::string_view provider;
    std::string_view model;
    std::string_view reason;
};

/// The ordered targets for one exchange; deadlines, retries and breaker settings are the route's.
/// Views live in the Snapshot and the Facts.
struct Plan {
    const Route* route = nullptr;
    std::vector<PlannedTarget> targets;  // in order; never empty
    std::vector<SkippedTarget> skipped;
};

}  // namespace headgate::policy
