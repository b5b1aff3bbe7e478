#pragma once

#include "policy/config/problem.h"
#include "policy/config/snapshot.h"
#include "policy/config/yaml_tree.h"

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
    /// False: `include` and `${file:}` are errors; for texts of people who may not read our files.
    bool may_read_files = true;
};

/// What a policy was read from: what to watch for changes. Complete also where the policy is
/// faulty, as far as it could be read.
struct PolicySources {
    std::vector<std::string> files;        // the policy, included files, those of `${file:}`
    std::vector<std::string> directories;  // where the globs of `include` look
    std::vector<std::string> token_files;  // `token_file`: read by who connects
};

/// `snapshot` is null exactly where `problems` holds an error. Warnings may come with a snapshot.
struct LoadResult {
    std::unique_ptr<Snapshot> snapshot;
    std::vector<Problem> problems;  // in the order of the files
    PolicySources sources;
    /// The policy as written, includes merged, for show_policy(); null where it could not be read.
    YamlPtr tree;
};

/// Reads and validates a policy file and what it includes. Never throws for what stands in them.
LoadResult load_policy(const std::string& path, const LoadOptions& options);

/// The same for a text that stands for the file at `path`, which is not opened.
LoadResult load_policy_text(const std::string& path, std::string text, const LoadOptions& options);

}  // namespace headgate::policy
