#include "policy/routing/router.h"

#include "policy/routing/candidates.h"
#include "policy/routing/refusals.h"
#include "policy/routing/strategies.h"

namespace headgate::policy {
namespace {

Router::Needs needs_of(const Snapshot& snapshot) {
    Router::Needs needs;
    for (const auto& route : snapshot.routes) {
        for (const HeaderCondition& condition : route->when.headers) {
            needs.headers.push_back(condition.name);
        }
        needs.input_tokens = needs.input_tokens || route->when.input_tokens.has_value() ||
                             route->strategy == Strategy::cheapest;
        needs.prefix = needs.prefix || route->has_prefix_affinity;
        needs.budget_used = needs.budget_used || route->when.budget_used.has_value();
    }
    std::ranges::sort(needs.headers);
    const auto repeated = std::ranges::unique(needs.headers);
    needs.headers.erase(repeated.begin(), repeated.end());
    return needs;
}

}  // namespace

Router::Router(const Snapshot& snapshot)
    : snapshot_{snapshot},
      index_{snapshot},
      prices_{snapshot},
      needs_{needs_of(snapshot)},
      simulators_answer_{simulators_answer(snapshot)} {}

providers::Result<Plan> Router::plan(const Facts& facts, Circumstances circumstances) const {
    if (auto problem = permission_problem(facts)) {
        return std::unexpected(std::move(*problem));
    }
    const Route* const route = match(facts);
    if (route == nullptr) {
        return std::unexpected(no_route(snapshot_, facts));
    }
    Plan plan;
    plan.route = route;
    std::vector<Candidate> usable = candidates({.route = *route,
                                                .facts = facts,
                                                .healths = circumstances.healths,
                                                .now = circumstances.now,
                                                .simulators_answer = simulators_answer_},
                                               plan.skipped);
    if (usable.empty()) {
        return std::unexpected(no_target(*route, facts, plan.skipped));
    }
    arrange({.route = *route, .facts = facts, .prices = prices_}, circumstances.random, usable);
    plan.targets.reserve(usable.size());
    for (const Candidate& candidate : usable) {
        plan.targets.push_back(candidate.planned);
    }
    return plan;
}

}  // namespace headgate::policy
