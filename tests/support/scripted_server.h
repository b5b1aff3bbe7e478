#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace headgate::test_support {

/// A server that a test plays itself, one connection at a time: `script` gets each that comes.
class ScriptedServer {
public:
    explicit ScriptedServer(std::function<void(int)> script) : script_{std::move(script)} {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size);
        ::listen(listener_, 8);
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread{[this] { serve(); }};
    }
    ~ScriptedServer() {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }

    std::uint16_t port() const { return port_; }

private:
    void serve() {
        for (;;) {
            const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0) {
                return;
            }
            script_(fd);
            ::close(fd);
        }
    }

    std::function<void(int)> script_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

inline void send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) {
            return;
        }
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

/// Reads until `ending` has come, or the end.
inline std::string read_until(int fd, std::string_view ending) {
    std::string text;
    char byte = 0;
    while (!text.ends_with(ending) && ::recv(fd, &byte, 1, 0) == 1) {
        text.push_back(byte);
    }
    return text;
}

inline void read_to_end(int fd) {
    read_until(fd, std::string_view{"\0never\0", 7});
}

}  // namespace headgate::test_support
