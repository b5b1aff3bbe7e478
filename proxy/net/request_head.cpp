#include "proxy/net/head_scan.h"
#include "proxy/net/http_head.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace headgate::proxy {

namespace {

using providers::Method;

Method method_from(std::string_view text) {
    constexpr std::array<std::pair<std::string_view, Method>, 7> kMethods{{
        {"POST", Method::post},
        {"GET", Method::get},
        {"PUT", Method::put},
        {"PATCH", Method::patch},
        {"DELETE", Method::del},
        {"HEAD", Method::head},
        {"OPTIONS", Method::options},
    }};
    const auto* known = std::ranges::find(kMethods, text, &decltype(kMethods)::value_type::first);
    return known == kMethods.end() ? Method::other : known->second;
}

bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// RFC 3986 §3.2.2: dotted addresses are reg-names too.
bool is_reg_name(std::string_view text) {
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '%') {
            if (!is_of(reg_name_byte, text[at])) {
                return false;
            }
            continue;
        }
        if (text.size() - at < 3 || !is_hex(text[at + 1]) || !is_hex(text[at + 2])) {
            return false;
        }
        at += 2;
    }
    return !text.empty();
}

bool is_ipv6(std::string_view text) {
    std::array<char, INET6_ADDRSTRLEN> name{};  // inet_pton() reads up to a NUL
    if (text.size() >= name.size()) {
        return false;
    }
    std::ranges::copy(text, name.begin());
    in6_addr address{};
    return inet_pton(AF_INET6, name.data(), &address) == 1;
}

bool is_port(std::string_view text) {
    std::uint16_t port = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, port);
    return error == std::errc{} && stop == end;
}

/// uri-host [":" port] (RFC 9110 §7.2), neither of them empty.
bool is_authority(std::string_view text) {
    const bool is_bracketed = text.starts_with('[');
    const std::size_t host_end = is_bracketed ? text.find(']') : text.find(':');
    if (is_bracketed) {
        if (host_end == std::string_view::npos || !is_ipv6(text.substr(1, host_end - 1))) {
            return false;
        }
        text.remove_prefix(host_end + 1);
        return text.empty() || (text.starts_with(':') && is_port(text.substr(1)));
    }
    return is_reg_name(text.substr(0, host_end)) &&
           (host_end == std::string_view::npos || is_port(text.substr(host_end + 1)));
}

bool are_same_authority(std::string_view left, std::string_view right) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::ranges::equal(left, right, {}, lower, lower);
}

/// Forgets a former scan. The fields' items stay: `count` says that they are not there.
void clear(RequestHead& head) {
    head.method = Method::other;
    head.method_text = head.path = head.query = head.host = {};
    head.minor_version = 1;
    head.content_length.reset();
    head.is_chunked = false;
    head.keeps_alive = true;
    head.expects_continue = false;
    head.fields.count = 0;
}

void split_path(std::string_view target, RequestHead& head) {
    const std::size_t question = target.find('?');
    head.path = target.substr(0, question);
    head.query = question == std::string_view::npos ? "" : target.substr(question + 1);
}

/// Takes the target apart (RFC 9112 §3.2). `authority` is set for the absolute-form only.
std::string_view read_target(std::string_view target,
                             RequestHead& head,
                             std::string_view& authority) {
    if (target.starts_with('/')) {
        split_path(target, head);
        return {};
    }
    if (target == "*") {
        head.path = target;
        return head.method == Method::options ? "" : "request target * without OPTIONS";
    }
    constexpr std::string_view kHttp = "http://";
    constexpr std::string_view kHttps = "https://";
    const bool is_http = equals_lower(target.substr(0, kHttp.size()), kHttp);
    if (!is_http && !equals_lower(target.substr(0, kHttps.size()), kHttps)) {
        return "malformed request target";
    }
    target.remove_prefix(is_http ? kHttp.size() : kHttps.size());
    const std::size_t end = std::min(target.find_first_of("/?"), target.size());
    authority = target.substr(0, end);
    split_path(target.substr(end), head);
    if (head.path.empty()) {
        head.path = "/";
    }
    return is_authority(authority) ? "" : "malformed request target";
}

/// One empty line may stand before a request (RFC 9112 §2.2): old clients end a body with it.
ScanStatus skip_empty_line(HeadCursor& cursor) {
    if (cursor.is_at_end()) {
        return ScanStatus::incomplete;
    }
    if (cursor.peek() != '\r') {
        return cursor.peek() == '\n' ? cursor.fail("bare LF") : ScanStatus::complete;
    }
    if (const ScanStatus status = cursor.line_end({}); status != ScanStatus::complete) {
        return status;
    }
    if (!cursor.is_at_end() && cursor.peek() == '\r') {
        return cursor.fail("empty lines before the request line");
    }
    return cursor.is_at_end() ? ScanStatus::incomplete : ScanStatus::complete;
}

ScanStatus scan_method(HeadCursor& cursor, RequestHead& head) {
    if (const ScanStatus status = cursor.run(token_byte, head.method_text);
        status != ScanStatus::complete) {
        return status;
    }
    if (head.method_text.empty() || cursor.peek() != ' ') {
        return cursor.fail("malformed method");
    }
    if (head.method_text == "CONNECT") {
        return cursor.fail("CONNECT");
    }
    head.method = method_from(head.method_text);
    ++cursor.at;
    return ScanStatus::complete;
}

ScanStatus scan_target(HeadCursor& cursor, RequestHead& head, std::string_view& authority) {
    Bytes target;
    const ScanStatus status = cursor.run(visible_byte, target);
    if (target.contains('#')) {
        return cursor.fail("fragment in the request target");
    }
    if (status != ScanStatus::complete) {
        return status;
    }
    if (target.empty() || cursor.peek() != ' ') {
        return cursor.fail("malformed request line");
    }
    ++cursor.at;
    const std::string_view problem = read_target(target, head, authority);
    return problem.empty() ? ScanStatus::complete : cursor.fail(problem);
}

ScanStatus scan_version(HeadCursor& cursor, RequestHead& head) {
    constexpr std::string_view kProblem = "HTTP version other than 1.1 and 1.0";
    if (const ScanStatus status = cursor.literal("HTTP/1.", kProblem);
        status != ScanStatus::complete) {
        return status;
    }
    if (cursor.is_at_end()) {
        return ScanStatus::incomplete;
    }
    if (cursor.peek() != '0' && cursor.peek() != '1') {
        return cursor.fail(kProblem);
    }
    head.minor_version = cursor.peek() - '0';
    ++cursor.at;
    return cursor.line_end("malformed request line");
}

ScanStatus scan_request_line(HeadCursor& cursor, RequestHead& head, std::string_view& authority) {
    ScanStatus status = skip_empty_line(cursor);
    if (status == ScanStatus::complete) {
        status = scan_method(cursor, head);
    }
    if (status == ScanStatus::complete) {
        status = scan_target(cursor, head, authority);
    }
    return status == ScanStatus::complete ? scan_version(cursor, head) : status;
}

std::string_view read_host(std::string_view value, RequestHead& head) {
    if (!head.host.empty()) {
        return "repeated Host";
    }
    head.host = value;
    return is_authority(value) ? "" : "malformed Host";
}

std::string_view read_expect(std::string_view value, RequestHead& head) {
    if (head.expects_continue) {
        return "repeated Expect";
    }
    head.expects_continue = true;
    return equals_lower(value, "100-continue") ? "" : "Expect other than 100-continue";
}

/// Reads what the whole lines seen so far mean; gives the first problem.
std::string_view read_fields(RequestHead& head) {
    MessageFacts facts;
    for (const HeadField& field : head.fields) {
        const std::string_view problem =
            equals_lower(field.name, "host")     ? read_host(field.value, head)
            : equals_lower(field.name, "expect") ? read_expect(field.value, head)
                                                 : facts.take(field);
        if (!problem.empty()) {
            return problem;
        }
    }
    head.content_length = facts.content_length();
    head.is_chunked = facts.is_chunked();
    head.keeps_alive = facts.keeps_alive(head.minor_version);
    // RFC 9110 §10.1.1: a client of HTTP/1.0 does not know what a 100 answer is.
    head.expects_continue = head.expects_continue && head.minor_version == 1;
    return facts.conflict(head.minor_version);
}

std::string_view read_authority(std::string_view authority, RequestHead& head) {
    if (head.host.empty()) {
        head.host = authority;
        return head.minor_version == 1 ? "missing Host" : "";
    }
    const bool agree = authority.empty() || are_same_authority(authority, head.host);
    return agree ? "" : "request target with another authority than Host";
}

}  // namespace

ScanResult scan_request_head(Bytes buffer, const HeadLimits& limits, RequestHead& head) {
    clear(head);
    HeadCursor cursor{.text = buffer.substr(0, limits.max_bytes)};
    std::string_view authority;
    ScanStatus status = scan_request_line(cursor, head, authority);
    if (status == ScanStatus::complete) {
        status = scan_field_lines(cursor, limits.max_fields, head.fields);
        cursor.problem = status == ScanStatus::malformed ? cursor.problem : read_fields(head);
    }
    if (status == ScanStatus::complete && cursor.problem.empty()) {
        cursor.problem = read_authority(authority, head);
    }
    return scan_result(cursor, status, buffer.size() >= limits.max_bytes);
}

}  // namespace headgate::proxy
