#include "policy/config/base_url.h"

#include "policy/config/ip_literal.h"

namespace headgate::policy {
namespace {

constexpr std::size_t kMaxUrlBytes = 2048;

std::unexpected<std::string> refused(std::string what) {
    return std::unexpected(std::move(what));
}

std::string lower(std::string_view text) {
    std::string result{text};
    for (char& c : result) {
        c = static_cast<char>('A' <= c && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    return result;
}

bool is_hex_digit(char c) {
    return ('0' <= c && c <= '9') || ('a' <= c && c <= 'f') || ('A' <= c && c <= 'F');
}

/// RFC 3986 `segment-nz`, and neither `.` nor `..`, plain or percent-encoded.
bool is_segment(std::string_view segment) {
    std::string dots;
    for (std::size_t i = 0; i < segment.size(); ++i) {
        const char c = segment[i];
        if (c == '%') {
            if (segment.size() - i < 3 || !is_hex_digit(segment[i + 1]) ||
                !is_hex_digit(segment[i + 2])) {
                return false;
            }
            dots += lower(segment.substr(i, 3)) == "%2e" ? '.' : '%';
            i += 2;
            continue;
        }
        const bool is_letter = ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z');
        const bool is_digit = '0' <= c && c <= '9';
        if (!is_letter && !is_digit && !std::string_view("-._~!$&'()*+,;=:@").contains(c)) {
            return false;
        }
        dots += c;
    }
    return !segment.empty() && dots != "." && dots != "..";
}

bool is_path(std::string_view path) {
    while (!path.empty()) {
        const std::size_t end = std::min(path.find('/', 1), path.size());
        if (!is_segment(path.substr(1, end - 1))) {
            return false;
        }
        path.remove_prefix(end);
    }
    return true;
}

/// Takes "host", "host:port", "[v6]" or "[v6]:port" apart; empty: fine.
std::string authority_problem(std::string_view authority, providers::BaseUrl& url) {
    std::string_view host = authority;
    std::string_view port;
    const bool is_bracketed = authority.starts_with('[');
    const std::size_t host_end =
        is_bracketed ? authority.find(']') + 1 : std::min(authority.find(':'), authority.size());
    if (is_bracketed && host_end == 0) {
        return "has a [ without its ]";
    }
    host = authority.substr(0, host_end);
    port = authority.substr(host_end);
    if (is_bracketed) {
        host = host.substr(1, host.size() - 2);
    }
    const std::optional<IpLiteral> address = parse_ip(host);
    const bool is_v6 = address && host.contains(':');
    if (address ? is_v6 != is_bracketed : is_bracketed || !is_host_name(host)) {
        return "must have a host name, an IPv4 address or an IPv6 address in brackets";
    }
    const AddressScope scope = address ? scope_of(*address) : AddressScope::global;
    if (scope == AddressScope::link_local) {
        return "is a link-local or metadata address, to which Headgate never connects";
    }
    if (scope == AddressScope::unusable) {
        return "is a reserved address, which no provider can have";
    }
    url.host = lower(host);
    url.port = url.is_tls ? 443 : 80;
    if (port.empty()) {
        return {};
    }
    const Parsed<std::int64_t> number = parse_count(port.substr(1));
    const bool is_plain =
        port.front() == ':' && port.find_first_not_of("0123456789", 1) == std::string_view::npos;
    if (!is_plain || !number || *number < 1 || *number > 65535) {
        return "must have a port from 1 to 65535";
    }
    url.port = static_cast<std::uint16_t>(*number);
    return {};
}

}  // namespace

Parsed<providers::BaseUrl> parse_base_url(std::string_view text) {
    providers::BaseUrl url;
    const std::size_t colon = std::min(text.find("://"), text.size());
    const std::string scheme = lower(text.substr(0, colon));
    if (colon == text.size() || (scheme != "http" && scheme != "https")) {
        return refused("must be a URL that begins with https:// or http://");
    }
    if (text.size() > kMaxUrlBytes) {
        return refused("must be at most 2048 bytes long");
    }
    url.is_tls = scheme == "https";
    const std::string_view rest = text.substr(colon + 3);
    if (rest.find_first_of("?#") != std::string_view::npos) {
        return refused("must not have a query or a fragment (`?`, `#`)");
    }
    const std::size_t path_begin = std::min(rest.find('/'), rest.size());
    const std::string_view authority = rest.substr(0, path_begin);
    if (authority.contains('@')) {
        return refused("must not hold a user name or password; use `api_key`");
    }
    if (std::string problem = authority_problem(authority, url); !problem.empty()) {
        return refused(std::move(problem));
    }
    std::string_view path = rest.substr(path_begin);
    if (path.ends_with('/')) {
        path.remove_suffix(1);
    }
    if (!is_path(path)) {
        return refused(
            "must have a path of plain segments such as /v1, without empty ones, `.` or `..`");
    }
    url.base_path = std::string(path);
    return url;
}

bool names_private_address(const providers::BaseUrl& url) {
    if (const std::optional<IpLiteral> address = parse_ip(url.host)) {
        return scope_of(*address) == AddressScope::local;
    }
    return url.host == "localhost" || url.host.ends_with(".localhost");
}

}  // namespace headgate::policy
