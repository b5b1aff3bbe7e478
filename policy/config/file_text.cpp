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
    constexpr std::size_t mebibyte = std::size_t{1} << 20;
    return std::unexpected("is larger than " + (max_bytes % mebibyte == 0
                                                    ? std::to_string(max_bytes / mebibyte) + " MiB"
                                                    : std::to_string(max_bytes) + " bytes"));
}

}  // namespace

std::expected<FileText, std::string> read_file(const std::string& path, std::size_t max_bytes) {
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
    FileText content;
    content.identity = {status.st_dev, status.st_ino};
    content.others_may_read = (status.st_mode & S_IROTH) != 0;
    content.text.reserve(static_cast<std::size_t>(status.st_size));
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
            return content;
        }
        content.text.append(piece.data(), static_cast<std::size_t>(got));
        if (content.text.size() > max_bytes) {  // it grew while we read
            return too_large(max_bytes);
        }
    }
}

std::expected<std::string, std::string> read_file_text(const std::string& path,
                                                       std::size_t max_bytes) {
    auto file = read_file(path, max_bytes);
    if (!file) {
        return std::unexpected(std::move(file.error()));
    }
    return std::move(file->text);
}

}  // namespace headgate::policy
