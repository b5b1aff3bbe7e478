#pragma once

#include "policy/config/problem.h"
#include "policy/config/snapshot.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace headgate::policy {

/// How `${…}` references are resolved. `check` works without secrets, `serve` does not.
struct LoadOptions {
    /// False: a missing variable or file is no problem and stands for an unknown secret.
    bool needs_secrets = true;
    /// The environment; empty: the process's own. Replaced in tests.
    std::function<std::optional<std::string>(const std::string& name)> environment;
};

/// `snapshot` is null exactly where `problems` holds an error. Warnings may come with a snapshot.
struct LoadResult {
    std::unique_ptr<Snapshot> snapshot;
    std::vector<Problem> problems;  // in the order of the file
};

/// Reads and validates a policy file. Never throws for what stands in the file.
LoadResult load_policy(const std::string& path, const LoadOptions& options);

}  // namespace headgate::policy
