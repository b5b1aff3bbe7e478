#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <vector>

namespace headgate::policy {

/// What one entry of `include` names.
struct IncludedPaths {
    std::vector<std::string> files;        // sorted; relative ones as seen from the process
    std::vector<std::string> directories;  // that were listed: a new file there may match, too
    bool is_glob = false;                  // may match nothing
};

/// Resolves `pattern` relative to `directory` (empty: where the process runs). `*` and `?` stand
/// for characters of one name, never for a leading dot. A name without them is itself, there or
/// not. Takes what it looks at from `entries_left`. The error is a text fit to show: an empty
/// pattern, characters that other programs' globs know (`**`, `[`, `{`), a directory that cannot
/// be read, too many entries.
std::expected<IncludedPaths, std::string> included_paths(const std::string& directory,
                                                         const std::string& pattern,
                                                         std::size_t& entries_left);

/// The directory part of a path, without a last slash; empty where there is none.
std::string directory_of(const std::string& path);

}  // namespace headgate::policy
