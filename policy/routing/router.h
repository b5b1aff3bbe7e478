#pragma once

#include "policy/config/price_book.h"
#include "policy/config/snapshot.h"
#include "policy/routing/facts.h"
#include "policy/routing/plan.h"
#include "policy/routing/random.h"
#include "policy/routing/route_index.h"
#include "providers/base/clock.h"
#include "providers/contract/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace headgate::policy {

/// What the health of targets is asked with. Everything by which one plan may differ from another
/// under the same facts and policy.
struct Circumstances {
    TargetHealths& healths;
    Random random{0};
    providers::SteadyTime now;
};

/// Step 5: a policy's routes, indexed once a Snapshot. Immutable, shared by all workers.
class Router {
public:
    /// `snapshot` must outlive it.
    explicit Router(const Snapshot& snapshot);

    /// Facts that some route asks for and that cost something to find out.
    struct Needs {
        std::vector<std::string> headers;  // names in lower case, sorted, each once
        bool input_tokens = false;         // a condition, or the strategy `cheapest`
        bool prefix = false;               // affinity
        bool budget_used = false;          // a condition
    };
    const Needs& needs() const { return needs_; }

    /// Pure: the same facts and circumstances give the same plan. Errors: endpoint_not_allowed,
    /// model_not_allowed (403); model_not_found (404) where no route matches or no target of the
    /// route can serve the request.
    providers::Result<Plan> plan(const Facts& facts, Circumstances circumstances) const;

    /// The route that plan() takes; null where none matches.
    const Route* match(const Facts& facts) const { return index_.first_match(facts); }

    /// The models that `project` may use and some route leads somewhere, sorted, for
    /// `GET /v1/models`.
    std::vector<std::string_view> usable_models(const Project& project) const;

    const Snapshot& snapshot() const { return snapshot_; }
    /// The prices that `cheapest` compares.
    const PriceBook& prices() const { return prices_; }

private:
    const Snapshot& snapshot_;
    RouteIndex index_;
    PriceBook prices_;
    Needs needs_;
    bool simulators_answer_;  // on the implicit route: the policy has nothing else
};

/// Why `route` does not match, in words ("model: not one of gpt-5*, o4*"); empty: it does. The
/// plain reading of a route, condition by condition, which RouteIndex must agree with.
std::string mismatch(const Route& route, const Facts& facts);

}  // namespace headgate::policy
