#pragma once

#include "providers/contract/answer_decoder.h"

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headgate::providers::openai {

/// A file of fixtures/ without its first line, the comment on its source, and the blank line.
std::string fixture(std::string_view name);

/// A request to a relayed endpoint as the decoders see it.
ApiRequest stream_request(Operation operation,
                          bool include_usage = false,
                          std::int64_t choices = 1);

/// A usage that a provider told: `reported({{&Usage::input, 5}, {&Usage::output, 7}})`.
Usage reported(std::initializer_list<std::pair<Tokens Usage::*, std::int64_t>> classes);
/// One of so many pictures that are charged by the piece.
Usage pictures(std::int64_t count);

/// Our own count of these deltas.
Tokens counted(std::initializer_list<std::string_view> deltas);

/// What a decoder made of a stream.
struct StreamRun {
    StreamState state = StreamState::open;
    std::string out;
    Usage usage;
    Tokens content_tokens;
    std::size_t events = 0;

    friend bool operator==(const StreamRun&, const StreamRun&) = default;
};

void PrintTo(const StreamRun& run, std::ostream* stream);

/// Feeds the pieces to a fresh decoder and finishes it.
StreamRun run(const ApiRequest& request,
              const std::vector<std::string_view>& pieces,
              bool is_clean = true);

/// As run(), every byte for itself.
StreamRun run_bytewise(const ApiRequest& request, std::string_view stream, bool is_clean = true);

/// Where the events of a stream with LF line ends begin, and where the last one ends.
std::vector<std::size_t> event_borders(std::string_view stream);

/// `text` with every `from` replaced by `to`.
std::string replaced(std::string text, std::string_view from, std::string_view to);

}  // namespace headgate::providers::openai
