#pragma once

#include "policy/config/map_reader.h"

#include <optional>

namespace headgate::policy {

/// The `admin` block where there is one. Who listens and whose keys are good there is read in two
/// places; what is wrong with the block itself is told once all the same (Reading).
std::optional<MapReader> admin_block(Reading& reading, const MapReader& root);

}  // namespace headgate::policy
