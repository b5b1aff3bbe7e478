#pragma once

#include "policy/config/yaml_tree.h"

#include <string>

namespace headgate::policy {

/// The effective policy as YAML that loads again: `tree` (LoadResult::tree) with every default
/// written out and its includes merged. References stand as written, a literal secret is
/// `<redacted>`, which only `serve` refuses.
std::string show_policy(const YamlNode& tree);

/// The same as JSON, for GET /headgate/v1/policy.
std::string show_policy_json(const YamlNode& tree);

}  // namespace headgate::policy
