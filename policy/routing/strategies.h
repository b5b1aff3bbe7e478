#pragma once

#include "policy/config/price_book.h"
#include "policy/routing/facts.h"
#include "policy/routing/plan.h"
#include "policy/routing/random.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace headgate::policy {

/// A target that may be attempted, with what its order may depend on.
struct Candidate {
    PlannedTarget planned;
    std::int64_t weight = 1;  // 0: never drawn where another can be
};

/// By what candidates are put in order, beside chance and their health.
struct Arrangement {
    const Route& route;
    const Facts& facts;
    const PriceBook& prices;
};

/// Brings `candidates`, which stand in the route's order, into the order in which they are to be
/// attempted, by the route's strategy and affinity (docs/policies.md, Strategies). Pure but for
/// the health that it reads.
void arrange(const Arrangement& by, Random& random, std::vector<Candidate>& candidates);

}  // namespace headgate::policy
