#pragma once

#include "proxy/net/chunked.h"
#include "tests/fuzz/oracle.h"

#include <string>
#include <string_view>

namespace headgate::fuzz {

struct Unchunked {
    std::string body;
    proxy::ChunkState state = proxy::ChunkState::more;
    std::size_t read = 0;

    friend bool operator==(const Unchunked&, const Unchunked&) = default;
};

/// Decodes `coded` in pieces of `piece_size` bytes.
inline Unchunked unchunk(std::string_view coded, std::size_t piece_size) {
    proxy::ChunkDecoder decoder;
    Unchunked out;
    while (out.read < coded.size() && decoder.state() == proxy::ChunkState::more) {
        const std::string piece{coded.substr(out.read, piece_size)};
        providers::Bytes input = piece;
        while (!input.empty() && decoder.state() == proxy::ChunkState::more) {
            const std::size_t before = input.size();
            const providers::Bytes data = decoder.next(input);
            require(is_inside(data, piece), "body bytes are a view of the input");
            require(input.size() < before || decoder.state() != proxy::ChunkState::more,
                    "each step reads something");
            out.body += data;
        }
        out.read += piece.size() - input.size();
    }
    out.state = decoder.state();
    require(out.state != proxy::ChunkState::malformed || !decoder.problem().empty(),
            "what is malformed has a problem");
    return out;
}

inline void check_chunked(std::string_view coded) {
    const Unchunked whole = unchunk(coded, coded.size() + 1);

    for (const std::size_t piece_size : {std::size_t{1}, std::size_t{2}, std::size_t{7}}) {
        const Unchunked parts = unchunk(coded, piece_size);
        require(parts.state == whole.state, "the verdict does not depend on the pieces");
        require(parts.body == whole.body, "the body does not depend on the pieces");
        require(parts.state != proxy::ChunkState::end || parts.read == whole.read,
                "the end does not depend on the pieces");
    }
    require(whole.body.size() <= coded.size(), "a body is part of its coding");
}

}  // namespace headgate::fuzz
