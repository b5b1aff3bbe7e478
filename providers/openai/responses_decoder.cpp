#include "providers/openai/responses_decoder.h"

#include "providers/contract/json_reader.h"
#include "providers/openai/json_walk.h"
#include "providers/openai/usage_reader.h"

#include <limits>
#include <string_view>

namespace headgate::providers::openai {
namespace {

enum class Kind : std::uint8_t { unknown, delta, item, end, error, other };

Kind kind_of(std::string_view type) {
    if (type == "response.completed" || type == "response.incomplete" ||
        type == "response.failed") {
        return Kind::end;
    }
    if (type == "response.output_item.added") {
        return Kind::item;
    }
    // Audio deltas are base64, which says nothing about tokens.
    const bool is_delta = type.ends_with(".delta") && type != "response.audio.delta";
    return is_delta ? Kind::delta : type == "error" ? Kind::error : Kind::other;
}

struct ResponseEvent {
    Kind kind = Kind::unknown;
    std::int64_t sequence_number = -1;
    ByteRange delta;             // the value of `delta`
    std::string_view item_name;  // item.name: which tool is called
    Usage usage;                 // response.usage
    ByteRange error;             // the value of an `error` member
    ByteRange response_error;    // of response.error
    std::string_view service_tier;
};

void read_response(JsonReader& reader, ResponseEvent& event) {
    if (reader.next() != JsonToken::begin_object) {
        leave_value(reader);
        return;
    }
    while (reader.next() == JsonToken::key) {
        if (reader.is("usage")) {
            const bool is_object = reader.next() == JsonToken::begin_object;
            event.usage = is_object ? read_usage(reader, UsageShape::response) : Usage{};
            leave_value(reader);
        } else if (reader.is("error")) {
            event.response_error = error_range(reader);
        } else if (reader.is("service_tier")) {
            event.service_tier = passed_service_tier(reader);
        } else {
            reader.skip();
        }
    }
}

void read_item(JsonReader& reader, ResponseEvent& event) {
    if (reader.next() != JsonToken::begin_object) {
        leave_value(reader);
        return;
    }
    while (reader.next() == JsonToken::key) {
        if (reader.is("name")) {
            event.item_name = reader.next() == JsonToken::string ? reader.raw() : "";
            leave_value(reader);
        } else {
            reader.skip();
        }
    }
}

/// False where `data` is not one JSON object.
bool read_event(Bytes data, ResponseEvent& event) {
    JsonReader reader{data};
    if (reader.next() != JsonToken::begin_object) {
        return false;
    }
    while (reader.next() == JsonToken::key) {
        if (reader.is("type")) {
            const bool is_string = reader.next() == JsonToken::string;
            event.kind = !is_string             ? Kind::unknown
                         : reader.has_escapes() ? kind_of(reader.text())
                                                : kind_of(reader.raw());
            leave_value(reader);
        } else if (reader.is("sequence_number")) {
            if (reader.next() == JsonToken::number && !reader.integer(event.sequence_number)) {
                event.sequence_number = -1;
            }
            leave_value(reader);
        } else if (reader.is("delta")) {
            event.delta = value_range(reader);
        } else if (reader.is("item")) {
            read_item(reader, event);
        } else if (reader.is("response")) {
            read_response(reader, event);
        } else if (reader.is("error")) {
            event.error = error_range(reader);
        } else {
            reader.skip();
        }
    }
    return reader.finish();
}

}  // namespace

StreamState ResponsesStreamDecoder::take(const SseEvent& event, std::string& out) {
    if (is_done_marker(event)) {
        return StreamState::open;
    }
    ResponseEvent told;
    if (!read_event(event.data, told)) {
        return StreamState::invalid;
    }
    note_service_tier(told.service_tier);
    if (told.kind == Kind::unknown) {
        told.kind = kind_of(event.name);
    }
    if (told.sequence_number < 0) {
        ++next_sequence_number_;
    } else if (told.sequence_number < std::numeric_limits<std::int64_t>::max()) {
        next_sequence_number_ = told.sequence_number + 1;
    }
    if (told.kind == Kind::error || !told.error.empty()) {
        relay_masked(event, {0, event.data.size()}, out);
        return StreamState::provider_error;
    }
    if (told.kind == Kind::end) {
        note_usage(told.usage);
        relay_masked(event, told.response_error, out);
        return StreamState::complete;
    }
    if (told.kind == Kind::delta) {
        JsonReader delta{told.delta.in(event.data)};
        count_text(delta, tokens_);
    } else if (told.kind == Kind::item) {
        tokens_.add(told.item_name);
    }
    relay(event, out);
    return StreamState::open;
}

void ResponsesStreamDecoder::append_failure(const ApiError& error, std::string& out) const {
    out.append("event: error\ndata: {\"type\":\"error\",\"code\":\"");
    out.append(to_string(error.code)).append("\",\"message\":\"");
    append_json_escaped(out, error.message);
    out.append("\",\"param\":null,\"sequence_number\":");
    out.append(std::to_string(next_sequence_number_)).append("}\n\n");
}

}  // namespace headgate::providers::openai
