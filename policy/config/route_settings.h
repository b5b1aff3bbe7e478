#pragma once

#include "policy/config/map_reader.h"
#include "policy/config/route.h"

namespace headgate::policy {

/// What a route says of its attempts: `fallback_on`, `retry`, `timeouts`, `breaker`, `keepalive`,
/// `on_client_gone`.
void read_attempt_settings(Reading& reading, const MapReader& map, Route& route);

}  // namespace headgate::policy
