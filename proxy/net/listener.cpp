#include "proxy/net/listener.h"

#include "proxy/net/egress.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace headgate::proxy {
namespace {

constexpr int kBacklog = 4096;
constexpr int kAcceptsARound = 64;

std::unexpected<std::string> failure(const std::string& where, const std::string& problem) {
    return std::unexpected{"cannot listen on " + where + ": " + problem};
}

std::string error_text(int error) {
    return std::generic_category().message(error);
}

/// A socket that listens, or -1 with errno set.
int listening_socket(const SocketAddress& address, bool is_shared) {
    const int fd =
        ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (is_shared) {
        ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    }
    if (address.storage.ss_family == AF_INET6) {
        ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    if (::bind(fd, address.get(), address.size) != 0 || ::listen(fd, kBacklog) != 0) {
        const int error = errno;
        ::close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

std::expected<SocketAddress, std::string> resolve_listen(const policy::ListenAddress& listen) {
    SocketAddress address;
    if (parse_address(listen.host, listen.port, address)) {
        return address;
    }
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    addrinfo* found = nullptr;
    if (::getaddrinfo(listen.host.c_str(), nullptr, &hints, &found) != 0) {
        return failure(listen.to_string(), "no such host");
    }
    std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
    address.size = found->ai_addrlen;
    ::freeaddrinfo(found);
    auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
    v4->sin_port = htons(listen.port);  // the same place in sockaddr_in6
    return address;
}

std::expected<BoundAddress, std::string> bind_tcp(const policy::ListenAddress& listen,
                                                  std::size_t workers,
                                                  Sharing sharing) {
    auto address = resolve_listen(listen);
    if (!address) {
        return std::unexpected{address.error()};
    }
    // Of a port that the system chooses, nobody else can have been told.
    const bool is_alone = sharing == Sharing::alone || listen.port == 0;
    const int probe = listening_socket(*address, !is_alone);
    if (probe < 0) {
        return failure(listen.to_string(), errno == EADDRINUSE
                                               ? "the port is in use by another process"
                                               : error_text(errno));
    }
    ::getsockname(probe, reinterpret_cast<sockaddr*>(&address->storage), &address->size);
    ::close(probe);
    BoundAddress bound;
    policy::ListenAddress taken = listen;
    taken.port = address->port();
    bound.name = taken.to_string();
    for (std::size_t i = 0; i < workers; ++i) {
        const int fd = listening_socket(*address, true);
        if (fd < 0) {
            for (const int open : bound.fds) {
                ::close(open);
            }
            return failure(listen.to_string(), error_text(errno));
        }
        bound.fds.push_back(fd);
    }
    return bound;
}

/// Removes a socket file that no process serves any more. False where one does.
bool remove_stale(const sockaddr_un& address) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool is_served =
        ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    struct stat status{};
    if (!is_served && ::lstat(address.sun_path, &status) == 0 && S_ISSOCK(status.st_mode)) {
        ::unlink(address.sun_path);
    }
    return !is_served;
}

std::expected<BoundAddress, std::string> bind_unix(const policy::ListenAddress& listen,
                                                   std::size_t workers,
                                                   Sharing sharing) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // A shared one is bound under another name and then takes the path over in one step.
    const bool is_shared = sharing == Sharing::shared;
    const std::string path = listen.unix_path + (is_shared ? ".new" : "");
    if (path.size() >= sizeof address.sun_path) {
        return failure(listen.to_string(), "the path is too long");
    }
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (!remove_stale(address)) {
        return failure(listen.to_string(), "the socket is in use by another process");
    }
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(fd, kBacklog) != 0 ||
        (is_shared && ::rename(path.c_str(), listen.unix_path.c_str()) != 0)) {
        const int error = errno;
        ::close(fd);
        return failure(listen.to_string(), error_text(error));
    }
    BoundAddress bound;
    bound.name = listen.to_string();
    bound.is_unix = true;
    bound.fds.push_back(fd);
    while (bound.fds.size() < workers) {
        bound.fds.push_back(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    }
    return bound;
}

}  // namespace

std::expected<BoundAddress, std::string> bind_address(const policy::ListenAddress& address,
                                                      std::size_t workers,
                                                      Sharing sharing) {
    return address.unix_path.empty() ? bind_tcp(address, workers, sharing)
                                     : bind_unix(address, workers, sharing);
}

void ConnectionCounts::set_limits(std::size_t max_total, std::size_t max_per_address) {
    const std::scoped_lock lock{mutex_};
    max_total_ = max_total;
    max_per_address_ = max_per_address;
}

bool ConnectionCounts::try_add(const std::string& address) {
    const std::scoped_lock lock{mutex_};
    if (total_ >= max_total_) {
        return false;
    }
    std::size_t& here = by_address_[address];
    if (here >= max_per_address_) {
        return false;
    }
    ++here;
    ++total_;
    return true;
}

void ConnectionCounts::remove(const std::string& address) {
    const std::scoped_lock lock{mutex_};
    --total_;
    const auto entry = by_address_.find(address);
    if (--entry->second == 0) {
        by_address_.erase(entry);
    }
}

Listener::Listener(Reactor& reactor, int fd, bool is_unix, Serve serve)
    : flow_{reactor}, socket_{reactor, fd}, is_unix_{is_unix}, serve_{std::move(serve)} {
    socket_.attach(&flow_);
    start(accept_connections());
}

Task<void> Listener::accept_connections() {
    for (;;) {
        if (co_await flow_.wait({&socket_, kReadable}, kNever) == Wake::stopped) {
            co_return;
        }
        Accepted last = Accepted::one;
        for (int i = 0; i < kAcceptsARound && last == Accepted::one; ++i) {
            last = accept_one();
        }
        // A flood must not starve the connections that are served, nor a lack of descriptors spin.
        const auto pause =
            last == Accepted::out_of_descriptors ? Reactor::kTick : std::chrono::milliseconds{0};
        if (last != Accepted::none && co_await flow_.sleep(pause) == Wake::stopped) {
            co_return;
        }
    }
}

void Listener::leave_new_clients_to_others() {
    // Byte 13 of the TCP header holds the flags; 2 is SYN.
    std::array<sock_filter, 4> program{
        sock_filter{BPF_LD | BPF_B | BPF_ABS, 0, 0, 13},
        sock_filter{BPF_JMP | BPF_JSET | BPF_K, 0, 1, 2},
        sock_filter{BPF_RET | BPF_K, 0, 0, 0},
        sock_filter{BPF_RET | BPF_K, 0, 0, ~0U},
    };
    const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    if (!is_unix_) {
        // Where the kernel does not take it, a client that comes in the last moment is reset.
        ::setsockopt(socket_.fd(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
    }
}

void Listener::accept_waiting() {
    for (int i = 0; i < kBacklog && accept_one() == Accepted::one; ++i) {
    }
}

Listener::Accepted Listener::accept_one() {
    SocketAddress peer;
    peer.size = sizeof peer.storage;
    const int fd = ::accept4(socket_.fd(), reinterpret_cast<sockaddr*>(&peer.storage), &peer.size,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno == EAGAIN) {
            socket_.clear_ready(kReadable);
            return Accepted::none;
        }
        const bool is_transient = errno == ECONNABORTED || errno == EINTR;
        return is_transient ? Accepted::one : Accepted::out_of_descriptors;
    }
    if (!is_unix_) {
        const int on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    serve_(fd, is_unix_ ? std::string{"unix"} : peer.host());
    return Accepted::one;
}

}  // namespace headgate::proxy
