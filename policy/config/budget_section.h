#pragma once

#include "policy/config/state_section.h"
#include "policy/keys/budget_settings.h"

#include <optional>

namespace headgate::policy {

/// `budget` of the organization or of a project; nullopt where its amount is faulty (reported) or
/// unknown. Reported: what limits in Redis cannot count exactly, and a budget that no record
/// outlives.
std::optional<BudgetSettings> read_budget(Reading& reading,
                                          const Setting& setting,
                                          const StatePlaces& places);

}  // namespace headgate::policy
