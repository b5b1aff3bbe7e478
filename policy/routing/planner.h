#pragma once

#include "policy/config/snapshot.h"
#include "policy/keys/project.h"
#include "providers/contract/api_request.h"
#include "providers/contract/result.h"
#include "providers/contract/target.h"

#include <chrono>
#include <string_view>
#include <vector>

namespace headgate::policy {

/// How long the parts of an attempt may take (policy.md, Attempts).
struct Deadlines {
    std::chrono::milliseconds connect{2'000};
    std::chrono::milliseconds first_byte{600'000};
    std::chrono::milliseconds first_event{180'000};
    std::chrono::milliseconds idle{300'000};
    std::chrono::milliseconds total{900'000};
    std::chrono::milliseconds stream_total{3'600'000};
};

/// A target that the planner left out, and why.
struct SkippedTarget {
    std::string_view provider;
    std::string_view model;
    std::string_view reason;  // "disabled", …
};

/// The ordered targets and deadlines for one exchange. Views live in the Snapshot and the request.
struct Plan {
    std::string_view route;                  // "default"
    std::vector<providers::Target> targets;  // in order; never empty
    std::vector<SkippedTarget> skipped;
    Deadlines deadlines;
    std::chrono::milliseconds keepalive{15'000};  // SSE comment after this much silence; 0: never
};

/// Step 5. Pure. Errors: endpoint_not_allowed and model_not_allowed (403), model_not_found (404).
providers::Result<Plan> plan(const Snapshot& snapshot,
                             const Project& project,
                             const providers::ApiRequest& request);

/// The models that `project` may use, sorted, for `GET /v1/models`.
std::vector<std::string_view> usable_models(const Snapshot& snapshot, const Project& project);

}  // namespace headgate::policy
