#pragma once

#include <cstdint>
#include <string>

namespace headgate::providers {

/// A PNG of 8 x 8 pixels in two colours that `seed` chooses: 24-bit RGB, one IDAT of a stored
/// (uncompressed) deflate block. PNG, 3rd edition; RFC 1950, RFC 1951. Private to this folder.
std::string small_png(std::uint64_t seed);

}  // namespace headgate::providers
