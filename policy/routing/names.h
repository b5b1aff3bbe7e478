#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace headgate::policy {

/// How many names a sentence lists at most.
inline constexpr std::size_t kNamesShown = 5;

std::string quoted(std::string_view text);

/// "a, b, c"; of more than kNamesShown the first ones "and others".
std::string first_names(const std::vector<std::string>& names);

}  // namespace headgate::policy
