#pragma once

#include "proxy/net/http_head.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace headgate::proxy {

/// Which parts of a head a byte may stand in (RFC 9110 §5.5 and §5.6.2, RFC 3986 §3.2.2).
enum ByteClass : std::uint8_t {
    token_byte = 1,     // tchar
    value_byte = 2,     // field-vchar, space and tab
    visible_byte = 4,   // 0x21 to 0x7e
    reg_name_byte = 8,  // unreserved and sub-delims, without the comma
};

consteval std::array<std::uint8_t, 256> byte_classes() {
    constexpr std::string_view kAlphanumeric =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    std::array<std::uint8_t, 256> classes{};
    const auto add = [&classes](std::string_view bytes, std::uint8_t which) {
        for (const char c : bytes) {
            classes[static_cast<unsigned char>(c)] |= which;
        }
    };
    for (std::size_t byte = 0; byte < classes.size(); ++byte) {
        const bool is_control = (byte < 0x20 && byte != '\t') || byte == 0x7f;
        classes[byte] |= is_control ? 0 : value_byte;
        classes[byte] |= byte > 0x20 && byte < 0x7f ? visible_byte : 0;
    }
    add(kAlphanumeric, token_byte | reg_name_byte);
    add("!#$%&'*+-.^_`|~", token_byte);
    // A comma is a sub-delim too, but also what joins two Host fields into one.
    add("-._~!$&'()*+;=", reg_name_byte);
    return classes;
}

inline constexpr std::array<std::uint8_t, 256> kByteClasses = byte_classes();

constexpr bool is_of(ByteClass which, char c) {
    return (kByteClasses[static_cast<unsigned char>(c)] & which) != 0;
}

/// Where a scan stands. Each step takes what it names and gives `complete`, or leaves the cursor
/// where it stopped: `incomplete` at the end of the text, `malformed` with the problem set.
struct HeadCursor {
    Bytes text;
    std::size_t at = 0;
    std::string_view problem = {};  // NOLINT(readability-redundant-member-init): for {.text = …}

    bool is_at_end() const { return at == text.size(); }
    char peek() const { return text[at]; }
    ScanStatus fail(std::string_view why);

    /// Takes `expected`; `why` is the problem where something else stands.
    ScanStatus literal(std::string_view expected, std::string_view why);
    /// Takes CRLF; `why` is the problem where neither CR nor LF stands.
    ScanStatus line_end(std::string_view why);
    /// Takes all bytes of a class; they may be none. Where the text ends inside, `incomplete`.
    ScanStatus run(ByteClass which, Bytes& taken);
    /// Takes value bytes up to a CRLF and that too; `value` is without white space around it.
    ScanStatus value_line(Bytes& value);
};

/// Takes field lines and the empty line behind them. `fields` holds the whole lines seen, whatever
/// the status; more than `max_fields` is too_large.
ScanStatus scan_field_lines(HeadCursor& cursor, std::size_t max_fields, HeadFields& fields);

/// What a scan that came to `status` tells its caller; a problem of the cursor outweighs all else.
/// `is_full`: the text is as long as a head may be.
ScanResult scan_result(const HeadCursor& cursor, ScanStatus status, bool is_full);

/// What the fields mean that requests and answers share: framing (RFC 9112 §6) and persistence
/// (§9.3). A problem is static text; none is empty.
class MessageFacts {
public:
    /// Reads one field; those that mean nothing here are passed over.
    std::string_view take(const HeadField& field);
    /// What is wrong with the fields taken so far together.
    std::string_view conflict(int minor_version) const;

    std::optional<std::uint64_t> content_length() const { return content_length_; }
    bool is_chunked() const { return is_chunked_; }
    bool keeps_alive(int minor_version) const {
        return !says_close_ && (minor_version == 1 || says_keep_alive_);
    }

private:
    std::string_view take_length(std::string_view value);
    std::string_view take_coding(std::string_view value);
    std::string_view take_connection(std::string_view value);

    std::optional<std::uint64_t> content_length_;
    bool is_chunked_ = false;
    bool says_close_ = false;
    bool says_keep_alive_ = false;
};

}  // namespace headgate::proxy
