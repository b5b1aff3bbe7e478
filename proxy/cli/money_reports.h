#pragma once

#include "metrics/registry/money_metrics.h"
#include "proxy/admin/admin_sources.h"
#include "proxy/limits/shared_reader.h"
#include "proxy/pipeline/loaded_policy.h"
#include "proxy/pipeline/process.h"

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace headgate::proxy {

/// What the admin API and the metrics tell of limits, budgets and records, for the policy in force.
/// Limits and budgets that processes share are told as Redis has them, of all processes together;
/// while it is away as this process last knew them. That may block: see SharedReader. Thread-safe
/// as the Process is.
class MoneyReports {
public:
    /// `reader` is null where limits live in this process.
    explicit MoneyReports(const Process& process, SharedReader* reader = nullptr)
        : process_{&process}, reader_{reader} {}

    /// `stored_uses`: of the keys, as the record store has them.
    std::vector<ProjectReport> projects(const LoadedPolicy& policy,
                                        std::vector<policy::KeyUse> stored_uses) const;
    std::optional<std::optional<BudgetState>> budget(const LoadedPolicy& policy,
                                                     std::string_view project) const;
    /// The same of a scope that has a budget.
    policy::SpentReserved used(const LoadedPolicy& policy, const policy::ScopeRules& scope) const;
    /// The bucket as Redis has it; nullopt: it is this process' own, or Redis is away.
    std::optional<policy::Bucket> bucket(const LoadedPolicy& policy,
                                         const policy::BucketRule& rule) const;
    std::optional<std::vector<LimitReport>> limits(const LoadedPolicy& policy,
                                                   std::string_view project) const;

    std::vector<metrics::MoneySources::Limit> limit_gauges(const LoadedPolicy& policy) const;
    std::vector<metrics::MoneySources::Budget> budget_gauges(const LoadedPolicy& policy) const;
    std::vector<metrics::MoneySources::Store> stores() const;
    std::optional<metrics::MoneySources::Records> records() const;

private:
    std::vector<policy::BucketReport> buckets(const LoadedPolicy& policy,
                                              std::string_view project) const;
    std::vector<policy::BudgetReport> budgets(const LoadedPolicy& policy,
                                              std::string_view project) const;
    std::shared_ptr<const SharedFigures> shared(const LoadedPolicy& policy,
                                                policy::Day day,
                                                std::string_view project) const;
    void bridge(policy::BudgetReport& report) const;

    const Process* process_;
    SharedReader* reader_;
};

}  // namespace headgate::proxy
