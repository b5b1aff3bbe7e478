#pragma once

#include "providers/contract/answer_decoder.h"
#include "providers/contract/answer_tokens.h"
#include "providers/contract/api_error.h"
#include "providers/contract/sse_parser.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace headgate::providers::openai {

/// What all event streams of OpenAI's API share: cutting the body into events, the order of
/// states, and the event that closes a broken stream. What an event means is told by take().
///
/// An event without data is none (WHATWG HTML 9.2.6) and is left out: SDKs fail on it.
class EventStreamDecoder : public StreamDecoder {
public:
    StreamState feed(Bytes bytes, std::string& out) final;
    StreamState finish(bool is_clean, std::string& out) final;

    Usage usage() const final;
    std::string_view service_tier() const final { return service_tier_; }
    Tokens content_tokens() const final { return tokens_.total(); }
    std::size_t events() const final { return events_; }

protected:
    /// Judges one whole event and appends to `out` what the client may have of it. Nothing may be
    /// appended where the result is `invalid`.
    virtual StreamState take(const SseEvent& event, std::string& out) = 0;

    /// Whether a clean end of the body here is the end of a whole answer.
    virtual bool is_whole_at_end() const = 0;
    /// Appends the finish marker that a stream which ended whole still owes.
    virtual void append_end(std::string& out) const = 0;
    /// Appends the event that tells a client of the break.
    virtual void append_failure(const ApiError& error, std::string& out) const;

    /// Each event may tell it again, and the last one counts.
    void note_service_tier(std::string_view tier) {
        if (!tier.empty() && tier != service_tier_) {
            service_tier_ = tier;
        }
    }

    /// The last one told counts; one that is not believed leaves the one before. It stands for the
    /// text counted so far.
    void note_usage(const Usage& told);

    Usage usage_;  // as told
    AnswerTokens tokens_;

private:
    SseParser parser_;
    Tokens tokens_at_usage_;
    std::string service_tier_;
    std::size_t events_ = 0;
    StreamState state_ = StreamState::open;
};

/// Appends `event`: byte for byte where it has `data:` and `event:` lines only, else without its
/// other lines.
void relay(const SseEvent& event, std::string& out);

/// As relay(), with the bytes of `cut` (a range of event.data) left out. Data that came in several
/// lines is written anew.
void relay_without(const SseEvent& event, ByteRange cut, std::string& out);

/// As relay(), with ids and keys inside `secret` (a range of event.data) masked.
void relay_masked(const SseEvent& event, ByteRange secret, std::string& out);

/// The marker that ends a chat stream: `data: [DONE]`.
bool is_done_marker(const SseEvent& event);

}  // namespace headgate::providers::openai
