#pragma once

#include "proxy/net/socket.h"

#include <sys/socket.h>

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace headgate::proxy {

/// An address as the socket calls want it.
struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;

    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
    /// "192.0.2.1" or "2001:db8::1", without the port.
    std::string host() const;
    std::uint16_t port() const;
};

/// The address that `text` spells as a literal; false where it is a name.
bool parse_address(std::string_view text, std::uint16_t port, SocketAddress& address);

enum class AddressClass : std::uint8_t { global, local, link_local, unusable };

/// Loopback, RFC 1918, unique local and carrier-grade addresses are `local`; unspecified, multicast
/// and reserved ones are `unusable`. IPv4 inside IPv6 (mapped, 6to4, NAT64) is judged as IPv4.
AddressClass classify_address(const SocketAddress& address);

/// What a connection to a provider may reach.
struct EgressRule {
    bool allow_private = false;
};

/// True where `rule` lets us connect there. Link-local (cloud metadata) never.
bool may_connect(const SocketAddress& address, const EgressRule& rule);

/// The only place of this program that opens a connection to another host: checks `rule` on the
/// very address that it connects to, then begins a non-blocking connect. The error is a short text
/// for the operator ("address not allowed", "connect failed").
std::expected<int, std::string_view> open_connection(const SocketAddress& address,
                                                     const EgressRule& rule);

}  // namespace headgate::proxy
