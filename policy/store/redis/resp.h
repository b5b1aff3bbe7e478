#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::policy {

/// One reply of Redis (RESP2).
struct RespValue {
    enum class Kind : std::uint8_t { nil, text, error, number, list };

    Kind kind = Kind::nil;
    std::string text;  // of text and error
    std::int64_t number = 0;
    std::vector<RespValue> items;

    bool is_error(std::string_view code) const;  // "NOSCRIPT", "READONLY", "MOVED", …
};

/// A command as it goes over the wire.
std::string resp_command(std::span<const std::string_view> words);

/// Reads replies from bytes, however they were split. hiredis' reader behind a value type. A reply
/// that is no RESP, or larger than 16 MiB, breaks the reader for good: drop the connection.
class RespReader {
public:
    RespReader();
    ~RespReader();
    RespReader(const RespReader&) = delete;
    RespReader& operator=(const RespReader&) = delete;

    void feed(std::string_view bytes);
    /// The next whole reply; nullopt: more bytes are needed, or is_broken().
    std::optional<RespValue> next();
    bool is_broken() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace headgate::policy
