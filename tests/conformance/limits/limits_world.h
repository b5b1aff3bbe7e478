#pragma once

#include "policy/config/snapshot.h"
#include "policy/limits/accounts.h"
#include "policy/limits/demand.h"
#include "policy/limits/limit_rules.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::policy::testing {

using providers::Money;

constexpr Money usd(std::int64_t whole) {
    return Money::nanos(whole * 1'000'000'000);
}

/// 15 April 2026, a Wednesday.
inline constexpr Day kToday{std::chrono::year{2026} / 4 / 15};

/// One entry of `limits`: "rpd" and its amount, …
inline LimitEntry entry(std::initializer_list<std::pair<LimitKind, std::int64_t>> amounts,
                        EnforceMode mode = EnforceMode::enforce,
                        std::vector<std::string> models = {"*"}) {
    LimitEntry made{.models = std::move(models), .mode = mode};
    for (const auto& [kind, amount] : amounts) {
        made.amounts[static_cast<std::size_t>(kind)] = amount;
    }
    return made;
}

inline BudgetSettings budget(Money limit,
                             BudgetPeriod per = BudgetPeriod::month,
                             EnforceMode mode = EnforceMode::enforce) {
    return {.limit = limit, .per = per, .since = {}, .mode = mode, .alert_at = {}};
}

/// A policy in code with the accounts of one process. Projects first, then open(), then subjects.
class LimitsWorld {
public:
    Project& project(const std::string& id) {
        snapshot_->projects.push_back(std::make_unique<Project>());
        snapshot_->projects.back()->id = id;
        return *snapshot_->projects.back();
    }

    Organization& organization() { return snapshot_->organization; }

    const Key& key(const Project& project, const std::string& name, LimitEntry limits) {
        KeyDigest digest{};
        name.copy(reinterpret_cast<char*>(digest.data()), digest.size());
        snapshot_->keys.add(digest, {.name = name,
                                     .project = &project,
                                     .expires = {},
                                     .limits = {std::move(limits)},
                                     .prefix = {},
                                     .digest = digest});
        return *snapshot_->keys.find(digest);
    }

    void open() { book_ = std::make_unique<LimitBook>(*snapshot_, *accounts_); }

    Subject subject(const Project& project, const Key* key = nullptr) const {
        const LimitBook::Rules rules = book_->rules_for(project, key);
        return {.organization = rules.organization, .project = rules.project, .key = rules.key};
    }

    Accounts& accounts() { return *accounts_; }

    /// Another process with the same policy.
    LimitsWorld twin() const {
        LimitsWorld other;
        other.snapshot_ = snapshot_;
        other.open();
        return other;
    }

private:
    std::shared_ptr<Snapshot> snapshot_ = std::make_shared<Snapshot>();
    std::unique_ptr<Accounts> accounts_ = std::make_unique<Accounts>();
    std::unique_ptr<LimitBook> book_;
};

inline Demand demand(Money worst = {}, std::int64_t tokens = 0, std::int64_t images = 0) {
    return {
        .model = "gpt-5", .tokens = tokens, .images = images, .worst_case = worst, .day = kToday};
}

/// What became of `held`: all that it used, unless told otherwise.
inline Settled settled(const Demand& held, Money cost) {
    return {.held = held, .tokens = held.tokens, .images = held.images, .cost = cost};
}

}  // namespace headgate::policy::testing
