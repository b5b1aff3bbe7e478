#include "bench/wire/sockets.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <system_error>

namespace headgate::bench {
namespace {

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

void send_at_once(int fd) {
    const int on = 1;
    if (::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) {
        fail("setsockopt TCP_NODELAY");
    }
}

Descriptor make_socket() {
    Descriptor made{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!made.is_open()) {
        fail("socket");
    }
    return made;
}

const sockaddr* generic(const sockaddr_in& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace

sockaddr_in parse_address(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    sockaddr_in address{};
    address.sin_family = AF_INET;
    std::uint16_t port = 0;
    if (colon != std::string_view::npos) {
        const std::string host(text.substr(0, colon));
        const std::string_view digits = text.substr(colon + 1);
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), port);
        if (error == std::errc{} && end == digits.data() + digits.size() &&
            ::inet_pton(AF_INET, host.c_str(), &address.sin_addr) == 1) {
            address.sin_port = htons(port);
            return address;
        }
    }
    throw std::invalid_argument("not an address like 127.0.0.1:8080: " + std::string(text));
}

Descriptor listen_on(const sockaddr_in& address) {
    Descriptor listener = make_socket();
    const int on = 1;
    if (::setsockopt(listener.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) {
        fail("setsockopt SO_REUSEADDR");
    }
    if (::bind(listener.number(), generic(address), sizeof address) != 0) {
        fail("bind");
    }
    if (::listen(listener.number(), 4096) != 0) {
        fail("listen");
    }
    return listener;
}

Descriptor connect_to(const sockaddr_in& address) {
    Descriptor client = make_socket();
    send_at_once(client.number());
    if (::connect(client.number(), generic(address), sizeof address) != 0 && errno != EINPROGRESS &&
        errno != ECONNREFUSED) {
        fail("connect");
    }
    return client;
}

Descriptor accept_from(const Descriptor& listener) {
    Descriptor accepted{
        ::accept4(listener.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (accepted.is_open()) {
        send_at_once(accepted.number());
    }
    return accepted;
}

Descriptor make_epoll() {
    Descriptor epoll{::epoll_create1(EPOLL_CLOEXEC)};
    if (!epoll.is_open()) {
        fail("epoll_create1");
    }
    return epoll;
}

void watch(const Descriptor& epoll, int operation, int fd, unsigned events, unsigned long data) {
    epoll_event wanted{};
    wanted.events = events;
    wanted.data.u64 = data;
    if (::epoll_ctl(epoll.number(), operation, fd, &wanted) != 0) {
        fail("epoll_ctl");
    }
}

}  // namespace headgate::bench
