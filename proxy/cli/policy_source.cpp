#include "proxy/cli/policy_source.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace headgate::proxy {
namespace {

using policy::Problem;

/// Every provider answered by a simulator of its own wire format. Limits and records are the
/// rehearsal's own: nothing of it is in the real ledger.
void rehearse(policy::Snapshot& snapshot, const std::string& directory) {
    snapshot.state.directory = directory;
    snapshot.state.redis.reset();
    snapshot.state.records = policy::RecordsKind::sqlite;
    snapshot.state.sqlite_path = "rehearsal.db";
    snapshot.alerts.webhook.reset();
    snapshot.listen_shared = false;
    for (auto& settings : snapshot.providers) {
        if (settings->provider.kind == providers::ProviderKind::simulator) {
            continue;
        }
        settings->is_simulated = true;
        settings->behaviour = policy::default_behaviour();
        settings->provider.base_url = policy::simulator_base_url(settings->provider.wire);
    }
}

/// Which file a name leads to, and in which state: changes with every way of writing it.
void append_stamp(std::string& stamp, const std::string& path) {
    struct stat file{};
    stamp += path;
    if (::stat(path.c_str(), &file) == 0) {
        for (const auto number :
             {static_cast<std::int64_t>(file.st_dev), static_cast<std::int64_t>(file.st_ino),
              static_cast<std::int64_t>(file.st_size), std::int64_t{file.st_mtim.tv_sec},
              std::int64_t{file.st_mtim.tv_nsec}}) {
            stamp += ' ' + std::to_string(number);
        }
    }
    stamp += '\n';
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "headgate-rehearsal-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
        throw std::system_error(errno, std::generic_category(), "cannot make " + pattern);
    }
    path_ = std::move(pattern);
}

TemporaryDirectory::~TemporaryDirectory() {
    std::error_code ignored;  // it lies among temporary files: the system clears them, too
    std::filesystem::remove_all(path_, ignored);
}

PolicySource::PolicySource(std::string path, bool is_rehearsal, policy::Accounts& accounts)
    : path_{std::move(path)}, is_rehearsal_{is_rehearsal}, accounts_{accounts} {
    if (is_rehearsal_) {
        rehearsal_.emplace();
    }
}

std::string PolicySource::stamp() const {
    std::string stamp;
    for (const std::string& file : sources_.files) {
        append_stamp(stamp, file);
    }
    for (const std::string& directory : sources_.directories) {
        append_stamp(stamp, directory);
    }
    return stamp;
}

std::string PolicySource::credential_stamp() const {
    std::string stamp;
    for (const std::string& file : credential_files_) {
        append_stamp(stamp, file);
    }
    return stamp;
}

PolicySource::Loaded PolicySource::load(std::uint64_t generation, const LoadedPolicy* previous) {
    policy::LoadOptions how;
    how.needs_secrets = !is_rehearsal_;
    // Before it is read: what is written meanwhile counts as a change.
    const std::string before = stamp();
    policy::LoadResult result = policy::load_policy(path_, how);
    const bool reads_the_same = sources_.files == result.sources.files &&
                                sources_.directories == result.sources.directories;
    sources_ = std::move(result.sources);
    if (sources_.files.empty()) {
        sources_.files.push_back(path_);  // not even that could be read: it may come back
    }
    stamp_ = reads_the_same ? before : stamp();
    if (!result.snapshot) {
        return {nullptr, std::move(result.problems)};
    }
    credential_files_ = sources_.token_files;
    for (const auto& settings : result.snapshot->providers) {
        if (!settings->provider.tls_ca.empty()) {
            credential_files_.push_back(settings->provider.tls_ca);
        }
    }
    if (is_rehearsal_) {
        rehearse(*result.snapshot, rehearsal_->path());
    }
    result.snapshot->generation = generation;
    return made(std::move(result.snapshot), std::move(result.tree), previous,
                std::move(result.problems));
}

PolicySource::Loaded PolicySource::refresh(const LoadedPolicy& policy) {
    return made(policy.snapshot, policy.tree, &policy, {});
}

PolicySource::Loaded PolicySource::made(std::shared_ptr<const policy::Snapshot> snapshot,
                                        policy::YamlPtr tree,
                                        const LoadedPolicy* previous,
                                        std::vector<Problem> problems) {
    credential_stamp_ = credential_stamp();
    auto policy = make_loaded_policy(std::move(snapshot), std::move(tree), accounts_, previous);
    if (!policy) {
        problems.push_back({Problem::Severity::error, path_, 0, 0, policy.error(), {}, {}});
        return {nullptr, std::move(problems)};
    }
    return {std::move(*policy), std::move(problems)};
}

}  // namespace headgate::proxy
