#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::policy {

/// Insertions, deletions, replacements and swaps of neighbours that lead from one word to the
/// other. Words longer than 64 bytes are cut there.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// "did you mean `NAME`?" for the nearest of `names`, or empty where none is near (a third of the
/// word's length, at least one edit).
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& names);

}  // namespace headgate::policy
