#pragma once

#include "policy/breaker/target_health.h"
#include "providers/base/clock.h"

#include <span>
#include <string>

namespace headgate::proxy {

/// GET /headgate/v1/targets (docs/operations.md): {"data":[{…}]}. Times are milliseconds from or
/// before `now`, whole ones rounded up.
std::string targets_json(std::span<const policy::TargetHealth::Report> targets,
                         providers::SteadyTime now);

}  // namespace headgate::proxy
