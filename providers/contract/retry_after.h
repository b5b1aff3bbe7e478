#pragma once

#include "providers/base/clock.h"

#include <chrono>
#include <optional>
#include <string_view>

namespace headgate::providers {

/// `Retry-After` (RFC 9110 §10.2.3): seconds, which some providers give with a fraction, or an HTTP
/// date in any of its three formats, counted from `now`. Never negative: a date that has passed is
/// 0. nullopt for anything else. At most 30 days.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value, WallTime now);

/// `retry-after-ms`: milliseconds, a fraction rounded up.
std::optional<std::chrono::milliseconds> parse_retry_after_ms(std::string_view value);

/// `x-ratelimit-reset-*`: "1s", "6m0s", "120ms", "1h2m3.5s", as Go prints a duration.
std::optional<std::chrono::milliseconds> parse_go_duration(std::string_view value);

}  // namespace headgate::providers
