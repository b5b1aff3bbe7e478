#include "policy/config/problem.h"

namespace headgate::policy {

std::string Problem::to_string() const {
    std::string text = file + ":" + std::to_string(line) + ":" + std::to_string(column);
    text += severity == Severity::error ? ": error: " : ": warning: ";
    text += message;
    return hint.empty() ? text : text + " (" + hint + ")";
}

}  // namespace headgate::policy
