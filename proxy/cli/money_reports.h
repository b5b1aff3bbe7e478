#pragma once

#include "metrics/registry/money_metrics.h"
#include "proxy/admin/admin_sources.h"
#include "proxy/pipeline/loaded_policy.h"
#include "proxy/pipeline/process.h"

#include <optional>
#include <string_view>
#include <vector>

namespace headgate::proxy {

/// What the admin API and the metrics tell of limits, budgets and records, for the policy in force.
/// Thread-safe as the Process is.
class MoneyReports {
public:
    explicit MoneyReports(const Process& process) : process_{&process} {}

    std::vector<ProjectReport> projects(const LoadedPolicy& policy) const;
    std::optional<std::optional<BudgetState>> budget(const LoadedPolicy& policy,
                                                     std::string_view project) const;
    std::optional<std::vector<LimitReport>> limits(const LoadedPolicy& policy,
                                                   std::string_view project) const;

    std::vector<metrics::MoneySources::Limit> limit_gauges(const LoadedPolicy& policy) const;
    std::vector<metrics::MoneySources::Budget> budget_gauges(const LoadedPolicy& policy) const;
    std::vector<metrics::MoneySources::Store> stores() const;
    std::optional<metrics::MoneySources::Records> records() const;

private:
    const Process* process_;
};

}  // namespace headgate::proxy
