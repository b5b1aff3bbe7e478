#pragma once

#include "policy/breaker/target_health.h"
#include "proxy/net/reactor.h"
#include "proxy/net/task.h"
#include "proxy/pipeline/policy_view.h"

#include <memory>

namespace headgate::proxy {

/// Asks the provider of `target` for its models, and ends the breaker's active probe with what came
/// of it: any 2xx is well (policy.yaml, `breaker: {probe: models}`). Free of charge, at most 5 s.
Task<void> probe_models(Reactor& reactor,
                        std::shared_ptr<PolicyView> view,
                        std::shared_ptr<policy::TargetHealth> target);

}  // namespace headgate::proxy
