#include "policy/config/ip_literal.h"

namespace headgate::policy {
namespace {

using Bytes16 = std::array<std::uint8_t, 16>;

struct Range {
    Cidr network;
    AddressScope scope = AddressScope::global;
};

constexpr Range v4(std::array<std::uint8_t, 4> network, int prefix, AddressScope scope) {
    Bytes16 bytes{};
    bytes[10] = 0xFF;
    bytes[11] = 0xFF;
    std::ranges::copy(network, bytes.begin() + 12);
    return {{{bytes, true}, 96 + prefix}, scope};
}

constexpr Range v6(Bytes16 network, int prefix, AddressScope scope) {
    return {{{network, false}, prefix}, scope};
}

/// IANA's special-purpose registries (RFC 6890 and successors), and the metadata services of clouds
/// that do not stand in the link-local range. The first that contains an address tells.
constexpr Range kRanges[] = {
    v4({100, 100, 100, 200}, 32, AddressScope::link_local),  // Alibaba Cloud
    v4({0, 0, 0, 0}, 8, AddressScope::unusable),
    v4({10, 0, 0, 0}, 8, AddressScope::local),
    v4({100, 64, 0, 0}, 10, AddressScope::local),
    v4({127, 0, 0, 0}, 8, AddressScope::local),
    v4({169, 254, 0, 0}, 16, AddressScope::link_local),
    v4({172, 16, 0, 0}, 12, AddressScope::local),
    v4({192, 0, 0, 0}, 24, AddressScope::unusable),
    v4({192, 0, 2, 0}, 24, AddressScope::unusable),
    v4({192, 168, 0, 0}, 16, AddressScope::local),
    v4({198, 18, 0, 0}, 15, AddressScope::local),
    v4({198, 51, 100, 0}, 24, AddressScope::unusable),
    v4({203, 0, 113, 0}, 24, AddressScope::unusable),
    v4({224, 0, 0, 0}, 3, AddressScope::unusable),  // multicast, reserved, broadcast
    v6({0}, 128, AddressScope::unusable),
    v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, AddressScope::local),
    v6({0xFD, 0x00, 0x0E, 0xC2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54},
       128,
       AddressScope::link_local),                                          // AWS
    v6({0x00, 0x64, 0xFF, 0x9B, 0x00, 0x01}, 48, AddressScope::unusable),  // RFC 8215
    v6({0x01, 0x00}, 16, AddressScope::unusable),
    v6({0x20, 0x01, 0x00, 0x00}, 32, AddressScope::unusable),
    v6({0x20, 0x01, 0x0D, 0xB8}, 32, AddressScope::unusable),
    v6({0xFE, 0x80}, 10, AddressScope::link_local),
    v6({0xFE, 0xC0}, 10, AddressScope::local),
    v6({0xFC}, 7, AddressScope::local),
    v6({0xFF}, 8, AddressScope::unusable),
};

/// Networks whose addresses stand for IPv4 ones: which bytes those are.
struct Embedding {
    Cidr network;
    std::size_t begin = 0;
};
constexpr Embedding kEmbeddings[] = {
    {{{{0}, false}, 96}, 12},                       // ::a.b.c.d, RFC 4291 §2.5.5.1
    {{{{0x00, 0x64, 0xFF, 0x9B}, false}, 96}, 12},  // NAT64, RFC 6052
    {{{{0x20, 0x02}, false}, 16}, 2},               // 6to4, RFC 3056
};

}  // namespace

AddressScope scope_of(const IpLiteral& address) {
    for (const Range& range : kRanges) {
        if (range.network.contains(address)) {
            return range.scope;
        }
    }
    for (const Embedding& embedding : kEmbeddings) {
        if (embedding.network.contains(address)) {
            IpLiteral v4_address{.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF},
                                 .is_v4 = true};
            std::copy_n(address.bytes.begin() + static_cast<std::ptrdiff_t>(embedding.begin), 4,
                        v4_address.bytes.begin() + 12);
            return scope_of(v4_address);
        }
    }
    return AddressScope::global;
}

}  // namespace headgate::policy
