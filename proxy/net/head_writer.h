#pragma once

#include "providers/base/bytes.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

namespace headgate::proxy {

/// Writes a head into memory that the caller owns (worker scratch). Every name and value is
/// checked: what is not a token or a field value is left out and makes is_valid() false, so that
/// nothing can be smuggled into a head. What does not fit makes is_valid() false too.
class HeadWriter {
public:
    explicit HeadWriter(std::span<char> memory) : memory_{memory} {}

    /// "HTTP/1.1 200 OK".
    void status_line(int status);
    /// "POST /v1/x HTTP/1.1"; the target must be visible ASCII.
    void request_line(std::string_view method, std::string_view target);
    void field(std::string_view name, std::string_view value);
    void field(std::string_view name, std::uint64_t value);
    /// Trusted text that was checked before: whole lines with their CRLF.
    void lines(std::string_view checked);
    /// The empty line; gives the head, to be sent only where is_valid().
    providers::Bytes finish();

    bool is_valid() const { return is_valid_; }

private:
    void line(std::initializer_list<std::string_view> pieces);
    void put(std::string_view text);

    std::span<char> memory_;
    std::size_t used_ = 0;
    bool is_valid_ = true;
};

/// "1a2b\r\n" before a chunk of `size` bytes, written into `memory`.
std::string_view chunk_size_line(std::size_t size, std::array<char, 18>& memory);

/// The reason phrase of a status, or "Unknown".
std::string_view reason_phrase(int status);

}  // namespace headgate::proxy
