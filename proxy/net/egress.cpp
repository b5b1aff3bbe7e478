#include "proxy/net/egress.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace headgate::proxy {
namespace {

struct Range4 {
    std::uint32_t network;
    int prefix;
    AddressClass kind;
};

constexpr std::uint32_t ip4(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
    return (a << 24) | (b << 16) | (c << 8) | d;
}

// IANA's special-purpose registry (RFC 6890 and successors).
constexpr std::array<Range4, 14> kRanges4{{
    {ip4(0, 0, 0, 0), 8, AddressClass::unusable},
    {ip4(10, 0, 0, 0), 8, AddressClass::local},
    {ip4(100, 64, 0, 0), 10, AddressClass::local},
    {ip4(127, 0, 0, 0), 8, AddressClass::local},
    {ip4(169, 254, 0, 0), 16, AddressClass::link_local},
    {ip4(172, 16, 0, 0), 12, AddressClass::local},
    {ip4(192, 0, 0, 0), 24, AddressClass::unusable},
    {ip4(192, 0, 2, 0), 24, AddressClass::unusable},
    {ip4(192, 168, 0, 0), 16, AddressClass::local},
    {ip4(198, 18, 0, 0), 15, AddressClass::local},
    {ip4(198, 51, 100, 0), 24, AddressClass::unusable},
    {ip4(203, 0, 113, 0), 24, AddressClass::unusable},
    {ip4(224, 0, 0, 0), 4, AddressClass::unusable},
    {ip4(240, 0, 0, 0), 4, AddressClass::unusable},
}};

/// Metadata services of clouds that do not stand in the link-local range.
constexpr std::uint32_t kMetadata4 = ip4(100, 100, 100, 200);
constexpr std::array<std::uint8_t, 16> kMetadata6{0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0,    0,
                                                  0,    0,    0,    0,    0, 0, 0x02, 0x54};

AddressClass classify4(std::uint32_t address) {
    if (address == kMetadata4) {
        return AddressClass::link_local;
    }
    for (const Range4& range : kRanges4) {
        if ((address ^ range.network) >> (32 - range.prefix) == 0) {
            return range.kind;
        }
    }
    return AddressClass::global;
}

std::uint32_t big_endian4(const std::uint8_t* bytes) {
    return ip4(bytes[0], bytes[1], bytes[2], bytes[3]);
}

bool has_prefix(const std::uint8_t* address, std::initializer_list<std::uint8_t> prefix) {
    return std::equal(prefix.begin(), prefix.end(), address);
}

AddressClass classify6(const std::uint8_t* a) {
    const bool is_low = std::all_of(a, a + 10, [](std::uint8_t byte) { return byte == 0; });
    if (is_low && a[10] == 0xff && a[11] == 0xff) {
        return classify4(big_endian4(a + 12));  // ::ffff:0:0/96
    }
    if (is_low && a[10] == 0 && a[11] == 0) {
        const std::uint32_t low = big_endian4(a + 12);
        return low == 1 ? AddressClass::local : low == 0 ? AddressClass::unusable : classify4(low);
    }
    if (has_prefix(a, {0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})) {
        return classify4(big_endian4(a + 12));  // NAT64
    }
    if (std::equal(kMetadata6.begin(), kMetadata6.end(), a)) {
        return AddressClass::link_local;
    }
    if (has_prefix(a, {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01})) {
        return AddressClass::unusable;  // RFC 8215: local translation, may lead anywhere
    }
    if (has_prefix(a, {0x20, 0x02})) {
        return classify4(big_endian4(a + 2));  // 6to4
    }
    if (a[0] == 0xfe && (a[1] & 0xc0) == 0x80) {
        return AddressClass::link_local;
    }
    if ((a[0] & 0xfe) == 0xfc || (a[0] == 0xfe && (a[1] & 0xc0) == 0xc0)) {
        return AddressClass::local;
    }
    if (a[0] == 0xff || has_prefix(a, {0x20, 0x01, 0x0d, 0xb8}) ||
        has_prefix(a, {0x20, 0x01, 0x00, 0x00}) || has_prefix(a, {0x01, 0x00})) {
        return AddressClass::unusable;
    }
    return AddressClass::global;
}

}  // namespace

std::string SocketAddress::host() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const void* bytes =
        storage.ss_family == AF_INET6
            ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr)
            : &reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr;
    ::inet_ntop(storage.ss_family, bytes, text.data(), static_cast<socklen_t>(text.size()));
    return text.data();
}

std::uint16_t SocketAddress::port() const {
    return ntohs(storage.ss_family == AF_INET6
                     ? reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port
                     : reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
}

bool parse_address(std::string_view text, std::uint16_t port, SocketAddress& address) {
    const std::string spelled{text};
    auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
    if (::inet_pton(AF_INET, spelled.c_str(), &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        address.size = sizeof(sockaddr_in);
        return true;
    }
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
    if (::inet_pton(AF_INET6, spelled.c_str(), &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        address.size = sizeof(sockaddr_in6);
        return true;
    }
    return false;
}

AddressClass classify_address(const SocketAddress& address) {
    switch (address.storage.ss_family) {
        case AF_INET:
            return classify4(
                ntohl(reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_addr.s_addr));
        case AF_INET6:
            return classify6(
                reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_addr.s6_addr);
        default:
            return AddressClass::unusable;
    }
}

bool may_connect(const SocketAddress& address, const EgressRule& rule) {
    const AddressClass kind = classify_address(address);
    return kind == AddressClass::global || (kind == AddressClass::local && rule.allow_private);
}

std::expected<int, std::string_view> open_connection(const SocketAddress& address,
                                                     const EgressRule& rule) {
    if (!may_connect(address, rule)) {
        return std::unexpected{"address not allowed"};
    }
    const int fd =
        ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return std::unexpected{errno == EMFILE || errno == ENFILE ? "out of descriptors"
                                                                  : "no socket"};
    }
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(fd, address.get(), address.size) != 0 && errno != EINPROGRESS) {
        ::close(fd);
        return std::unexpected{"connect failed"};
    }
    return fd;
}

}  // namespace headgate::proxy
