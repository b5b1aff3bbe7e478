#pragma once

#include "policy/breaker/target_health.h"
#include "policy/config/problem.h"
#include "policy/config/snapshot.h"
#include "policy/explain/explain.h"
#include "policy/explain/question.h"
#include "providers/base/clock.h"
#include "providers/contract/api_error.h"

#include <cstdint>
#include <expected>
#include <functional>
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
