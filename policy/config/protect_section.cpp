#include "policy/config/ip_literal.h"
#include "policy/config/sections.h"

namespace headgate::policy {
namespace {

constexpr KnownName kProtectNames[] = {
    {"max_header_bytes"},       {"max_headers"},       {"max_body"},          {"max_json"},
    {"header_timeout"},         {"body_idle_timeout"}, {"keepalive_timeout"}, {"max_connections"},
    {"max_connections_per_ip"}, {"trusted_proxies"},
};

/// A head is held in memory whole, for every connection.
Parsed<std::size_t> parse_header_bytes(std::string_view text) {
    const Parsed<std::size_t> size = parse_size(text);
    if (!size || *size < 1024 || *size > std::size_t{64} << 10) {
        return std::unexpected(std::string("must be a size from 1KiB to 64KiB"));
    }
    return size;
}

Parsed<std::size_t> parse_body_bytes(std::string_view text) {
    const Parsed<std::size_t> size = parse_size(text);
    if (size && *size == 0) {
        return std::unexpected(std::string("must be larger than 0, such as 32MiB"));
    }
    return size;
}

Parsed<std::int64_t> parse_max_headers(std::string_view text) {
    return parse_count_between(text, 1, 256);
}

Parsed<std::int64_t> parse_max_connections(std::string_view text) {
    return parse_count_between(text, 1, 10'000'000);
}

Parsed<std::string> parse_network(std::string_view text) {
    if (!policy::parse_cidr(text)) {
        return std::unexpected(std::string("must be a CIDR such as 10.0.0.0/8 or 2001:db8::/32"));
    }
    return std::string(text);
}

}  // namespace

void read_protect_section(Reading& reading, const MapReader& root, Protect& protect) {
    const std::optional<Setting> block = root.find("protect");
    if (!block) {
        return;
    }
    const MapReader map{reading, *block, kProtectNames};
    map.read("max_header_bytes", parse_header_bytes, protect.max_header_bytes);
    map.read("max_headers", parse_max_headers, protect.max_headers);
    map.read("max_body", parse_body_bytes, protect.max_body);
    map.read("max_json", parse_body_bytes, protect.max_json);
    map.read("header_timeout", parse_timeout, protect.header_timeout);
    map.read("body_idle_timeout", parse_timeout, protect.body_idle_timeout);
    map.read("keepalive_timeout", parse_timeout, protect.keepalive_timeout);
    map.read("max_connections", parse_max_connections, protect.max_connections);
    map.read("max_connections_per_ip", parse_max_connections, protect.max_connections_per_ip);
    if (const std::optional<Setting> proxies = map.find("trusted_proxies")) {
        for (const Setting& item : read_list(*proxies)) {
            if (auto cidr = read_scalar(reading, item, parse_network)) {
                protect.trusted_proxies.push_back(std::move(*cidr));
            }
        }
    }
}

}  // namespace headgate::policy
