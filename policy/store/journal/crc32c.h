#pragma once

#include <cstdint>
#include <string_view>

namespace headgate::policy::journal {

/// CRC-32C (Castagnoli; RFC 3720 B.4) of `bytes`, which follow those that `before` is the checksum
/// of. By the processor's instruction where it has one.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);

/// The same by tables alone.
std::uint32_t crc32c_by_table(std::string_view bytes, std::uint32_t before = 0);

}  // namespace headgate::policy::journal
