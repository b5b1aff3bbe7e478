#pragma once

#include "policy/config/yaml_tree.h"

#include <string>

namespace headgate::policy {

/// The tree as JSON without white space. Plain scalars have the type that YAML 1.2's core schema
/// gives them, but infinities and what is no number of a common size stay text, and so does every
/// quoted scalar.
std::string to_json_text(const YamlNode& node);

}  // namespace headgate::policy
