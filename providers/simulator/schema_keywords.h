#pragma once

#include "providers/simulator/json_view.h"

#include <cstddef>
#include <string_view>
#include <vector>

namespace headgate::providers {

// How schemas that apply to one value together read as one. Private to this folder.

constexpr std::size_t kLargestValue = std::size_t{256} << 10;  // bytes of a made value

/// The keyword's value in the first schema that has it: the others may only narrow it.
JsonView keyword(const std::vector<JsonView>& all, std::string_view name);

/// The highest of the lower bounds `name` (minLength, minItems), 0 where there is none. A bound
/// that nothing could meet reads as one above kLargestValue.
std::size_t least_count(const std::vector<JsonView>& all, std::string_view name);

/// The lowest of the upper bounds `name`, kLargestValue where there is none.
std::size_t most_count(const std::vector<JsonView>& all, std::string_view name);

}  // namespace headgate::providers
