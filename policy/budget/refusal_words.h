#pragma once

#include "policy/budget/worst_case.h"
#include "policy/limits/demand.h"

#include <string>

namespace headgate::policy {

// Why an admission was refused, as serving tells its client.

/// The project's id, or "organization".
std::string name_of(const ScopeRules& scope);

/// The value of `x-headgate-reason` (docs/errors.md); empty where the store is away.
std::string reason_of(const Refusal& refusal);

/// Of Refusal::Kind::limit.
std::string words_for_limit(const Refusal& refusal);
/// Of Refusal::Kind::too_large.
std::string words_for_size(const Refusal& refusal, const Demand& demand);
/// Of a request that may cost more than its client allows (x-headgate-max-cost-usd).
std::string words_for_cost(const WorstCase& worst, providers::Money most);

/// What a budget that refused still has; nullopt: it is overdrawn.
std::optional<providers::Money> left_of(const Refusal& refusal);

/// Of Refusal::Kind::budget.
std::string words_for_budget(const Refusal& refusal, const WorstCase& worst);

}  // namespace headgate::policy
