#include "policy/config/file_text.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace headgate::policy {
namespace {

class FileDescriptor {
public:
    explicit FileDescriptor(int fd) : fd_{fd} {}
    ~FileDescriptor() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    FileDescriptor(const FileDescriptor&) = delete;
    FileDescriptor& operator=(const FileDescriptor&) = delete;

    int number() const { return fd_; }

private:
    int fd_;
};

std::unexpected<std::string> failure(int error) {
    if (error == ENOENT) {
        return std::unexpected(std::string("does not exist"));
    }
    return std::unexpected("cannot be read: " + std::generic_category().message(error));
}

std::unexpected<std::string> too_large(std::size_t max_bytes) {
    return std::unexpected("is larger than " + std::to_string(max_bytes) + " bytes");
}

}  // namespace

std::expected<std::string, std::string> read_file_text(const std::string& path,
                                                       std::size_t max_bytes) {
    // O_NONBLOCK: opening a pipe must not wait for its writer.
    const FileDescriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (file.number() < 0) {
        return failure(errno);
    }
    struct stat status{};
    if (::fstat(file.number(), &status) != 0) {
        return failure(errno);
    }
    if (!S_ISREG(status.st_mode)) {
        return std::unexpected(std::string("is not a regular file"));
    }
    if (status.st_size > static_cast<off_t>(max_bytes)) {
        return too_large(max_bytes);
    }
    std::string text;
    std::array<char, 65536> piece{};
    for (;;) {
        const ssize_t got = ::read(file.number(), piece.data(), piece.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return failure(errno);
        }
        if (got == 0) {
            return text;
        }
        text.append(piece.data(), static_cast<std::size_t>(got));
        if (text.size() > max_bytes) {  // it grew while we read
            return too_large(max_bytes);
        }
    }
}

}  // namespace headgate::policy
