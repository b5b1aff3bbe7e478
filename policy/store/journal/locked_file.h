#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headgate::policy::journal {

/// A journal's file that this process alone has: an advisory lock (flock) that ends with the
/// process, however that ends.
class LockedFile {
public:
    LockedFile(int file, std::string path) : file_{file}, path_{std::move(path)} {}
    LockedFile(LockedFile&& other) noexcept;
    LockedFile& operator=(LockedFile&& other) noexcept;
    ~LockedFile();

    int file() const { return file_; }
    const std::string& path() const { return path_; }

    /// Takes the file out of its directory.
    void remove();

private:
    int file_;
    std::string path_;
};

/// Locks the first `journal.N` of `directory` that nobody else has and that is not among `unfit`,
/// and makes it where it is not there. The error is one line: the directory does not exist, may not
/// be written to, is full.
std::expected<LockedFile, std::string> lock_first(const std::string& directory,
                                                  const std::vector<std::string>& unfit);

/// Locks `path`; nullopt where another process has it or it is no file that can be opened.
std::optional<LockedFile> lock_existing(const std::string& path);

/// The `journal.N` that are in `directory`, by N.
std::vector<std::string> journals_in(const std::string& directory);

/// "cannot WHAT PATH: why", of errno's `code`.
std::string io_problem(std::string_view what, std::string_view path, int code);

}  // namespace headgate::policy::journal
