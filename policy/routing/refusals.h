#pragma once

#include "policy/config/snapshot.h"
#include "policy/routing/facts.h"
#include "policy/routing/plan.h"
#include "providers/contract/api_error.h"

#include <optional>
#include <span>

namespace headgate::policy {

/// endpoint_not_allowed or model_not_allowed (403); nullopt: the project may ask this.
std::optional<providers::ApiError> permission_problem(const Facts& facts);

/// model_not_found (404): no route of the policy matches.
providers::ApiError no_route(const Snapshot& snapshot, const Facts& facts);

/// model_not_found (404): the route matches, but all its targets were skipped.
providers::ApiError no_target(const Route& route,
                              const Facts& facts,
                              std::span<const SkippedTarget> skipped);

}  // namespace headgate::policy
