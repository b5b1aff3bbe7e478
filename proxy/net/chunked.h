#pragma once

#include "providers/base/bytes.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headgate::proxy {

/// Takes the chunked coding (RFC 9112 §7.1) off a body, bounded: chunk sizes of at most 16 hex
/// digits, extensions of at most 256 bytes a line and 16 KiB a body, trailers of at most 4 KiB
/// (checked and dropped). Strict: CRLF only, no white space around sizes.
///
///   while (!input.empty() && decoder.state() == ChunkState::more) {
///       const Bytes data = decoder.next(input);   // moves input's start
///       …
///   }
enum class ChunkState : std::uint8_t { more, end, malformed };

class ChunkDecoder {
public:
    /// Removes what it reads from `input` and returns the next run of body bytes inside it (empty
    /// where only framing was left). Stops behind the last byte of the body: what follows stays.
    providers::Bytes next(providers::Bytes& input);

    ChunkState state() const { return state_; }
    std::string_view problem() const { return problem_; }

private:
    enum class At : std::uint8_t {
        size_first,
        size,
        extension,
        size_lf,
        data,
        data_cr,
        data_lf,
        trailer_start,
        trailer,
        trailer_lf,
        last_lf,
    };

    void take_size_line(char c);
    void take_extension(char c);
    void take_data_end(char c);
    void take_trailer(char c);
    void fail(std::string_view problem);

    std::uint64_t left_ = 0;
    std::size_t digits_ = 0;
    std::size_t extension_bytes_ = 0;
    std::size_t extension_total_ = 0;
    std::size_t trailer_bytes_ = 0;
    At at_ = At::size_first;
    bool has_name_ = false;  // the trailer line has passed its colon
    ChunkState state_ = ChunkState::more;
    std::string_view problem_;
};

}  // namespace headgate::proxy
