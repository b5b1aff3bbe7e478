#pragma once

#include "policy/config/file_text.h"
#include "policy/config/reading.h"

namespace headgate::policy {

/// What the files of one policy may be at most, each also kMaxYamlBytes.
inline constexpr std::size_t kMaxPolicyFiles = 1'000;
inline constexpr std::size_t kMaxPolicyBytes = std::size_t{32} << 20;
inline constexpr int kMaxIncludeDepth = 8;

/// Parses the main file of `reading`, `main` (its text has gone into `reading`), then reads what
/// `include` names: globs relative to the including file, sorted, each file followed by its own
/// includes. Returns all of it merged (merged_tree.h); null where a file could not be read or is no
/// policy, which is reported. `sources` gets the files and the directories that were looked into.
///
/// Errors: a file that is included twice or includes itself, nesting deeper than kMaxIncludeDepth,
/// a plain name that does not exist, an empty file, more than the limits above.
YamlPtr read_policy_tree(Reading& reading, const FileText& main, PolicySources& sources);

}  // namespace headgate::policy
