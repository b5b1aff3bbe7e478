#pragma once

#include "policy/limits/accounts.h"
#include "policy/limits/limit_rules.h"
#include "policy/routing/router.h"
#include "providers/base/clock.h"

#include <functional>
#include <optional>

namespace headgate::policy {

/// What a question meets beside its own suppositions. Nothing of it is changed.
struct World {
    const Router& router;
    TargetHealths& healths;
    /// Of the router's Snapshot. Its buckets are read with their accounts' mutexes held.
    const LimitBook& limits;
    providers::SteadyTime now;  // of the health and the buckets
    providers::WallTime time;   // of the admission: its period, and whether a key has expired
    /// What is used of the budget that the scope has, in the period of `time`. Empty: what the
    /// question supposes of the project's, and nothing of the organization's.
    std::function<SpentReserved(const ScopeRules& scope)> used;
    /// The bucket as it is now, where processes share it. Empty: this process' own.
    std::function<std::optional<Bucket>(const BucketRule& rule)> bucket;
    /// What was spent before this process began is known; else a budget admits nothing.
    bool knows_sums = true;
};

}  // namespace headgate::policy
