#include "policy/config/ip_literal.h"

#include <arpa/inet.h>

namespace headgate::policy {
namespace {

constexpr std::size_t kV4Begin = 12;  // of an IPv4 address inside a mapped one

bool is_digit(char c) {
    return '0' <= c && c <= '9';
}

bool is_label(std::string_view label) {
    return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
           std::ranges::all_of(label, [](char c) {
               return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || is_digit(c) || c == '-' ||
                      c == '_';
           });
}

/// Decimal, or hexadecimal as inet_aton() reads it.
bool is_number(std::string_view label) {
    const bool is_hex = label.starts_with("0x") || label.starts_with("0X");
    return is_hex || std::ranges::all_of(label, is_digit);
}

}  // namespace

std::optional<IpLiteral> parse_ip(std::string_view text) {
    const std::string terminated{text};
    if (terminated.contains('\0')) {
        return std::nullopt;
    }
    IpLiteral address;
    if (inet_pton(AF_INET, terminated.c_str(), address.bytes.data() + kV4Begin) == 1) {
        address.bytes[10] = 0xFF;
        address.bytes[11] = 0xFF;
        address.is_v4 = true;
        return address;
    }
    if (inet_pton(AF_INET6, terminated.c_str(), address.bytes.data()) == 1) {
        const auto zeros = std::span{address.bytes}.first(10);
        address.is_v4 = std::ranges::all_of(zeros, [](std::uint8_t byte) { return byte == 0; }) &&
                        address.bytes[10] == 0xFF && address.bytes[11] == 0xFF;
        return address;
    }
    return std::nullopt;
}

bool is_host_name(std::string_view text) {
    if (text.empty() || text.size() > 253) {
        return false;
    }
    std::size_t begin = 0;
    for (;;) {
        const std::size_t dot = text.find('.', begin);
        const std::string_view label = text.substr(begin, dot - begin);
        if (!is_label(label)) {
            return false;
        }
        if (dot == std::string_view::npos) {
            return !is_number(label);
        }
        begin = dot + 1;
    }
}

std::optional<Cidr> parse_cidr(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view address_text = text.substr(0, slash);
    const std::string_view prefix_text = text.substr(slash + 1);
    const std::optional<IpLiteral> address = parse_ip(address_text);
    if (!address || prefix_text.empty() || prefix_text.size() > 3 ||
        !std::ranges::all_of(prefix_text, is_digit)) {
        return std::nullopt;
    }
    int prefix = 0;
    std::from_chars(prefix_text.data(), prefix_text.data() + prefix_text.size(), prefix);
    const bool is_v6_spelled = address_text.contains(':');
    if (prefix > (is_v6_spelled ? 128 : 32)) {
        return std::nullopt;
    }
    return Cidr{*address, is_v6_spelled ? prefix : prefix + 96};
}

bool Cidr::contains(const IpLiteral& address) const {
    for (int bit = 0; bit < prefix; ++bit) {
        const auto byte = static_cast<std::size_t>(bit) / 8;
        const int mask = 0x80 >> (bit % 8);
        if (((network.bytes[byte] ^ address.bytes[byte]) & mask) != 0) {
            return false;
        }
    }
    return true;
}

}  // namespace headgate::policy
