#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headgate::policy {

/// An IP address as it is spelled. IPv4 is kept as an IPv4-mapped IPv6 address, so that both are
/// judged by one rule.
struct IpLiteral {
    std::array<std::uint8_t, 16> bytes{};
    bool is_v4 = false;  // spelled as IPv4, or mapped
};

/// "192.0.2.1" (four decimal numbers, nothing else) or "2001:db8::1" (no brackets, no zone).
std::optional<IpLiteral> parse_ip(std::string_view text);

/// A host name of letters, digits, `-`, `_` and dots (RFC 1123, and `_` as container names have it)
/// whose last label is no number: "1.2.3" and "0x7f.1" are addresses to some resolvers.
bool is_host_name(std::string_view text);

/// A network: the addresses whose first `prefix` bits are those of `network`. IPv4 networks count
/// their bits behind the mapping's 96.
struct Cidr {
    IpLiteral network;
    int prefix = 0;

    bool contains(const IpLiteral& address) const;
};

/// "10.0.0.0/8" or "2001:db8::/32".
std::optional<Cidr> parse_cidr(std::string_view text);

enum class AddressScope : std::uint8_t {
    global,
    local,       // loopback, RFC 1918, carrier-grade, unique local: only with `allow_private`
    link_local,  // and other addresses of cloud metadata: Headgate never connects there
    unusable,    // unspecified, multicast, documentation, reserved: no host has one
};

/// IPv4 inside IPv6 (mapped, compatible, 6to4, NAT64) is judged as IPv4.
AddressScope scope_of(const IpLiteral& address);

}  // namespace headgate::policy
