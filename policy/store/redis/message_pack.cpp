#include "policy/store/redis/message_pack.h"

namespace headgate::policy {

void MessagePack::list(std::size_t size) {
    if (size < 16) {
        bytes_.push_back(static_cast<char>(0x90 | size));
    } else if (size <= 0xFFFF) {
        tagged(0xDC, size, 2);
    } else {
        tagged(0xDD, size, 4);
    }
}

void MessagePack::number(std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    if (value >= -32 && value < 128) {
        bytes_.push_back(static_cast<char>(value));
    } else if (value < 0) {
        tagged(0xD3, bits, 8);
    } else if (bits <= 0xFFFF) {
        tagged(0xCD, bits, 2);
    } else if (bits <= 0xFFFF'FFFF) {
        tagged(0xCE, bits, 4);
    } else {
        tagged(0xCF, bits, 8);
    }
}

void MessagePack::text(std::string_view bytes) {
    if (bytes.size() < 32) {
        bytes_.push_back(static_cast<char>(0xA0 | bytes.size()));
    } else if (bytes.size() <= 0xFF) {
        tagged(0xD9, bytes.size(), 1);
    } else if (bytes.size() <= 0xFFFF) {
        tagged(0xDA, bytes.size(), 2);
    } else {
        tagged(0xDB, bytes.size(), 4);
    }
    bytes_ += bytes;
}

void MessagePack::tagged(std::uint8_t tag, std::uint64_t value, std::size_t width) {
    char bytes[9];
    bytes[0] = static_cast<char>(tag);
    for (std::size_t i = 0; i < width; ++i) {  // big-endian
        bytes[1 + i] = static_cast<char>(value >> (8 * (width - 1 - i)));
    }
    bytes_.append(bytes, 1 + width);
}

}  // namespace headgate::policy
