#pragma once

#include "providers/openai/event_stream.h"

#include <cstdint>
#include <string>

namespace headgate::providers::openai {

/// The stream of the Responses API: `event: TYPE`, `data: {"type": TYPE, "sequence_number": n, …}`.
///
/// Complete at response.completed, response.incomplete or response.failed, whose `response` tells
/// the usage; provider_error at an event of type `error` or with an `error` member. All of
/// these pass, ids in their error texts masked. There is no clean end before: what ends without one
/// of them is cut. The event that closes a broken stream has the shape of the API's own `error`
/// event and the next sequence number. A `[DONE]`, which this API does not have, is left out.
///
/// Source: OpenAI's Python SDK 3.54.0, types/responses/response_stream_event.py.
class ResponsesStreamDecoder final : public EventStreamDecoder {
protected:
    StreamState take(const SseEvent& event, std::string& out) override;
    bool is_whole_at_end() const override { return false; }
    void append_end(std::string&) const override {}
    void append_failure(const ApiError& error, std::string& out) const override;

private:
    std::int64_t next_sequence_number_ = 0;
};

}  // namespace headgate::providers::openai
