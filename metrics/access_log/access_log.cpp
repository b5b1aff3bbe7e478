#include "metrics/access_log/access_log.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace headgate::metrics {
namespace {

constexpr int kFileFlags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
constexpr mode_t kFileMode = 0640;

std::string reason() {
    return std::error_code{errno, std::generic_category()}.message();
}

/// A descriptor of our own for stderr. Pipes and terminals are opened anew, so that O_NONBLOCK is
/// ours alone and does not change them for whoever shares them. A file is not: its offset must stay
/// shared, or what else goes to stderr would overwrite our lines.
int open_stderr(mode_t kind) {
    if (S_ISFIFO(kind) || S_ISCHR(kind)) {
        const int own = ::open("/proc/self/fd/2", O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (own >= 0) {
            return own;
        }
    }
    return ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

/// Up to and with the last newline before `end`; 0 where there is none.
std::size_t whole_lines(std::string_view lines, std::size_t end) {
    const std::size_t newline = lines.substr(0, end).rfind('\n');
    return newline == std::string_view::npos ? 0 : newline + 1;
}

}  // namespace

std::expected<std::unique_ptr<AccessLog>, std::string> AccessLog::open(std::string_view where) {
    if (where == "none") {
        return std::unique_ptr<AccessLog>{new AccessLog{-1, {}, false}};
    }
    if (where == "stderr") {
        struct stat status = {};
        const int fd = ::fstat(STDERR_FILENO, &status) == 0 ? open_stderr(status.st_mode) : -1;
        if (fd < 0) {
            return std::unexpected{"cannot write the access log to stderr: " + reason()};
        }
        return std::unique_ptr<AccessLog>{new AccessLog{fd, {}, S_ISSOCK(status.st_mode)}};
    }
    std::string path{where};
    const int fd = ::open(path.c_str(), kFileFlags, kFileMode);
    if (fd < 0) {
        return std::unexpected{"cannot open the access log " + path + ": " + reason()};
    }
    return std::unique_ptr<AccessLog>{new AccessLog{fd, std::move(path), false}};
}

AccessLog::AccessLog(int fd, std::string path, bool is_socket)
    : fd_{fd}, path_{std::move(path)}, is_socket_{is_socket} {}

AccessLog::~AccessLog() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

AccessLog::Written AccessLog::write(std::string_view lines) {
    const std::scoped_lock lock{mutex_};
    std::size_t done = 0;
    long sent = drain_tail();
    while (sent >= 0 && done < lines.size()) {
        sent = write_once(lines.substr(done));
        done += static_cast<std::size_t>(std::max(sent, 0L));
    }
    if (sent >= 0) {
        return {lines.size(), false};
    }
    const bool has_failed = errno != EAGAIN && errno != EWOULDBLOCK;
    if (done == whole_lines(lines, done)) {
        return {done, has_failed};
    }
    // In the middle of a line: its rest goes out first next time, whoever writes then.
    const std::size_t end = std::min(lines.find('\n', done), lines.size() - 1) + 1;
    tail_ = lines.substr(done, end - done);
    return {end, has_failed};
}

std::expected<void, std::string> AccessLog::reopen() {
    if (path_.empty()) {
        return {};
    }
    const int fresh = ::open(path_.c_str(), kFileFlags, kFileMode);
    if (fresh < 0) {
        return std::unexpected{"cannot reopen the access log " + path_ + ": " + reason()};
    }
    const std::scoped_lock lock{mutex_};
    drain_tail();
    tail_.clear();  // what is left of a line belongs to the old file and would spoil the new one
    const bool is_replaced = ::dup3(fresh, fd_, O_CLOEXEC) >= 0;
    std::string why = is_replaced ? std::string{} : reason();
    ::close(fresh);
    if (!is_replaced) {
        return std::unexpected{"cannot reopen the access log " + path_ + ": " + why};
    }
    return {};
}

/// Not negative when nothing is left of it; else errno tells why.
long AccessLog::drain_tail() {
    while (!tail_.empty()) {
        const long sent = write_once(tail_);
        if (sent < 0) {
            return sent;
        }
        tail_.erase(0, static_cast<std::size_t>(sent));
    }
    return 0;
}

/// As write(2), but a signal does not end it.
long AccessLog::write_once(std::string_view bytes) const {
    long sent = -1;
    do {
        sent = is_socket_ ? ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                          : ::write(fd_, bytes.data(), bytes.size());
    } while (sent < 0 && errno == EINTR);
    if (sent == 0) {  // as if it were full, lest a device that takes nothing holds us for ever
        errno = EAGAIN;
        return -1;
    }
    return sent;
}

}  // namespace headgate::metrics
