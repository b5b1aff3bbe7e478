#include "policy/limits/bucket_level.h"
#include "policy/limits/memory_limits.h"

namespace headgate::policy {

namespace {

void add_buckets(const ScopeRules& scope, double now_ms, std::vector<BucketReport>& reports) {
    const std::lock_guard lock{scope.account->mutex()};
    for (const EntryRules& entry : scope.entries) {
        for (const BucketRule& rule : entry.buckets) {
            const BucketLevel level = level_of(rule, 1, now_ms);
            reports.push_back({.rule = &rule,
                               .project = scope.id,
                               .key = scope.key,
                               .remaining = level.remaining(),
                               .resets_in = level.full_in()});
        }
    }
}

void add_budget(const ScopeRules& scope, Day day, std::vector<BudgetReport>& reports) {
    if (scope.budget == nullptr) {
        return;
    }
    const BudgetSpan span = span_of(*scope.budget, day);
    const std::lock_guard lock{scope.account->mutex()};
    const SpentReserved used = scope.account->sum(span);
    reports.push_back({.project = scope.id,
                       .settings = scope.budget,
                       .span = span,
                       .spent = used.spent,
                       .reserved = used.reserved});
}

}  // namespace

std::vector<BucketReport> report_buckets(const LimitBook& book,
                                         const std::string* project,
                                         providers::SteadyTime now) {
    const double now_ms = bucket_time(now);
    std::vector<BucketReport> reports;
    if (project == nullptr) {
        add_buckets(book.organization(), now_ms, reports);
    }
    for (const auto* scopes : {&book.projects(), &book.keys()}) {
        for (const std::unique_ptr<ScopeRules>& scope : *scopes) {
            if (project == nullptr || scope->id == *project) {
                add_buckets(*scope, now_ms, reports);
            }
        }
    }
    return reports;
}

std::vector<BudgetReport> report_budgets(const LimitBook& book, Day day) {
    std::vector<BudgetReport> reports;
    add_budget(book.organization(), day, reports);
    for (const std::unique_ptr<ScopeRules>& scope : book.projects()) {
        add_budget(*scope, day, reports);
    }
    return reports;
}

}  // namespace headgate::policy
