#include "proxy/cli/money_reports.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <unordered_map>

namespace headgate::proxy {
namespace {

using metrics::MoneySources;

policy::Day today() {
    return policy::day_of(std::chrono::system_clock::now());
}

double usd(providers::Money money) {
    return static_cast<double>(money.nanos()) / 1e9;
}

const policy::Project* find(const LoadedPolicy& policy, std::string_view id) {
    const auto found = policy.projects.find(id);
    return found == policy.projects.end() ? nullptr : found->second;
}

LimitReport report_of(const policy::BucketReport& bucket) {
    return {.scope = bucket.rule->scope,
            .model = bucket.rule->models,
            .kind = bucket.rule->kind,
            .limit = bucket.rule->limit,
            .remaining = static_cast<std::int64_t>(std::max(0.0, std::floor(bucket.remaining))),
            .resets_in = bucket.resets_in};
}

using Uses = std::unordered_map<policy::KeyDigest, providers::WallTime, policy::KeyDigestHash>;

ProjectReport::Key report_of(const policy::Key& key, const Uses& uses) {
    const auto used = uses.find(key.digest);
    return {key.name, key.prefix, used == uses.end() ? std::nullopt : std::optional{used->second}};
}

}  // namespace

std::vector<ProjectReport> MoneyReports::projects(const LoadedPolicy& policy,
                                                  std::vector<policy::KeyUse> stored_uses) const {
    Uses uses;
    for (const auto& known : {std::move(stored_uses), process_->bookkeeping->new_uses()}) {
        for (const policy::KeyUse& use : known) {
            providers::WallTime& latest = uses[use.digest];
            latest = std::max(latest, use.last_used);
        }
    }
    std::unordered_map<std::string_view, std::vector<ProjectReport::Key>> keys;
    for (const auto& [digest, key] : policy.snapshot->keys.all()) {
        keys[key.project->id].push_back(report_of(key, uses));
    }
    const std::shared_ptr<const policy::StoredKeys> stored = process_->bookkeeping->keys();
    for (const auto& [digest, entry] : stored->all()) {
        keys[entry.project].push_back(report_of(entry.key, uses));
    }
    std::vector<ProjectReport> reports;
    reports.reserve(policy.snapshot->projects.size());
    for (const auto& project : policy.snapshot->projects) {
        std::vector<ProjectReport::Key>& own = keys[project->id];
        std::ranges::sort(own, {}, &ProjectReport::Key::name);
        reports.push_back({.id = project->id,
                           .models = project->models,
                           .limits = project->limits,
                           .budget = project->budget,
                           .keys = std::move(own)});
    }
    return reports;
}

std::optional<std::optional<BudgetState>> MoneyReports::budget(const LoadedPolicy& policy,
                                                               std::string_view project) const {
    const policy::Project* found = find(policy, project);
    if (found == nullptr) {
        return std::nullopt;
    }
    for (const policy::BudgetReport& report : budgets(policy, project)) {
        if (report.project == project && !project.empty()) {
            return std::optional{
                BudgetState{*report.settings, report.span, report.spent, report.reserved}};
        }
    }
    return std::optional<BudgetState>{};
}

policy::SpentReserved MoneyReports::used(const LoadedPolicy& policy,
                                         const policy::ScopeRules& scope) const {
    for (const policy::BudgetReport& report : budgets(policy, scope.id)) {
        if (report.project == scope.id) {
            return {report.spent, report.reserved};
        }
    }
    return {};
}

std::optional<policy::Bucket> MoneyReports::bucket(const LoadedPolicy& policy,
                                                   const policy::BucketRule& rule) const {
    const auto now = std::chrono::steady_clock::now();
    const std::shared_ptr<const SharedFigures> figures = shared(policy, today(), {});
    const auto level = figures ? figures->level(rule, now) : std::nullopt;
    return level ? std::optional{policy::Bucket{level->used, policy::bucket_time(now)}}
                 : std::nullopt;
}

std::optional<std::vector<LimitReport>> MoneyReports::limits(const LoadedPolicy& policy,
                                                             std::string_view project) const {
    if (find(policy, project) == nullptr) {
        return std::nullopt;
    }
    const std::string id{project};
    std::vector<LimitReport> reports;
    for (const policy::BucketReport& bucket : buckets(policy, project)) {
        if (bucket.project.empty() || bucket.project == id) {
            reports.push_back(report_of(bucket));
        }
    }
    return reports;
}

/// No series for a key: its limits are told by the admin API.
std::vector<MoneySources::Limit> MoneyReports::limit_gauges(const LoadedPolicy& policy) const {
    std::vector<MoneySources::Limit> gauges;
    for (const policy::BucketReport& bucket : buckets(policy, {})) {
        if (bucket.rule->scope == policy::Scope::key) {
            continue;
        }
        const double share = bucket.remaining / static_cast<double>(bucket.rule->limit);
        gauges.push_back({std::string{to_string(bucket.rule->scope)}, bucket.project,
                          bucket.rule->models, std::string{to_string(bucket.rule->kind)},
                          std::clamp(share, 0.0, 1.0)});
    }
    return gauges;
}

std::vector<MoneySources::Budget> MoneyReports::budget_gauges(const LoadedPolicy& policy) const {
    std::vector<MoneySources::Budget> gauges;
    for (const policy::BudgetReport& budget : budgets(policy, {})) {
        std::optional<double> ends;
        if (budget.span.end) {
            ends = static_cast<double>(
                std::chrono::sys_seconds{*budget.span.end}.time_since_epoch().count());
        }
        gauges.push_back({budget.project, usd(budget.settings->limit), usd(budget.spent),
                          usd(budget.reserved), ends});
    }
    return gauges;
}

/// Null: nothing is shared, or Redis is away.
std::shared_ptr<const SharedFigures> MoneyReports::shared(const LoadedPolicy& policy,
                                                          policy::Day day,
                                                          std::string_view project) const {
    if (reader_ == nullptr) {
        return nullptr;
    }
    return reader_->read({.book = &policy.limits,
                          .generation = policy.snapshot->generation,
                          .day = day,
                          .project = project});
}

/// Every bucket; of those of other projects than `project`, where that is not empty, what is left
/// may be told as it was a while ago.
std::vector<policy::BucketReport> MoneyReports::buckets(const LoadedPolicy& policy,
                                                        std::string_view project) const {
    const std::shared_ptr<const SharedFigures> figures = shared(policy, today(), project);
    const auto now = std::chrono::steady_clock::now();
    std::vector<policy::BucketReport> reports = policy::report_buckets(policy.limits, nullptr, now);
    for (policy::BucketReport& report : reports) {
        if (const auto level = figures ? figures->level(*report.rule, now) : std::nullopt) {
            report.remaining = level->remaining();
            report.resets_in = level->full_in();
        }
    }
    return reports;
}

/// Every budget, as buckets().
std::vector<policy::BudgetReport> MoneyReports::budgets(const LoadedPolicy& policy,
                                                        std::string_view project) const {
    const policy::Day day = today();
    const std::shared_ptr<const SharedFigures> figures = shared(policy, day, project);
    std::vector<policy::BudgetReport> reports = policy::report_budgets(policy.limits, day);
    for (policy::BudgetReport& report : reports) {
        if (const auto money = figures ? figures->money(report.project) : std::nullopt) {
            report.spent = money->spent;
            report.reserved = money->reserved;
        } else if (process_->shared_limits) {
            bridge(report);
        }
    }
    return reports;
}

/// While Redis is away: what it told last of all processes, else what the records knew of others.
/// Never less than what this process itself has spent.
void MoneyReports::bridge(policy::BudgetReport& report) const {
    SharedLimitsProcess& shared = *process_->shared_limits;
    const std::int64_t own = report.spent.nanos();
    const std::int64_t used = shared.budgets().of(report.project).used(report.span.first);
    std::int64_t all = used - report.reserved.nanos();  // neither is negative but for used: -1
    if (used < 0 &&
        __builtin_add_overflow(own, shared.spent_by_others(report.project, report.span), &all)) {
        all = std::numeric_limits<std::int64_t>::max();
    }
    report.spent = providers::Money::nanos(std::max(own, all));
}

std::vector<MoneySources::Store> MoneyReports::stores() const {
    std::vector<MoneySources::Store> stores;
    if (process_->bookkeeping->has_records()) {
        stores.push_back({"records", process_->bookkeeping->figures().is_up});
    }
    if (process_->shared_limits) {
        stores.push_back({"redis", process_->shared_limits->is_up()});
    }
    return stores;
}

std::optional<MoneySources::Records> MoneyReports::records() const {
    if (!process_->bookkeeping->has_records()) {
        return std::nullopt;
    }
    const Bookkeeping::Figures figures = process_->bookkeeping->figures();
    return MoneySources::Records{figures.stored_rows, figures.journal.unstored_rows,
                                 figures.journal.open_bytes, figures.journal.unstored_bytes};
}

}  // namespace headgate::proxy
