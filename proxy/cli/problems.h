#pragma once

#include "policy/config/problem.h"
#include "policy/config/snapshot.h"

#include <iosfwd>
#include <memory>
#include <string>

namespace headgate::proxy {

/// The problem as compilers print theirs: place and message, the line, the hint.
void print_problem(std::ostream& out, policy::Problem problem);

/// The policy for a command that sends nothing, so that secrets may be missing. Null where it is
/// faulty: all problems and a closing line are then on stderr. Warnings are for `check` to tell.
std::unique_ptr<policy::Snapshot> load_without_secrets(const std::string& file);

}  // namespace headgate::proxy
