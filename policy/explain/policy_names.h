#pragma once

#include "policy/config/snapshot.h"

#include <string_view>
#include <vector>

namespace headgate::policy {

// The names of a policy, for what refers to them from outside: questions and policy tests. In file
// order; views into the Snapshot.

std::vector<std::string_view> project_names(const Snapshot& snapshot);
std::vector<std::string_view> provider_names(const Snapshot& snapshot);
std::vector<std::string_view> route_names(const Snapshot& snapshot);

/// Null where the policy has no such project.
const Project* find_project(const Snapshot& snapshot, std::string_view id);

}  // namespace headgate::policy
