#pragma once

#include "providers/base/clock.h"

#include <optional>
#include <string_view>

namespace headgate::proxy {

/// A moment as parameters write it: "2026-11-25" (its first moment, UTC) or RFC 3339
/// "2026-11-25T14:03:07Z", with up to 9 places of a second and any offset. nullopt: it is none.
std::optional<providers::WallTime> parse_time(std::string_view text);

}  // namespace headgate::proxy
