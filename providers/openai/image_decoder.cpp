#include "providers/openai/image_decoder.h"

#include "providers/contract/json_reader.h"
#include "providers/openai/json_walk.h"
#include "providers/openai/usage_reader.h"

#include <string_view>

namespace headgate::providers::openai {
namespace {

constexpr std::string_view kCompleted = "image_generation.completed";

struct ImageEvent {
    bool has_type = false;
    bool is_completed = false;
    bool is_error = false;
    Usage usage;
};

/// False where `data` is not one JSON object.
bool read_event(Bytes data, ImageEvent& event) {
    JsonReader reader{data};
    if (reader.next() != JsonToken::begin_object) {
        return false;
    }
    bool has_error_member = false;
    while (reader.next() == JsonToken::key) {
        if (reader.is("type")) {
            event.has_type = reader.next() == JsonToken::string;
            event.is_completed = event.has_type && reader.is(kCompleted);
            event.is_error = event.has_type && reader.is("error");
            leave_value(reader);
        } else if (reader.is("usage")) {
            const bool is_object = reader.next() == JsonToken::begin_object;
            event.usage = is_object ? read_usage(reader, UsageShape::image) : Usage{};
            leave_value(reader);
        } else if (reader.is("error")) {
            has_error_member = !error_range(reader).empty();
        } else {
            reader.skip();
        }
    }
    event.is_error = event.is_error || has_error_member;
    return reader.finish();
}

}  // namespace

StreamState ImageStreamDecoder::take(const SseEvent& event, std::string& out) {
    if (is_done_marker(event)) {
        return StreamState::open;
    }
    ImageEvent told;
    if (!read_event(event.data, told)) {
        return StreamState::invalid;
    }
    if (!told.has_type) {
        told.is_completed = event.name == kCompleted;
        told.is_error = told.is_error || event.name == "error";
    }
    if (told.is_error) {
        relay_masked(event, {0, event.data.size()}, out);
        return StreamState::provider_error;
    }
    relay(event, out);
    if (!told.is_completed) {
        return StreamState::open;
    }
    add(told.usage);
    ++completed_;
    return completed_ >= pictures_ ? StreamState::complete : StreamState::open;
}

void ImageStreamDecoder::add(const Usage& picture) {
    usage_ += picture;
    usage_.is_reported = true;
    ++usage_.images;
}

}  // namespace headgate::providers::openai
