#pragma once

#include "policy/config/yaml_tree.h"

#include <string_view>

namespace headgate::policy {

/// The policy `tree` with every default written out (data/defaults.yaml), its blocks and settings
/// in the order of the reference; providers, routes and projects stay in the order of the file.
/// What no block knows stands behind what it knows. A block that may be a list is one. `include`
/// is empty: what was included stands in the tree. Whatever is no map is an empty policy.
///
/// A default that follows from a setting which is a reference is left out: it goes on following.
YamlPtr with_defaults(const YamlNode& tree);

/// The value of that name in a map, the first where it stands twice; null where there is none.
YamlPtr value_of(const YamlNode& map, std::string_view name);

}  // namespace headgate::policy
