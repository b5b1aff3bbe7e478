#pragma once

#include "tests/unit/policy/config/policy_file.h"

#include <sys/stat.h>

namespace headgate::policy {

/// A folder of policy files, as long as this lives.
class PolicyFolder {
public:
    PolicyFolder() {
        std::string path =
            (std::filesystem::temp_directory_path() / "headgate-policies-XXXXXX").string();
        path_ = ::mkdtemp(path.data());
    }
    ~PolicyFolder() { std::filesystem::remove_all(path_); }
    PolicyFolder(const PolicyFolder&) = delete;
    PolicyFolder& operator=(const PolicyFolder&) = delete;

    std::string path_of(std::string_view name) const { return (path_ / name).string(); }

    /// Writes a file and the folders that it needs; only its owner may read it.
    void write(std::string_view name, std::string_view content) const {
        std::filesystem::create_directories((path_ / name).parent_path());
        std::ofstream{path_ / name, std::ios::binary} << content;
        ::chmod(path_of(name).c_str(), 0600);
    }

    LoadResult load(const LoadOptions& options = options_with({})) const {
        return load_policy(path_of("policy.yaml"), options);
    }

    /// The problems of load(), without the folder's own path.
    std::string told(const LoadResult& result) const {
        std::string text;
        for (const Problem& problem : result.problems) {
            text += problem.to_string() + "\n";
        }
        const std::string prefix = path_.string() + "/";
        for (std::size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) {
            text.erase(at, prefix.size());
        }
        return text;
    }

    /// `paths` without the folder's own.
    std::vector<std::string> names(const std::vector<std::string>& paths) const {
        std::vector<std::string> result;
        for (const std::string& path : paths) {
            result.push_back(std::filesystem::path{path}.lexically_relative(path_).string());
        }
        return result;
    }

private:
    std::filesystem::path path_;
};

/// A project whose only key has the digest of 64 times `digit`.
inline std::string project_named(std::string_view name, char digit) {
    return "  " + std::string(name) +
           ":\n    keys: [{name: prod, sha256: " + std::string(64, digit) + "}]\n";
}

}  // namespace headgate::policy
