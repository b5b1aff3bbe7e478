#pragma once

#include "policy/config/map_reader.h"
#include "policy/keys/limit_settings.h"

#include <vector>

namespace headgate::policy {

/// `limits` of the organization, a project or a key, in file order. Reported: an entry that limits
/// nothing, amounts outside 1 to 10^15, and two entries of the list that limit the same kind for
/// the same models, whose buckets would have one name.
std::vector<LimitEntry> read_limits(Reading& reading, const Setting& setting);

/// `mode` of a limit or a budget.
void read_mode(const MapReader& map, EnforceMode& mode);

}  // namespace headgate::policy
