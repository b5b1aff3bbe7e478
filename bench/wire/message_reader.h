#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace headgate::bench {

/// Cuts a byte stream into HTTP/1.1 messages, requests and answers alike (RFC 9112): a head, then
/// a body by Content-Length or chunked; without either the body is empty. An answer that ends with
/// its connection, or an interim (1xx) answer, is outside what the bench exchanges.
///
/// Independent of how the bytes were split. Bounds: head 16 KiB, body 64 MiB, chunk line 64 B,
/// trailers 4 KiB; beyond them, and for what is not HTTP, the state is `failed` and stays so.
class MessageReader {
public:
    enum class State : std::uint8_t { head, body, complete, failed };

    /// Takes bytes off the front of `bytes` up to the end of the message at most; decoded body
    /// bytes are appended to `body`. In `complete` nothing is taken until next_message().
    State feed(std::string_view& bytes, std::string& body);

    /// Forgets the message just completed.
    void next_message();

    State state() const { return state_; }
    /// The first line, without its line end. Valid from `body` on until next_message().
    std::string_view start_line() const;
    /// Whether the connection may carry another message.
    bool keeps_alive() const { return keeps_alive_; }

private:
    enum class Chunk : std::uint8_t { size, data, data_end, trailer };

    void take_head(std::string_view& bytes);
    void read_head();
    bool read_field(std::string_view line);
    void take_plain(std::string_view& bytes, std::string& body);
    void take_chunked(std::string_view& bytes, std::string& body);
    bool take_line(std::string_view& bytes, std::size_t most);
    void read_chunk_line();

    State state_ = State::head;
    Chunk chunk_ = Chunk::size;
    bool keeps_alive_ = true;
    bool is_chunked_ = false;
    bool has_length_ = false;
    std::uint64_t left_ = 0;        // of the body, or of the chunk in hand
    std::uint64_t body_bytes_ = 0;  // seen so far
    std::size_t trailer_bytes_ = 0;
    std::string head_;
    std::string line_;  // a chunk's or trailer's line in the making
};

}  // namespace headgate::bench
