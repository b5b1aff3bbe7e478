#pragma once

#include "policy/config/loader.h"

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::policy {

/// A scalar with its references resolved.
struct ExpandedText {
    std::string text;
    bool is_known = true;  // false: a reference is missing, which LoadOptions let pass
};

/// Resolves `${NAME}`, `${NAME:-default}` (also where NAME is empty) and `${file:PATH}` (trimmed,
/// at most 64 KiB, a regular file) in `raw`, once: what comes in is not expanded again. `$${`
/// stands for `${`, any other `$` for itself. Errors are texts fit to show that name the variable
/// or file, never a value: an unterminated or malformed reference; a missing one with
/// needs_secrets; any file without may_read_files. `files` gets the paths of all `${file:}`, also
/// of those that could not be read.
std::expected<ExpandedText, std::string> expand_references(
    std::string_view raw, const LoadOptions& options, std::vector<std::string>* files = nullptr);

}  // namespace headgate::policy
