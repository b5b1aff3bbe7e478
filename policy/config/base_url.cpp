#include "policy/config/base_url.h"

#include "policy/config/authority.h"
#include "policy/config/ip_literal.h"

namespace headgate::policy {
namespace {

constexpr std::size_t kMaxUrlBytes = 2048;

std::unexpected<std::string> refused(std::string what) {
    return std::unexpected(std::move(what));
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
            dots += lower_case(segment.substr(i, 3)) == "%2e" ? '.' : '%';
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

/// RFC 3986 `query`.
bool is_query(std::string_view query) {
    const bool is_plain = std::ranges::all_of(query, [](char c) {
        const bool is_letter = ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z');
        return is_letter || ('0' <= c && c <= '9') ||
               std::string_view("-._~!$&'()*+,;=:@/?%").contains(c);
    });
    return is_plain && percent_decoded(query);
}

}  // namespace

Parsed<providers::BaseUrl> parse_base_url(std::string_view text) {
    providers::BaseUrl url;
    const std::size_t colon = std::min(text.find("://"), text.size());
    const std::string scheme = lower_case(text.substr(0, colon));
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
    Parsed<Authority> place = parse_authority(authority);
    if (!place) {
        return refused(std::move(place.error()));
    }
    url.host = std::move(place->host);
    url.port = place->port.value_or(url.is_tls ? 443 : 80);
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

Parsed<providers::BaseUrl> parse_webhook_url(std::string_view text) {
    const std::size_t scheme = text.find("://");
    const std::string_view rest =
        scheme == std::string_view::npos ? std::string_view{} : text.substr(scheme + 3);
    if (rest.substr(0, rest.find_first_of("/?#")).contains('@')) {
        return refused("must not hold a user name or password; `secret` signs what is sent");
    }
    if (text.size() > kMaxUrlBytes) {
        return refused("must be at most 2048 bytes long");
    }
    if (text.contains('\'')) {  // would end what is redacted of it where it is shown
        return refused("must have `'` written %27");
    }
    const std::string_view place = text.substr(0, text.find('?'));
    const std::string_view query = text.substr(place.size());
    Parsed<providers::BaseUrl> url = parse_base_url(place);
    if (!url) {
        return refused(place.contains('#') ? "must not have a fragment (`#`)"
                                           : std::move(url.error()));
    }
    if (!is_query(query)) {
        return refused("must have a query of percent-encoded text, without a fragment (`#`)");
    }
    const bool ends_with_slash = url->base_path.empty() || place.ends_with('/');
    url->base_path += ends_with_slash ? "/" : "";
    url->base_path += query;
    return url;
}

bool names_private_address(const providers::BaseUrl& url) {
    if (const std::optional<IpLiteral> address = parse_ip(url.host)) {
        return scope_of(*address) == AddressScope::local;
    }
    return url.host == "localhost" || url.host.ends_with(".localhost");
}

}  // namespace headgate::policy
