#pragma once

#include "policy/explain/question.h"
#include "policy/explain/world.h"
#include "policy/limits/demand.h"

#include <memory>
#include <optional>

namespace headgate::policy {

/// The scopes that a question meets, with counters of their own that begin as the world's are: what
/// is admitted there by the code that serves is counted nowhere else.
class SupposedScopes {
public:
    /// `key` may be null. Looks into the world's Snapshot, which must outlive it.
    SupposedScopes(const World& world,
                   const Question& question,
                   const Project& project,
                   const Key* key);

    /// Of this object's rules.
    Subject subject() const;
    Day day() const { return day_; }
    /// What the project usually gets from that model.
    std::int64_t expected_output(std::string_view model) const;

private:
    void copy_cells(const World& world, ScopeRules& scope) const;
    /// `live`: of the world.
    void copy_money(const World& world, const Question& question, const ScopeRules& live) const;

    Day day_;
    std::shared_ptr<Account> live_project_;
    std::shared_ptr<Account> organization_account_;
    std::shared_ptr<Account> project_account_;
    std::optional<ScopeRules> organization_;  // nullopt: it has no rules
    ScopeRules project_;
    std::optional<ScopeRules> key_;  // nullopt: it has no rules
};

}  // namespace headgate::policy
