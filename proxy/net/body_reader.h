#pragma once

#include "providers/base/bytes.h"
#include "proxy/net/chunked.h"

#include <cstdint>
#include <optional>

namespace headgate::proxy {

/// Takes the framing off a message's body, whichever of HTTP/1.1's three it is. Sans-IO.
class BodyReader {
public:
    enum class State : std::uint8_t { more, end, malformed };

    static BodyReader none() { return BodyReader{Framing::length, 0}; }
    static BodyReader of_length(std::uint64_t bytes) { return BodyReader{Framing::length, bytes}; }
    static BodyReader chunked() { return BodyReader{Framing::chunked, 0}; }
    static BodyReader until_close() { return BodyReader{Framing::until_close, 0}; }

    /// Removes what it reads from `input`, gives the next run of body bytes inside it.
    providers::Bytes next(providers::Bytes& input) {
        if (framing_ == Framing::chunked) {
            return chunks_.next(input);
        }
        const std::size_t take = framing_ == Framing::until_close || left_ > input.size()
                                     ? input.size()
                                     : static_cast<std::size_t>(left_);
        const providers::Bytes data = input.substr(0, take);
        input.remove_prefix(take);
        left_ -= framing_ == Framing::length ? take : 0;
        return data;
    }

    State state() const {
        switch (framing_) {
            case Framing::length:
                return left_ == 0 ? State::end : State::more;
            case Framing::chunked:
                return chunks_.state() == ChunkState::more  ? State::more
                       : chunks_.state() == ChunkState::end ? State::end
                                                            : State::malformed;
            case Framing::until_close:
                break;
        }
        return State::more;
    }

    /// Whether an end of the connection here is the body's proper end.
    bool may_end_by_close() const { return framing_ == Framing::until_close; }
    bool is_chunked() const { return framing_ == Framing::chunked; }
    /// Bytes that are still to come, where the length is known.
    std::optional<std::uint64_t> left() const {
        return framing_ == Framing::length ? std::optional{left_} : std::nullopt;
    }
    std::string_view problem() const { return chunks_.problem(); }

private:
    enum class Framing : std::uint8_t { length, chunked, until_close };

    BodyReader(Framing framing, std::uint64_t left) : framing_{framing}, left_{left} {}

    Framing framing_;
    std::uint64_t left_;
    ChunkDecoder chunks_;
};

}  // namespace headgate::proxy
