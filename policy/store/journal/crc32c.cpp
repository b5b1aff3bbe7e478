#include "policy/store/journal/crc32c.h"

#include <array>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace headgate::policy::journal {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // reflected
constexpr std::size_t kStride = 8;                 // bytes a step

using Table = std::array<std::uint32_t, 256>;

/// tables[k][b]: what the byte b does to the checksum from k bytes before the end of a step.
constexpr std::array<Table, kStride> make_tables() {
    std::array<Table, kStride> tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
        }
        tables[0][byte] = crc;
    }
    for (std::size_t k = 1; k < kStride; ++k) {
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const std::uint32_t crc = tables[k - 1][byte];
            tables[k][byte] = (crc >> 8) ^ tables[0][crc & 0xff];
        }
    }
    return tables;
}

constexpr std::array<Table, kStride> kTables = make_tables();

std::uint64_t load(const char* from) {
    std::uint64_t word = 0;
    std::memcpy(&word, from, sizeof word);
    return word;
}

#if defined(__x86_64__)
[[gnu::target("sse4.2")]] std::uint32_t crc32c_by_instruction(std::string_view bytes,
                                                              std::uint32_t before) {
    std::uint64_t crc = ~before;
    const char* at = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= kStride; at += kStride, left -= kStride) {
        crc = _mm_crc32_u64(crc, load(at));
    }
    auto last = static_cast<std::uint32_t>(crc);
    for (; left > 0; ++at, --left) {
        last = _mm_crc32_u8(last, static_cast<std::uint8_t>(*at));
    }
    return ~last;
}
#endif

}  // namespace

std::uint32_t crc32c_by_table(std::string_view bytes, std::uint32_t before) {
    std::uint32_t crc = ~before;
    const char* at = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= kStride; at += kStride, left -= kStride) {
        const std::uint64_t word = load(at) ^ crc;
        crc = 0;
        for (std::size_t k = 0; k < kStride; ++k) {
            crc ^= kTables[kStride - 1 - k][(word >> (8 * k)) & 0xff];
        }
    }
    for (; left > 0; ++at, --left) {
        crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<std::uint8_t>(*at)) & 0xff];
    }
    return ~crc;
}

std::uint32_t crc32c(std::string_view bytes, std::uint32_t before) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) {
        return crc32c_by_instruction(bytes, before);
    }
#endif
    return crc32c_by_table(bytes, before);
}

}  // namespace headgate::policy::journal
