#pragma once

#include "bench/wire/descriptor.h"

#include <netinet/in.h>

#include <string_view>

namespace headgate::bench {

/// Parses "127.0.0.1:8080" (IPv4 literals only: the bench never leaves the machine).
/// Throws std::invalid_argument for anything else.
sockaddr_in parse_address(std::string_view text);

/// A non-blocking listening socket. Throws std::system_error.
Descriptor listen_on(const sockaddr_in& address);

/// A non-blocking socket whose connect is done or under way. Throws std::system_error where no
/// socket can be made; a refused connect shows as an error event.
Descriptor connect_to(const sockaddr_in& address);

/// The next waiting client as a non-blocking socket with TCP_NODELAY; closed where there is none.
Descriptor accept_from(const Descriptor& listener);

/// An epoll instance. Throws std::system_error.
Descriptor make_epoll();

/// Adds or changes what epoll reports of `fd`. Throws std::system_error.
void watch(const Descriptor& epoll, int operation, int fd, unsigned events, unsigned long data);

}  // namespace headgate::bench
