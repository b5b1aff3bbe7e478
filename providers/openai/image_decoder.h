#pragma once

#include "providers/openai/event_stream.h"

#include <cstdint>
#include <string>

namespace headgate::providers::openai {

/// The stream of images/generations: image_generation.partial_image events, then one
/// image_generation.completed a picture.
///
/// Complete at the last picture that was asked for, or where the body ends cleanly after at least
/// one. The usage is the sum over the pictures, which are counted as well.
/// provider_error at an event of type `error` or with an `error` member.
///
/// Source: OpenAI's Python SDK 3.54.0, types/image_gen_stream_event.py.
class ImageStreamDecoder final : public EventStreamDecoder {
public:
    explicit ImageStreamDecoder(std::int64_t pictures) : pictures_{pictures} {}

protected:
    StreamState take(const SseEvent& event, std::string& out) override;
    bool is_whole_at_end() const override { return completed_ > 0; }
    void append_end(std::string&) const override {}

private:
    void add(const Usage& picture);

    std::int64_t pictures_;
    std::int64_t completed_ = 0;
};

}  // namespace headgate::providers::openai
