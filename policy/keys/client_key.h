#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace headgate::policy {

/// 256 bits, most significant byte first.
using KeyBits = std::array<std::uint8_t, 32>;

/// `bits` as one number in base 62 (digits 0-9A-Za-z), always 43 digits: 62^43 just passes 2^256,
/// so that nothing of the 256 bits is lost and all keys are equally long.
std::string base62_from(const KeyBits& bits);

}  // namespace headgate::policy
