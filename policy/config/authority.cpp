#include "policy/config/authority.h"

#include "policy/config/ip_literal.h"

namespace headgate::policy {
namespace {

std::unexpected<std::string> refused(std::string what) {
    return std::unexpected(std::move(what));
}

int hex_digit(char c) {
    constexpr std::string_view digits = "0123456789abcdef";
    const char lower = 'A' <= c && c <= 'F' ? static_cast<char>(c + ('a' - 'A')) : c;
    const std::size_t value = digits.find(lower);
    return value == std::string_view::npos ? -1 : static_cast<int>(value);
}

}  // namespace

Parsed<Authority> parse_authority(std::string_view text) {
    const bool is_bracketed = text.starts_with('[');
    const std::size_t host_end =
        is_bracketed ? text.find(']') + 1 : std::min(text.find(':'), text.size());
    if (is_bracketed && host_end == 0) {
        return refused("has a [ without its ]");
    }
    std::string_view host = text.substr(0, host_end);
    const std::string_view port = text.substr(host_end);
    if (is_bracketed) {
        host = host.substr(1, host.size() - 2);
    }
    const std::optional<IpLiteral> address = parse_ip(host);
    const bool is_v6 = address && host.contains(':');
    if (address ? is_v6 != is_bracketed : is_bracketed || !is_host_name(host)) {
        return refused("must have a host name, an IPv4 address or an IPv6 address in brackets");
    }
    const AddressScope scope = address ? scope_of(*address) : AddressScope::global;
    if (scope == AddressScope::link_local) {
        return refused("is a link-local or metadata address, to which Headgate never connects");
    }
    if (scope == AddressScope::unusable) {
        return refused("is a reserved address, which no server can have");
    }
    if (port.empty()) {
        return Authority{.host = lower_case(host), .port = std::nullopt};
    }
    const Parsed<std::int64_t> number = parse_count(port.substr(1));
    const bool is_plain =
        port.front() == ':' && port.find_first_not_of("0123456789", 1) == std::string_view::npos;
    if (!is_plain || !number || *number < 1 || *number > 65535) {
        return refused("must have a port from 1 to 65535");
    }
    return Authority{.host = lower_case(host), .port = static_cast<std::uint16_t>(*number)};
}

std::string lower_case(std::string_view text) {
    std::string result{text};
    for (char& c : result) {
        c = static_cast<char>('A' <= c && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    return result;
}

std::optional<std::string> percent_decoded(std::string_view text) {
    std::string decoded;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '%') {
            decoded += text[at];
            continue;
        }
        const int high = at + 2 < text.size() ? hex_digit(text[at + 1]) : -1;
        const int low = at + 2 < text.size() ? hex_digit(text[at + 2]) : -1;
        if (high < 0 || low < 0) {
            return std::nullopt;
        }
        decoded += static_cast<char>(high * 16 + low);
        at += 2;
    }
    return decoded;
}

}  // namespace headgate::policy
