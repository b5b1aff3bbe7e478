#pragma once

#include "policy/config/loader.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>

namespace headgate::policy {

/// A file with some content, as long as this lives.
class TemporaryFile {
public:
    explicit TemporaryFile(std::string_view content) {
        path_ = (std::filesystem::temp_directory_path() / "headgate-policy-XXXXXX").string();
        ::close(::mkstemp(path_.data()));
        std::ofstream{path_, std::ios::binary} << content;
    }
    ~TemporaryFile() { std::filesystem::remove(path_); }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;

    const std::string& path() const { return path_; }

private:
    std::string path_;
};

using Environment = std::map<std::string, std::string>;

inline LoadOptions options_with(const Environment& environment, bool needs_secrets = true) {
    return {.needs_secrets = needs_secrets, .environment = [environment](const std::string& name) {
                const auto found = environment.find(name);
                return found == environment.end() ? std::nullopt
                                                  : std::optional<std::string>{found->second};
            }};
}

inline LoadResult load_text(std::string_view text, const LoadOptions& options = options_with({})) {
    const TemporaryFile file{text};
    return load_policy(file.path(), options);
}

/// "LINE:COLUMN: severity: MESSAGE (HINT)\n" of every problem: without the file's name.
inline std::string told(const LoadResult& result) {
    std::string text;
    for (Problem problem : result.problems) {
        problem.file.clear();
        text += problem.to_string().substr(1) + "\n";
    }
    return text;
}

/// A policy whose only fault can be what a test puts into it.
inline constexpr std::string_view kProviders =
    "providers:\n"
    "  openai: {kind: openai, api_key: upstream-key-of-the-test}\n";
inline constexpr std::string_view kProjects =
    "projects:\n"
    "  search:\n"
    "    keys: [{name: prod, sha256: "
    "9a75a626f1cecda478cdb245ebc9ed4952e3f3fb5bfe8d250ffc65758a98e72e}]\n";

inline std::string with_basics(std::string_view more) {
    return std::string(kProviders) + std::string(kProjects) + std::string(more);
}

}  // namespace headgate::policy
