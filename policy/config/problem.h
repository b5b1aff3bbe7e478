#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace headgate::policy {

/// One thing wrong with a policy file. Lines and columns count from 1; 0 where the file as a
/// whole is meant.
struct Problem {
    enum class Severity : std::uint8_t { error, warning };

    Severity severity = Severity::error;
    std::string file;
    int line = 0;
    int column = 0;
    std::string message;  // names the setting, the problem, and what would be right
    std::string hint;     // "did you mean `targets`?", or empty
    std::string source;   // the offending line of the file, or empty

    /// `FILE:LINE:COL: error: MESSAGE (HINT)`.
    std::string to_string() const;
};

}  // namespace headgate::policy
