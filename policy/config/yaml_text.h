#pragma once

#include "policy/config/yaml_tree.h"

#include <cstddef>
#include <string>

namespace headgate::policy {

/// Writes `entry` of a map as lines that begin `indentation` blanks in. Read again by parse_yaml()
/// they give the same tree, but for places and for quotes that mean nothing.
///
/// Blocks are indented by two; a list of scalars that fits stands in one line. A scalar is plain
/// where it may be and is quoted where something else would be read; what may be typed (a number, a
/// flag) keeps its quotes or their absence. Non-ASCII text is quoted and stands as it is, control
/// characters are escaped.
void append_yaml(const YamlEntry& entry, std::size_t indentation, std::string& out);

}  // namespace headgate::policy
