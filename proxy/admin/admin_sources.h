#pragma once

#include "policy/breaker/target_health.h"
#include "policy/config/problem.h"
#include "policy/config/snapshot.h"
#include "policy/explain/explain.h"
#include "policy/explain/question.h"
#include "policy/ledger/record_store.h"
#include "policy/limits/memory_limits.h"
#include "providers/base/clock.h"
#include "providers/contract/api_error.h"

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::proxy {

/// Whether requests would be served: yes, where there is no reason against it.
struct Readiness {
    std::vector<std::string> reasons;   // "draining", …
    std::vector<std::string> warnings;  // what is away but bridged
    std::uint64_t generation = 0;       // of the active policy
};

/// What came of a reload. Not loaded: `problems` says why, and the old policy stays.
struct ReloadOutcome {
    bool is_loaded = false;
    std::uint64_t generation = 0;  // of the policy that is active now
    std::vector<policy::Problem> problems;
};

/// A project of the active policy, for GET /headgate/v1/projects.
struct ProjectReport {
    struct Key {
        std::string name;
        std::string prefix;  // empty: only the digest is known
        std::optional<providers::WallTime> last_used;
    };

    std::string id;
    std::vector<std::string> models;  // globs; empty: all
    std::vector<policy::LimitEntry> limits;
    std::optional<policy::BudgetSettings> budget;
    std::vector<Key> keys;  // of the policy and of the record store, by name
};

/// What is left of one bucket, for GET /headgate/v1/projects/{id}/limits.
struct LimitReport {
    policy::Scope scope = policy::Scope::project;
    std::string model;  // the entry's globs
    policy::LimitKind kind = policy::LimitKind::rpm;
    std::int64_t limit = 0;
    std::int64_t remaining = 0;
    std::chrono::milliseconds resets_in{0};
};

/// The state of a project's budget, for GET /headgate/v1/projects/{id}/budget.
struct BudgetState {
    policy::BudgetSettings settings;
    policy::BudgetSpan span;
    providers::Money spent;
    providers::Money reserved;
};

/// What the admin listener tells. All of it is called on the admin thread, so that none may take
/// long; a reload therefore answers by a callback. All but `log_error` must be set.
struct AdminSources {
    std::function<std::string()> metrics;  // Prometheus text
    std::function<Readiness()> readiness;
    /// Of the active policy: they change with a reload.
    std::function<std::vector<policy::AdminKey>()> admin_keys;
    std::function<std::vector<policy::TargetHealth::Report>(providers::SteadyTime now)> targets;
    /// The error is for questions that no policy can answer, such as an unknown project.
    std::function<std::expected<policy::Explanation, providers::ApiError>(const policy::Question&)>
        explain;
    std::function<std::string()> policy_json;  // without secrets
    std::function<std::vector<ProjectReport>()> projects;
    /// nullopt: the policy has no such project. Without a budget the inner one is empty.
    std::function<std::optional<std::optional<BudgetState>>(std::string_view project)> budget;
    /// Every bucket that the project's requests meet: the organization's, its own, its keys'.
    std::function<std::optional<std::vector<LimitReport>>(std::string_view project)> limits;
    /// Of the record store; it may be away. With `records: none` all are `refused`.
    std::function<policy::Stored<policy::LedgerPage>(const policy::LedgerQuery&)> ledger;
    std::function<policy::Stored<std::optional<std::string>>(std::string_view id)> ledger_row;
    /// Writes down who did what through this listener.
    std::function<void(std::string_view actor, std::string_view action)> audit;
    /// Begins a reload and returns. The callback may be called once, on any thread, also before
    /// this returns and after the AdminServer's end.
    std::function<void(std::move_only_function<void(ReloadOutcome)>)> reload;
    std::function<void(std::string_view)> log_error;  // a bug behind a 500, one line
};

/// {"ready":true,"warnings":[],"reasons":[],"generation":7}
std::string to_json(const Readiness& readiness);

/// {"generation":8}, or of a policy that was not loaded {"error":{…},"problems":[…]}.
std::string to_json(const ReloadOutcome& outcome);

}  // namespace headgate::proxy
