#pragma once

#include "policy/breaker/breaker.h"
#include "policy/keys/project.h"
#include "providers/contract/provider.h"

#include <bitset>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::policy {

enum class Strategy : std::uint8_t { ordered, weighted, least_busy, fastest, cheapest };

std::string_view to_string(Strategy strategy);

/// ">= 80%", "<= 32k", "< 10", "= 0": a comparison with a number; a percent as 0.8.
struct Comparison {
    enum class Is : std::uint8_t { less, at_most, equal, at_least, more };

    Is is = Is::at_least;
    double value = 0;
    std::string text;  // as written, without a reference's origin: for `explain`

    bool holds(double number) const;
};

/// `when.header`: a field that the client must send.
struct HeaderCondition {
    std::string name;  // lower case
    std::string glob;  // of its value
};

/// `when`: all must hold; what is empty holds.
struct Conditions {
    std::vector<const Project*> projects;
    std::vector<std::string> endpoints;  // families
    std::optional<bool> stream;
    std::vector<HeaderCondition> headers;
    std::optional<Comparison> budget_used;   // 0…1 of the project's budget
    std::optional<Comparison> input_tokens;  // our estimate
};

/// A provider and what to ask of it.
struct RouteTarget {
    const providers::Provider* provider = nullptr;
    std::string model;  // empty: as the client asked
    std::int64_t weight = 1;
};

/// `fallback_on`: after which failures another attempt may be made.
struct FallbackOn {
    std::bitset<600> statuses;
    bool connect = true;
    bool timeout = true;
    bool cut = true;
    bool invalid = true;

    /// 429, 500, 502, 503, 504, 529 and everything else.
    FallbackOn();
    /// `fallback_on: []`: nothing moves or repeats.
    bool is_empty() const { return statuses.none() && !connect && !timeout && !cut && !invalid; }
};

struct RetrySettings {
    int attempts = 3;  // over all targets, the first included
    std::chrono::milliseconds backoff{200};
    std::chrono::milliseconds max_backoff{5'000};
};

/// How long the parts of an attempt may take (docs/policies.md, Deadlines).
struct Timeouts {
    std::chrono::milliseconds connect{2'000};
    std::chrono::milliseconds first_byte{600'000};
    std::chrono::milliseconds first_event{180'000};
    std::chrono::milliseconds idle{300'000};
    std::chrono::milliseconds total{900'000};
    std::chrono::milliseconds stream_total{3'600'000};
};

enum class OnClientGone : std::uint8_t { cancel, finish };

/// One route of the policy, or the implicit one. Lives in the Snapshot; never copied or moved once
/// it is there.
struct Route {
    std::string name;
    std::vector<std::string> models;  // globs; never empty
    Conditions when;
    Strategy strategy = Strategy::ordered;
    bool has_prefix_affinity = false;
    std::vector<RouteTarget> targets;  // never empty
    FallbackOn fallback_on;
    RetrySettings retry;
    Timeouts timeouts;
    BreakerSettings breaker;
    std::chrono::milliseconds keepalive{15'000};  // 0: never
    OnClientGone on_client_gone = OnClientGone::cancel;
    /// `default`, which stands where a policy has no `routes`: all providers, of which a request
    /// sees those that serve its model.
    bool is_implicit = false;
    std::size_t position = 0;  // in the policy's list, counted from 0
};

}  // namespace headgate::policy
