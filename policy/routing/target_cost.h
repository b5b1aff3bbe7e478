#pragma once

#include "policy/routing/facts.h"
#include "providers/base/money.h"
#include "providers/contract/target.h"

#include <optional>

namespace headgate::policy {

/// What the request would cost at the target, by the catalogue's price for an input of that length
/// times the provider's price_multiplier: for `cheapest`, which compares. nullopt: no price is
/// known. Without facts.output_tokens it counts 1,000.
std::optional<providers::Money> estimated_cost(const providers::Target& target, const Facts& facts);

}  // namespace headgate::policy
