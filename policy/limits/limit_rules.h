#pragma once

#include "policy/config/snapshot.h"
#include "policy/keys/budget_settings.h"
#include "policy/keys/limit_settings.h"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace headgate::policy {

class Account;
class Accounts;
struct BucketCell;

enum class Scope : std::uint8_t { organization, project, key };

std::string_view to_string(Scope scope);

/// One bucket of a policy, resolved once a policy.
struct BucketRule {
    LimitKind kind = LimitKind::rpm;
    std::int64_t limit = 0;
    EnforceMode mode = EnforceMode::enforce;
    Scope scope = Scope::project;
    /// Stable over policies and processes, by scope, entry and kind: "p/search/gpt-5*/tpm",
    /// "o/*/rpm", "k/search/prod/*/rpm"; where entries of a scope have the same globs and kind,
    /// the second is "p/search/gpt-5*#2/tpm". What counters survive by, also in Redis.
    std::string name;
    /// How refusals call it: "search/gpt-5*/tpm", "organization/*/rpm", "search/prod/*/rpm".
    std::string label;
    std::string models;          // the entry's label
    BucketCell* cell = nullptr;  // this process' counter; lives in the Account
};

/// One entry of `limits`.
struct EntryRules {
    std::vector<std::string> models;
    std::vector<BucketRule> buckets;

    bool matches(std::string_view model) const;
};

/// The limits and the budget of the organization, a project or a key.
struct ScopeRules {
    Scope scope = Scope::project;
    std::string id;   // the project's; empty for the organization
    std::string key;  // the key's name, where scope is key
    std::vector<EntryRules> entries;
    const BudgetSettings* budget = nullptr;  // lives in the Snapshot; null: none
    std::shared_ptr<Account> account;        // a key's is its project's
    /// Of projects and keys: where their money is added, too, also where it has no rules.
    std::shared_ptr<Account> organization_account;

    bool is_empty() const { return entries.empty() && budget == nullptr; }
};

/// All rules of one policy. Immutable; made where a policy is loaded. Looks into `snapshot`, which
/// must outlive it.
class LimitBook {
public:
    LimitBook(const Snapshot& snapshot, Accounts& accounts);

    struct Rules {
        const ScopeRules* organization = nullptr;
        const ScopeRules* project = nullptr;
        const ScopeRules* key = nullptr;
    };
    /// Of an identity of the same snapshot. The organization's and the key's are null where they
    /// have no rule; a key of the record store has none of its own.
    Rules rules_for(const Project& project, const Key* key) const;

    const ScopeRules& organization() const { return organization_; }
    /// Projects in the policy's order.
    const std::vector<std::unique_ptr<ScopeRules>>& projects() const { return projects_; }
    const std::vector<std::unique_ptr<ScopeRules>>& keys() const { return keys_; }

private:
    ScopeRules organization_;
    std::vector<std::unique_ptr<ScopeRules>> projects_;
    std::vector<std::unique_ptr<ScopeRules>> keys_;  // only those with limits
    std::unordered_map<const Project*, const ScopeRules*> by_project_;
    std::unordered_map<const Key*, const ScopeRules*> by_key_;
};

}  // namespace headgate::policy
