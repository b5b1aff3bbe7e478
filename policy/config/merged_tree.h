#pragma once

#include "policy/config/reading.h"

#include <vector>

namespace headgate::policy {

/// The roots of a policy's files as one map, in their order: `providers`, `projects` and `prices`
/// have the entries of all files, `routes` the elements of all. Any other name stays as often as
/// it stands, so that its reader reports the second place; `include` is left out. Reported: such a
/// block of which a file makes something else. `roots` are maps, the main file's first.
YamlPtr merged_tree(Reading& reading, const std::vector<YamlPtr>& roots);

}  // namespace headgate::policy
