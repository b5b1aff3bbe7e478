#include "providers/simulator/picture.h"

#include "providers/simulator/text.h"

#include <string_view>

namespace headgate::providers {
namespace {

constexpr std::uint32_t kSide = 8;

void append_big_endian(std::string& out, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) {
        out += static_cast<char>(value >> shift & 0xffU);
    }
}

std::uint32_t crc32_of(std::string_view bytes) {
    std::uint32_t crc = 0xffffffff;
    for (const char byte : bytes) {
        crc ^= static_cast<unsigned char>(byte);
        for (int bit = 0; bit < 8; ++bit) {
            crc = crc >> 1 ^ ((crc & 1U) != 0 ? 0xedb88320U : 0U);
        }
    }
    return ~crc;
}

std::uint32_t adler32_of(std::string_view bytes) {
    constexpr std::uint32_t kPrime = 65521;
    std::uint32_t low = 1;
    std::uint32_t high = 0;
    for (const char byte : bytes) {
        low = (low + static_cast<unsigned char>(byte)) % kPrime;
        high = (high + low) % kPrime;
    }
    return high << 16 | low;
}

void append_chunk(std::string& out, std::string_view type, std::string_view data) {
    append_big_endian(out, static_cast<std::uint32_t>(data.size()));
    std::string typed{type};
    typed += data;
    out += typed;
    append_big_endian(out, crc32_of(typed));
}

std::string stored_zlib(std::string_view data) {
    const auto size = static_cast<std::uint32_t>(data.size());
    std::string out{"\x78\x01\x01"};  // zlib header; the last block, stored
    for (const std::uint32_t length : {size, ~size}) {
        out += static_cast<char>(length & 0xffU);
        out += static_cast<char>(length >> 8 & 0xffU);
    }
    out += data;
    append_big_endian(out, adler32_of(data));
    return out;
}

}  // namespace

std::string small_png(std::uint64_t seed) {
    Random random{seed};
    const std::uint64_t colours[2] = {random.next(), random.next()};
    std::string pixels;
    for (std::uint32_t row = 0; row < kSide; ++row) {
        pixels += '\0';  // filter: none
        for (std::uint32_t column = 0; column < kSide; ++column) {
            const std::uint64_t colour = colours[(row / 2 + column / 2) % 2];
            for (int shift = 0; shift < 24; shift += 8) {
                pixels += static_cast<char>(colour >> shift & 0xffU);
            }
        }
    }
    std::string header;
    append_big_endian(header, kSide);
    append_big_endian(header, kSide);
    header += std::string_view{"\x08\x02\x00\x00\x00", 5};  // 8 bits, RGB, no interlace
    std::string out{"\x89PNG\r\n\x1a\n"};
    append_chunk(out, "IHDR", header);
    append_chunk(out, "IDAT", stored_zlib(pixels));
    append_chunk(out, "IEND", "");
    return out;
}

}  // namespace headgate::providers
