#include "policy/store/journal/layout.h"

#include "policy/store/journal/crc32c.h"

#include <cstring>

namespace headgate::policy::journal {
namespace {

/// The checksum of numbers as they lie in memory. `kind` comes first: records of one kind never
/// pass for those of another.
template <class... Numbers>
std::uint32_t checksum(std::uint32_t kind, Numbers... numbers) {
    std::array<char, (sizeof(kind) + ... + sizeof(Numbers))> bytes{};
    char* to = bytes.data();
    const auto put = [&to](const auto& number) {
        std::memcpy(to, &number, sizeof number);
        to += sizeof number;
    };
    put(kind);
    (put(numbers), ...);
    return crc32c({bytes.data(), bytes.size()});
}

}  // namespace

std::uint32_t checksum_of(const FileHead& head) {
    return crc32c({head.instance.data(), head.instance.size()}, checksum(1, head.version));
}

std::uint32_t checksum_of(const BlockHead& head) {
    return checksum(2, head.generation);
}

std::uint32_t checksum_of(const RowHead& head, std::string_view row) {
    return crc32c(row, checksum(3, head.length, head.generation, head.index));
}

std::uint32_t checksum_of(const SlotHead& head, std::string_view row) {
    return crc32c(row, checksum(4, head.length, head.generation, head.sequence));
}

}  // namespace headgate::policy::journal
