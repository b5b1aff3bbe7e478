#pragma once

#include "providers/openai/choices_reader.h"
#include "providers/openai/event_stream.h"

#include <cstdint>
#include <string>

namespace headgate::providers::openai {

/// The streams of chat/completions and completions: `data: {chunk}` … `data: [DONE]`.
///
/// Complete at `[DONE]`, or where the body ends cleanly after every choice, and at least as many
/// as were asked for, has its finish_reason; the missing marker is then added. A chunk with an
/// `error` passes, its ids masked, and ends the stream as provider_error.
///
/// encode() always asks for usage. Where the client did not, the chunk that brings it (a usage
/// object, no choices) is left out and `usage: null` is cut from the others, all else byte for
/// byte. A usage object in a chunk with choices is the provider's own doing: it is read and passes.
///
/// Azure reports on its content filter in chunks of their own: one without choices, with
/// `prompt_filter_results`, and choices without a delta, also behind the finish_reason. All pass;
/// where the usage comes in the first kind, it alone is cut.
///
/// Sources: OpenAI's API reference, "Chat streaming"; Microsoft's "Content
/// streaming" (Azure OpenAI concepts).
class ChatStreamDecoder final : public EventStreamDecoder {
public:
    /// `include_usage`: the client asked for it. `choices`: how many answers it asked for.
    ChatStreamDecoder(bool include_usage, std::int64_t choices)
        : include_usage_{include_usage}, choices_{choices} {}

protected:
    StreamState take(const SseEvent& event, std::string& out) override;
    bool is_whole_at_end() const override { return progress_.all_finished(choices_); }
    void append_end(std::string& out) const override { out.append("data: [DONE]\n\n"); }

private:
    struct Chunk;

    bool read(Bytes data, Chunk& chunk);

    bool include_usage_;
    std::int64_t choices_;
    ChoiceProgress progress_;
};

}  // namespace headgate::providers::openai
