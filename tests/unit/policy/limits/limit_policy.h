#pragma once

#include "policy/limits/accounts.h"
#include "policy/limits/limit_rules.h"
#include "policy/limits/memory_limits.h"

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headgate::policy {

inline constexpr providers::SteadyTime kStart{std::chrono::hours{100}};
inline constexpr Day kMonday{std::chrono::year{2026} / 6 / 15};

constexpr providers::Money usd(std::int64_t whole) {
    return providers::Money::nanos(whole * 1'000'000'000);
}

/// An entry: limits_of({{LimitKind::rpm, 60}}), for all models where none is named.
inline LimitEntry limits_of(std::initializer_list<std::pair<LimitKind, std::int64_t>> amounts,
                            std::vector<std::string> models = {"*"},
                            EnforceMode mode = EnforceMode::enforce) {
    LimitEntry entry{.models = std::move(models), .mode = mode};
    for (const auto& [kind, amount] : amounts) {
        entry.amounts[static_cast<std::size_t>(kind)] = amount;
    }
    return entry;
}

inline BudgetSettings budget_of(providers::Money limit, BudgetPeriod per = BudgetPeriod::day) {
    return {.limit = limit, .per = per, .since = std::nullopt, .alert_at = {}};
}

/// A policy made in code. Its limits are those at the first call of subject() or book().
class LimitPolicy {
public:
    explicit LimitPolicy(Accounts& accounts) : accounts_{accounts} {}

    Organization& organization() { return snapshot_.organization; }

    Project& add_project(std::string id) {
        auto project = std::make_unique<Project>();
        project->id = std::move(id);
        return *snapshot_.projects.emplace_back(std::move(project));
    }

    const Key& add_key(const Project& project, std::string name, std::vector<LimitEntry> limits) {
        KeyDigest digest{};
        digest[0] = static_cast<std::uint8_t>(snapshot_.keys.size());
        Key key;
        key.name = std::move(name);
        key.project = &project;
        key.limits = std::move(limits);
        snapshot_.keys.add(digest, std::move(key));
        return *snapshot_.keys.find(digest);
    }

    const LimitBook& book() {
        if (book_ == nullptr) {
            book_ = std::make_unique<LimitBook>(snapshot_, accounts_);
        }
        return *book_;
    }

    Subject subject(const Project& project, const Key* key = nullptr) {
        const LimitBook::Rules rules = book().rules_for(project, key);
        return {.organization = rules.organization, .project = rules.project, .key = rules.key};
    }

private:
    Accounts& accounts_;
    Snapshot snapshot_;
    std::unique_ptr<LimitBook> book_;
};

/// One project with entries, alone in its policy.
class OneProject {
public:
    explicit OneProject(std::vector<LimitEntry> limits,
                        std::optional<BudgetSettings> budget = std::nullopt)
        : policy_{accounts_} {
        project_ = &policy_.add_project("search");
        project_->limits = std::move(limits);
        project_->budget = std::move(budget);
    }

    Accounts& accounts() { return accounts_; }
    LimitPolicy& policy() { return policy_; }
    const Project& project() const { return *project_; }
    Subject subject() { return policy_.subject(*project_); }

private:
    Accounts accounts_;
    LimitPolicy policy_;
    Project* project_;
};

/// A demand of one request to "gpt-5" on kMonday.
inline Demand demand_of(std::int64_t tokens = 0, providers::Money worst_case = {}) {
    return {.model = "gpt-5", .tokens = tokens, .worst_case = worst_case, .day = kMonday};
}

}  // namespace headgate::policy
