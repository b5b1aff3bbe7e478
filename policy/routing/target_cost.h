#pragma once

#include "policy/config/price_book.h"
#include "policy/routing/facts.h"
#include "providers/base/money.h"
#include "providers/contract/target.h"

#include <optional>

namespace headgate::policy {

/// What the request would cost at the target, by its standard price for an input of that length:
/// for `cheapest`, which compares. nullopt: no price is known. Without facts.output_tokens it
/// counts 1,000; a picture as one of the dearest.
std::optional<providers::Money> estimated_cost(const PriceBook& prices,
                                               const providers::Target& target,
                                               const Facts& facts);

}  // namespace headgate::policy
