#pragma once

#include "policy/config/loader.h"
#include "policy/config/problem.h"
#include "proxy/pipeline/loaded_policy.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace headgate::proxy {

/// Where a rehearsal keeps its state; gone with this object.
class TemporaryDirectory {
public:
    TemporaryDirectory();
    ~TemporaryDirectory();
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    const std::string& path() const { return path_; }

private:
    std::string path_;
};

/// The policy file that `serve` was started with: read at start and at every reload. Not
/// thread-safe.
class PolicySource {
public:
    /// Limits count in `accounts`, which must outlive all that is loaded.
    PolicySource(std::string path, bool is_rehearsal, policy::Accounts& accounts);

    /// `policy` is null exactly where `problems` holds an error.
    struct Loaded {
        std::shared_ptr<const LoadedPolicy> policy;
        std::vector<policy::Problem> problems;
    };
    /// Reads everything anew. `previous`: see make_loaded_policy().
    Loaded load(std::uint64_t generation, const LoadedPolicy* previous);

    /// The same policy with its token and certificate files read anew.
    Loaded refresh(const LoadedPolicy& policy);

    /// Whether the files of the policy look other than when load() last read them.
    bool has_changed() const { return stamp() != stamp_; }

    /// The same of the token and certificate files, since load() or refresh() read them.
    bool have_credentials_changed() const { return credential_stamp() != credential_stamp_; }

    /// What to watch: of the policy itself, and of what it names to be read while serving.
    const policy::PolicySources& sources() const { return sources_; }
    const std::vector<std::string>& credential_files() const { return credential_files_; }

private:
    std::string stamp() const;
    std::string credential_stamp() const;
    Loaded made(std::shared_ptr<const policy::Snapshot> snapshot,
                policy::YamlPtr tree,
                const LoadedPolicy* previous,
                std::vector<policy::Problem> problems);

    std::string path_;
    bool is_rehearsal_;
    policy::Accounts& accounts_;
    std::optional<TemporaryDirectory> rehearsal_;
    policy::PolicySources sources_;
    std::vector<std::string> credential_files_;
    std::string stamp_;
    std::string credential_stamp_;
};

}  // namespace headgate::proxy
