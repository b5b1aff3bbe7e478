#pragma once

#include "policy/config/snapshot.h"
#include "policy/routing/facts.h"
#include "policy/routing/plan.h"
#include "policy/routing/strategies.h"
#include "providers/base/clock.h"

#include <vector>

namespace headgate::policy {

/// What the targets of a route are judged by.
struct CandidateSearch {
    const Route& route;
    const Facts& facts;
    TargetHealths& healths;
    providers::SteadyTime now;
    bool simulators_answer = true;  // on the implicit route
};

/// The targets of the route that may be attempted now, in its order, and in `skipped` the others
/// with the reason. Where all that could serve have to rest, the one that rests shortest (of equals
/// the first) is left as the last resort. A target that the route lists twice counts once.
std::vector<Candidate> candidates(const CandidateSearch& search,
                                  std::vector<SkippedTarget>& skipped);

/// The implicit route's rule: simulators answer only where the policy has nothing else. A disabled
/// provider counts too: switching it off must not turn real answers into played ones.
bool simulators_answer(const Snapshot& snapshot);

/// What is asked of a target for a client that asked for `model`.
inline std::string_view model_of(const RouteTarget& target, std::string_view model) {
    return target.model.empty() ? model : std::string_view{target.model};
}

}  // namespace headgate::policy
