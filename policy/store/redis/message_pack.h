#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace headgate::policy {

/// Writes MessagePack (github.com/msgpack/msgpack/blob/master/spec.md): lists, whole numbers and
/// texts, each in its shortest form. What the scripts in Redis read by cmsgpack.unpack().
class MessagePack {
public:
    /// A list of `size` values, which follow.
    void list(std::size_t size);
    void number(std::int64_t value);
    /// Below 4 GiB.
    void text(std::string_view bytes);
    void flag(bool value) { number(value ? 1 : 0); }

    const std::string& bytes() const { return bytes_; }
    std::string take() && { return std::move(bytes_); }

private:
    void tagged(std::uint8_t tag, std::uint64_t value, std::size_t width);

    std::string bytes_;
};

}  // namespace headgate::policy
