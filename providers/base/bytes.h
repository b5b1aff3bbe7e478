#pragma once

#include <cstddef>
#include <string_view>

namespace headgate::providers {

/// Bytes as they came from a socket: no encoding is promised. Views are valid only as long as the
/// buffer that they look into.
using Bytes = std::string_view;

/// A half-open range of offsets into an exchange's bytes.
struct ByteRange {
    std::size_t begin = 0;
    std::size_t end = 0;

    constexpr std::size_t size() const { return end - begin; }
    constexpr bool empty() const { return begin == end; }
    constexpr Bytes in(Bytes bytes) const { return bytes.substr(begin, end - begin); }
    friend constexpr bool operator==(ByteRange, ByteRange) = default;
};

}  // namespace headgate::providers
