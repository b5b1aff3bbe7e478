#include "policy/config/ip_literal.h"
#include "policy/config/scalars.h"
#include "policy/config/snapshot.h"

namespace headgate::policy {
namespace {

constexpr std::size_t kMaxUnixPath = 107;  // sun_path with its NUL

std::expected<ListenAddress, std::string> unix_address(std::string_view path) {
    if (!path.starts_with('/') || path.size() > kMaxUnixPath || !parse_text(path)) {
        return std::unexpected(
            std::string("must name a socket as unix:/path, at most 107 bytes long"));
    }
    return ListenAddress{.host = {}, .port = 0, .unix_path = std::string(path)};
}

}  // namespace

std::string ListenAddress::to_string() const {
    if (!unix_path.empty()) {
        return "unix:" + unix_path;
    }
    const bool is_v6 = host.contains(':');
    return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::expected<ListenAddress, std::string> parse_listen_address(std::string_view text) {
    constexpr std::string_view unix_prefix = "unix:";
    if (text.starts_with(unix_prefix)) {
        return unix_address(text.substr(unix_prefix.size()));
    }
    const auto wrong = std::unexpected(
        std::string("must be an address such as 127.0.0.1:8080, [::1]:8080 or unix:/path"));
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return wrong;
    }
    std::string_view host = text.substr(0, colon);
    const std::string_view port = text.substr(colon + 1);
    const bool is_bracketed = host.starts_with('[') && host.ends_with(']');
    if (is_bracketed) {
        host = host.substr(1, host.size() - 2);
    }
    const bool is_address = parse_ip(host).has_value();
    const bool is_v6 = is_address && host.contains(':');
    if (is_address ? is_v6 != is_bracketed : is_bracketed || !is_host_name(host)) {
        return wrong;
    }
    const Parsed<std::int64_t> number = parse_count(port);
    const bool is_plain = port.find_first_not_of("0123456789") == std::string_view::npos;
    if (!number || !is_plain || *number > 65535) {
        return std::unexpected(
            std::string("must have a port from 0 to 65535, as in "
                        "127.0.0.1:8080"));
    }
    return ListenAddress{
        .host = std::string(host), .port = static_cast<std::uint16_t>(*number), .unix_path = {}};
}

}  // namespace headgate::policy
