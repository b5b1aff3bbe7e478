#include "policy/explain/supposed_scopes.h"

#include <cmath>
#include <mutex>
#include <unordered_map>

namespace headgate::policy {
namespace {

/// `share` of `limit`, exact for the percentages that a question may have.
std::int64_t part_of(providers::Money limit, double share) {
    __extension__ using Wide = __int128;
    constexpr std::int64_t whole = 1'000'000'000;
    const std::int64_t parts = std::llround(std::clamp(share, 0.0, 1.0) * whole);
    return static_cast<std::int64_t>(Wide{limit.nanos()} * parts / whole);
}

/// What the question supposes: of the project's budget alone.
SpentReserved supposed(const Question& question, const ScopeRules& scope) {
    const double share = scope.scope == Scope::project ? question.budget_used : 0;
    return {.spent = providers::Money::nanos(part_of(scope.budget->limit, share)), .reserved = {}};
}

}  // namespace

SupposedScopes::SupposedScopes(const World& world,
                               const Question& question,
                               const Project& project,
                               const Key* key)
    : day_{day_of(world.time)},
      organization_account_{std::make_shared<Account>("")},
      project_account_{std::make_shared<Account>(project.id)} {
    const LimitBook::Rules live = world.limits.rules_for(project, key);
    live_project_ = live.project->account;
    if (live.organization != nullptr) {
        organization_ = *live.organization;
        copy_cells(world, *organization_);
        copy_money(world, question, *live.organization);
    }
    project_ = *live.project;
    copy_cells(world, project_);
    copy_money(world, question, *live.project);
    if (live.key != nullptr) {
        key_ = *live.key;
        copy_cells(world, *key_);
    }
}

Subject SupposedScopes::subject() const {
    return {.organization = organization_ ? &*organization_ : nullptr,
            .project = &project_,
            .key = key_ ? &*key_ : nullptr};
}

std::int64_t SupposedScopes::expected_output(std::string_view model) const {
    const std::scoped_lock lock{live_project_->mutex()};
    return live_project_->expected_output(model);
}

/// From the rules of the world to those of this object: the levels stay as they are.
void SupposedScopes::copy_cells(const World& world, ScopeRules& scope) const {
    const bool is_organization = scope.scope == Scope::organization;
    const std::shared_ptr<Account> live = scope.account;
    scope.account = is_organization ? organization_account_ : project_account_;
    scope.organization_account = is_organization ? nullptr : organization_account_;
    // First, without the lock under which requests are served: to ask for it may take a while.
    std::unordered_map<const BucketCell*, Bucket> shared;
    for (const EntryRules& entry : scope.entries) {
        for (const BucketRule& rule : entry.buckets) {
            if (const auto bucket = world.bucket ? world.bucket(rule) : std::nullopt) {
                shared.emplace(rule.cell, *bucket);
            }
        }
    }
    const std::scoped_lock lock{live->mutex()};
    for (EntryRules& entry : scope.entries) {
        for (BucketRule& rule : entry.buckets) {
            BucketCell& cell = scope.account->cell(rule.name);
            const auto known = shared.find(rule.cell);
            cell.bucket = known == shared.end() ? rule.cell->bucket : known->second;
            rule.cell = &cell;
        }
    }
}

void SupposedScopes::copy_money(const World& world,
                                const Question& question,
                                const ScopeRules& live) const {
    if (live.budget == nullptr) {
        return;
    }
    const SpentReserved used = world.used ? world.used(live) : supposed(question, live);
    const bool is_organization = live.scope == Scope::organization;
    (is_organization ? organization_account_ : project_account_)
        ->add(day_, used.spent.nanos(), used.reserved.nanos());
}

}  // namespace headgate::policy
