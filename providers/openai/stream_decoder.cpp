#include "providers/openai/stream_decoder.h"

#include "providers/contract/json_reader.h"
#include "providers/openai/json_walk.h"
#include "providers/openai/usage_reader.h"

namespace headgate::providers::openai {
namespace {

std::size_t before_space(Bytes data, std::size_t at) {
    while (at > 0 && (data[at - 1] == ' ' || data[at - 1] == '\t' || data[at - 1] == '\n' ||
                      data[at - 1] == '\r')) {
        --at;
    }
    return at;
}

/// The range to cut so that the member goes and `data` stays valid: with the comma before it, or,
/// where it is the first, with the comma behind. `data` is known to be a valid object.
ByteRange with_comma(Bytes data, ByteRange member) {
    const std::size_t before = before_space(data, member.begin);
    if (data[before - 1] == ',') {
        return {before - 1, member.end};
    }
    const std::size_t behind = data.find_first_not_of(" \t\r\n", member.end);
    return data[behind] == ',' ? ByteRange{member.begin, behind + 1} : member;
}

}  // namespace

struct ChatStreamDecoder::Chunk {
    Choices choices;
    int usage_members = 0;
    bool has_usage = false;       // the last usage member is an object
    bool has_null_usage = false;  // it is null
    Usage usage;
    ByteRange usage_member;           // key and value of the last one
    bool has_filter_results = false;  // Azure's report on the prompt
    ByteRange error;                  // the value of an `error` member
    std::string_view service_tier;
};

/// False where `data` is not one JSON object or has an impossible choice.
bool ChatStreamDecoder::read(Bytes data, Chunk& chunk) {
    JsonReader reader{data};
    if (reader.next() != JsonToken::begin_object) {
        return false;
    }
    while (reader.next() == JsonToken::key) {
        if (reader.is("choices")) {
            chunk.choices = read_choices(reader, tokens_, &progress_);
        } else if (reader.is("usage")) {
            const std::size_t begin = reader.range().begin;
            ++chunk.usage_members;
            chunk.has_usage = reader.next() == JsonToken::begin_object;
            chunk.has_null_usage = reader.token() == JsonToken::null_value;
            if (chunk.has_usage) {
                chunk.usage = read_usage(reader, UsageShape::completion);
            } else {
                leave_value(reader);
            }
            chunk.usage_member = {begin, reader.range().end};
        } else if (reader.is("error")) {
            chunk.error = error_range(reader);
        } else if (reader.is("service_tier")) {
            chunk.service_tier = passed_service_tier(reader);
        } else if (reader.is("prompt_filter_results")) {
            chunk.has_filter_results = true;
            reader.skip();
        } else {
            reader.skip();
        }
    }
    return reader.finish() && !chunk.choices.has_bad_index;
}

StreamState ChatStreamDecoder::take(const SseEvent& event, std::string& out) {
    if (is_done_marker(event)) {
        relay(event, out);
        return StreamState::complete;
    }
    Chunk chunk;
    if (!read(event.data, chunk)) {
        return StreamState::invalid;
    }
    note_service_tier(chunk.service_tier);
    if (chunk.has_usage) {
        note_usage(chunk.usage);
    }
    if (!chunk.error.empty()) {
        relay_masked(event, chunk.error, out);
        return StreamState::provider_error;
    }
    if (include_usage_) {
        relay(event, out);
        return StreamState::open;
    }
    const bool is_usage_event = chunk.has_usage && chunk.choices.count == 0;
    // Of a member that stands twice the last counts: cutting it would bring the first to life.
    const bool may_cut = chunk.usage_members == 1;
    if (may_cut && (chunk.has_null_usage || (is_usage_event && chunk.has_filter_results))) {
        relay_without(event, with_comma(event.data, chunk.usage_member), out);
    } else if (!is_usage_event) {
        relay(event, out);
    }
    return StreamState::open;
}

}  // namespace headgate::providers::openai
