#pragma once

#include "policy/limits/accounts.h"
#include "policy/limits/demand.h"
#include "providers/base/clock.h"

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace headgate::policy {

/// Admission and settlement in one process: one atomic operation over all buckets and budgets that
/// apply, all or none. Stateless but for the accounts that the subjects point to; any thread.
class MemoryLimits {
public:
    /// Every limit (not the budgets) is divided by `share`, rounded down and at least 1: a process'
    /// part of shared limits while their store is away (2: half). What fits the whole limit but not
    /// the part goes when the bucket is empty, into debt. `tell` gets each budget threshold once,
    /// on the calling thread, without a lock held.
    explicit MemoryLimits(double share, std::function<void(const BudgetAlert&)> tell)
        : share_{share}, tell_{std::move(tell)} {}

    /// The worst case is reserved in the accounts of the project and the organization, also where
    /// they have no budget: one that a reload adds knows what runs.
    Decision admit(const Subject& subject, const Demand& demand, providers::SteadyTime now);

    /// Gives back what was held and books what was used. Tokens and images are corrected by what
    /// differs from the demand, a slot is freed. Throws nothing but std::bad_alloc, where the first
    /// money of a day or the first answer of a model needs memory.
    void settle(const Subject& subject, const Settled& settled, providers::SteadyTime now);

    /// Spent plus reserved over the limit, of the project's budget for `day`; 0 without a budget.
    static double budget_used(const ScopeRules& project, Day day);

private:
    double share_;
    std::function<void(const BudgetAlert&)> tell_;
};

/// A bucket as people see it: admin API, gauges, `explain`.
struct BucketReport {
    const BucketRule* rule = nullptr;
    std::string project;   // empty: the organization
    std::string key;       // where the scope is a key
    double remaining = 0;  // may be negative: in debt
    std::chrono::milliseconds resets_in{0};
};

struct BudgetReport {
    std::string project;  // empty: the organization
    const BudgetSettings* settings = nullptr;
    BudgetSpan span;
    providers::Money spent;
    providers::Money reserved;
};

/// Every bucket of the policy, of one project where `project` is given (its keys' included).
std::vector<BucketReport> report_buckets(const LimitBook& book,
                                         const std::string* project,
                                         providers::SteadyTime now);

/// Every budget of the policy: the organization's first.
std::vector<BudgetReport> report_budgets(const LimitBook& book, Day day);

}  // namespace headgate::policy
