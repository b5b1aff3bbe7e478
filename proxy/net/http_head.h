#pragma once

#include "providers/base/bytes.h"
#include "providers/contract/endpoint.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace headgate::proxy {

using providers::Bytes;

/// One header field: the value without white space around it. Views into the scanned buffer.
struct HeadField {
    std::string_view name;
    std::string_view value;
};

/// Field lines of a head, in order. Belongs to the worker's scratch: about 4 KiB, never a local of
/// a coroutine. Names compare without case.
struct HeadFields {
    static constexpr std::size_t kCapacity = 256;
    std::array<HeadField, kCapacity> items;
    std::size_t count = 0;

    const HeadField* begin() const { return items.data(); }
    const HeadField* end() const { return items.data() + count; }
    /// The first field of that name (given in lower case), or null.
    const HeadField* find(std::string_view lower_name) const;
};

struct HeadLimits {
    std::size_t max_bytes = std::size_t{16} << 10;
    std::size_t max_fields = 100;  // at most HeadFields::kCapacity
};

/// A client's request line and fields, as strict as docs/errors.md (Malformed HTTP) tells.
struct RequestHead {
    providers::Method method = providers::Method::other;
    std::string_view method_text;
    std::string_view path;   // of the origin-form or of an absolute-form with the same authority
    std::string_view query;  // without '?'
    std::string_view host;
    int minor_version = 1;  // HTTP/1.x
    std::optional<std::uint64_t> content_length;
    bool is_chunked = false;
    bool keeps_alive = true;
    bool expects_continue = false;
    HeadFields fields;
};

/// A provider's status line and fields. A 1xx answer is a head without a body.
struct AnswerHead {
    int status = 0;
    int minor_version = 1;
    std::optional<std::uint64_t> content_length;
    bool is_chunked = false;
    bool keeps_alive = true;
    HeadFields fields;
};

enum class ScanStatus : std::uint8_t {
    complete,
    incomplete,  // valid so far, needs more bytes
    too_large,   // more bytes or fields than the limits allow: 431
    malformed,   // 400, with `problem`
};

struct ScanResult {
    ScanStatus status = ScanStatus::incomplete;
    std::size_t size = 0;      // bytes of the head, its empty line included
    std::string_view problem;  // static text, fit for a client: "obs-fold", "repeated Host", …
};

/// Scans the head at the start of `buffer`. Anything that RFC 9112 lets a recipient reject and that
/// could be read in two ways is malformed: see docs/errors.md for the list. A malformed start is
/// reported as soon as it is seen, also when the head is not whole.
ScanResult scan_request_head(Bytes buffer, const HeadLimits& limits, RequestHead& head);
ScanResult scan_answer_head(Bytes buffer, const HeadLimits& limits, AnswerHead& head);

/// Visible ASCII, space, tab and bytes above 0x7f: what may stand in a field value (RFC 9110 §5.5).
bool is_field_value(std::string_view value);
/// An RFC 9110 token.
bool is_token(std::string_view text);
/// ASCII comparison without case; `lower` is in lower case.
bool equals_lower(std::string_view text, std::string_view lower);

}  // namespace headgate::proxy
