#pragma once

#include <string_view>

namespace headgate::policy {

/// The JSON Schema (2020-12) of a policy file, for editors and CI. It describes the whole
/// reference, settings that are refused as "not supported yet" included.
std::string_view policy_schema();

/// The shape of each block and the defaults of its settings, as YAML: data/defaults.yaml.
std::string_view policy_defaults();

}  // namespace headgate::policy
