#include "policy/config/include_glob.h"

#include "providers/contract/provider.h"

#include <filesystem>
#include <system_error>

namespace headgate::policy {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kWildcards = "*?";
constexpr std::size_t kMaxPathBytes = 4096;

bool is_glob(std::string_view name) {
    return name.find_first_of(kWildcards) != std::string_view::npos;
}

std::string joined(const std::string& directory, std::string_view name) {
    if (directory.empty() || directory.ends_with('/')) {
        return directory + std::string(name);
    }
    return directory + "/" + std::string(name);
}

/// The names between the slashes of `path`.
std::vector<std::string_view> names_of(std::string_view path) {
    std::vector<std::string_view> names;
    for (std::size_t at = 0; at < path.size();) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        const std::string_view name = path.substr(at, end - at);
        if (!name.empty() && name != ".") {
            names.push_back(name);
        }
        at = end + 1;
    }
    return names;
}

/// Walks down the names of one pattern; at each step it knows the paths that match so far.
class GlobWalk {
public:
    GlobWalk(std::string start, std::size_t& entries_left)
        : paths_{std::move(start)}, entries_left_{entries_left} {}

    /// Goes one name further; the error is a text fit to show.
    std::expected<void, std::string> descend(std::string_view name) {
        std::vector<std::string> next;
        for (const std::string& path : std::exchange(paths_, {})) {
            if (!is_glob(name)) {
                next.push_back(joined(path, name));
            } else if (auto listed = list(path, name, next); !listed) {
                return listed;
            }
        }
        paths_ = std::move(next);
        found_.is_glob = found_.is_glob || is_glob(name);
        return {};
    }

    IncludedPaths take() {
        if (found_.is_glob) {
            std::erase_if(paths_, [](const std::string& path) {
                std::error_code error;
                const fs::file_status status = fs::status(path, error);
                return !fs::exists(status) || fs::is_directory(status);
            });
        }
        std::ranges::sort(paths_);
        found_.files = std::move(paths_);
        return std::move(found_);
    }

private:
    std::expected<void, std::string> list(const std::string& directory,
                                          std::string_view name,
                                          std::vector<std::string>& matches) {
        found_.directories.push_back(directory.empty() ? "." : directory);
        std::error_code error;
        fs::directory_iterator entry{found_.directories.back(), error};
        if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory) {
            return {};
        }
        for (; !error && entry != fs::directory_iterator{}; entry.increment(error)) {
            if (entries_left_ == 0) {
                return std::unexpected(std::string("looks at too many files: more than 100,000"));
            }
            --entries_left_;
            const std::string found = entry->path().filename().string();
            const bool is_hidden = found.starts_with('.') && !name.starts_with('.');
            if (!is_hidden && providers::glob_matches(name, found)) {
                matches.push_back(joined(directory, found));
            }
        }
        if (error) {
            return std::unexpected("looks into " + found_.directories.back() +
                                   ", which cannot be read: " + error.message());
        }
        return {};
    }

    std::vector<std::string> paths_;
    IncludedPaths found_;
    std::size_t& entries_left_;
};

}  // namespace

std::expected<IncludedPaths, std::string> included_paths(const std::string& directory,
                                                         const std::string& pattern,
                                                         std::size_t& entries_left) {
    const std::vector<std::string_view> names = names_of(pattern);
    if (names.empty() || pattern.ends_with('/') || pattern.size() > kMaxPathBytes ||
        pattern.contains('\0')) {
        return std::unexpected(std::string("must name a file such as projects/*.yaml"));
    }
    if (pattern.contains("**") || pattern.find_first_of("[{") != std::string::npos) {
        return std::unexpected(
            std::string("may use * and ? within one name only: projects/*.yaml or teams/*/*.yaml"));
    }
    GlobWalk walk{pattern.starts_with('/') ? "/" : directory, entries_left};
    for (const std::string_view name : names) {
        if (auto step = walk.descend(name); !step) {
            return std::unexpected(std::move(step.error()));
        }
    }
    return walk.take();
}

std::string directory_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) {
        return {};
    }
    return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace headgate::policy
