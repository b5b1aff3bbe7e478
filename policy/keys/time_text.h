#pragma once

#include "policy/keys/budget_settings.h"
#include "providers/base/clock.h"

#include <string>

namespace headgate::policy {

/// "2026-11-25". Years from 0 to 9999.
std::string day_text(Day day);

/// RFC 3339 in UTC with whole seconds, rounded down: "2026-11-25T14:03:07Z".
std::string moment_text(providers::WallTime time);

}  // namespace headgate::policy
