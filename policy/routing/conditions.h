#pragma once

#include "policy/config/route.h"
#include "policy/routing/facts.h"

namespace headgate::policy {

/// Whether the client sent such a field; of a repeated one any value will do.
bool holds(const HeaderCondition& condition, const Facts& facts);

/// The conditions that no set of routes is kept for: header, budget_used, input_tokens.
bool measured_conditions_hold(const Conditions& when, const Facts& facts);

}  // namespace headgate::policy
