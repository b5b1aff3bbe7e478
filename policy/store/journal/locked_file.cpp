#include "policy/store/journal/locked_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <system_error>
#include <utility>

namespace headgate::policy::journal {
namespace {

constexpr std::string_view kPrefix = "journal.";
constexpr unsigned kMostJournals = 4096;

std::string path_of(const std::string& directory, unsigned number) {
    return (std::filesystem::path{directory} / (std::string{kPrefix} + std::to_string(number)))
        .string();
}

/// 0, or errno.
int lock(const LockedFile& held) {
    while (::flock(held.file(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

/// False where another process has removed the file before it was locked.
bool is_still_there(const LockedFile& held) {
    struct stat opened{};
    struct stat named{};
    return ::fstat(held.file(), &opened) == 0 && ::lstat(held.path().c_str(), &named) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

/// An entry of this name that is no file of ours: a directory, a link, somebody else's.
bool is_foreign(const std::string& path) {
    struct stat named{};
    return ::lstat(path.c_str(), &named) == 0 &&
           (!S_ISREG(named.st_mode) || ::access(path.c_str(), R_OK | W_OK) != 0);
}

/// The file, locked; or errno, where EWOULDBLOCK is another process's lock.
std::expected<LockedFile, int> lock_at(const std::string& path, int more_flags) {
    for (;;) {
        const int file =
            ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | more_flags, 0600);
        if (file < 0) {
            return std::unexpected{errno};
        }
        LockedFile held{file, path};
        if (const int code = lock(held); code != 0) {
            return std::unexpected{code};
        }
        struct stat status{};
        if (::fstat(file, &status) == 0 && !S_ISREG(status.st_mode)) {
            return std::unexpected{EISDIR};
        }
        if (is_still_there(held)) {
            return held;
        }
    }
}

}  // namespace

LockedFile::LockedFile(LockedFile&& other) noexcept
    : file_{std::exchange(other.file_, -1)}, path_{std::move(other.path_)} {}

LockedFile& LockedFile::operator=(LockedFile&& other) noexcept {
    std::swap(file_, other.file_);
    std::swap(path_, other.path_);
    return *this;
}

LockedFile::~LockedFile() {
    if (file_ >= 0) {
        ::close(file_);
    }
}

void LockedFile::remove() {
    ::unlink(path_.c_str());  // where it fails the rows are read again, which changes nothing
}

std::expected<LockedFile, std::string> lock_first(const std::string& directory,
                                                  const std::vector<std::string>& unfit) {
    for (unsigned number = 0; number < kMostJournals; ++number) {
        const std::string path = path_of(directory, number);
        if (std::ranges::find(unfit, path) != unfit.end()) {
            continue;
        }
        std::expected<LockedFile, int> held = lock_at(path, O_CREAT);
        if (held) {
            return std::move(*held);
        }
        if (held.error() != EWOULDBLOCK && held.error() != EISDIR && !is_foreign(path)) {
            return std::unexpected{io_problem("cannot make", path, held.error())};
        }
    }
    return std::unexpected{"cannot make a journal in " + directory + ": all numbers are taken"};
}

std::optional<LockedFile> lock_existing(const std::string& path) {
    std::expected<LockedFile, int> held = lock_at(path, 0);
    return held ? std::optional{std::move(*held)} : std::nullopt;
}

std::vector<std::string> journals_in(const std::string& directory) {
    std::vector<unsigned> numbers;
    std::error_code failed;
    for (std::filesystem::directory_iterator entry{directory, failed}, end; !failed && entry != end;
         entry.increment(failed)) {
        const std::string name = entry->path().filename().string();
        if (!name.starts_with(kPrefix)) {
            continue;
        }
        const char* const begin = name.data() + kPrefix.size();
        const char* const last = name.data() + name.size();
        unsigned number = 0;
        const auto [at, code] = std::from_chars(begin, last, number);
        if (code == std::errc{} && at == last &&
            name.size() == kPrefix.size() + std::to_string(number).size()) {
            numbers.push_back(number);
        }
    }
    std::ranges::sort(numbers);
    std::vector<std::string> paths;
    paths.reserve(numbers.size());
    for (const unsigned number : numbers) {
        paths.push_back(path_of(directory, number));
    }
    return paths;
}

std::string io_problem(std::string_view what, std::string_view path, int code) {
    std::string text{what};
    text += ' ';
    text += path;
    text += ": ";
    text += std::generic_category().message(code);
    return text;
}

}  // namespace headgate::policy::journal
