#pragma once

#include "proxy/net/http_head.h"
#include "tests/fuzz/oracle.h"

#include <algorithm>
#include <memory>
#include <string_view>

namespace headgate::fuzz {

inline void check_head(const proxy::RequestHead& head, std::string_view bytes) {
    require(proxy::is_token(head.method_text), "the method is a token");
    require(is_inside(head.path, bytes) && is_inside(head.query, bytes), "the target is a view");
    require(!head.path.empty(), "a request has a path");
    require(!(head.is_chunked && head.content_length), "a body has one framing");
    require(head.minor_version == 0 || head.minor_version == 1, "the version is 1.0 or 1.1");
    require(!(head.is_chunked && head.minor_version == 0), "1.0 knows no chunks");
    require(head.minor_version == 0 || head.fields.find("host") != nullptr, "1.1 names its host");
    for (const proxy::HeadField& field : head.fields) {
        require(is_inside(field.name, bytes) && is_inside(field.value, bytes), "fields are views");
        require(proxy::is_token(field.name), "a field's name is a token");
        require(proxy::is_field_value(field.value), "a field's value has no control bytes");
    }
}

inline proxy::ScanResult scan(std::string_view bytes, proxy::RequestHead& head) {
    head = {};
    return proxy::scan_request_head(bytes, proxy::HeadLimits{}, head);
}

inline void check_request_head(std::string_view bytes) {
    using proxy::ScanStatus;
    const auto head = std::make_unique<proxy::RequestHead>();
    const proxy::ScanResult whole = scan(bytes, *head);
    require(whole.status != ScanStatus::malformed || !whole.problem.empty(),
            "what is malformed has a problem");
    std::size_t last = bytes.size();
    if (whole.status == ScanStatus::complete) {
        require(whole.size != 0 && whole.size <= bytes.size(), "a head is inside the bytes");
        require(bytes.substr(0, whole.size).ends_with("\r\n\r\n"),
                "a head ends with an empty line");
        check_head(*head, bytes.substr(0, whole.size));
        last = whole.size;
        require(scan(bytes.substr(0, last), *head).status == ScanStatus::complete,
                "a head needs nothing behind it");
    }
    const std::size_t stride = last / 64 + 1;
    for (std::size_t size = 0; size < last; size += stride) {
        const ScanStatus part = scan(bytes.substr(0, size), *head).status;
        require(part != ScanStatus::complete, "a part of a head is not a head");
        require(part == ScanStatus::incomplete || part == whole.status,
                "a verdict stays when more bytes come");
    }
}

}  // namespace headgate::fuzz
