#include "providers/openai/choices_reader.h"

#include "providers/openai/json_walk.h"

namespace headgate::providers::openai {
namespace {

/// `delta` or `message`: the bytes of what the model says in it.
std::size_t message_bytes(JsonReader& reader) {
    if (reader.next() != JsonToken::begin_object) {
        leave_value(reader);
        return 0;
    }
    std::size_t bytes = 0;
    while (reader.next() == JsonToken::key) {
        // Compatible servers tell reasoning in `reasoning_content` or `reasoning`.
        if (reader.is("content") || reader.is("refusal") || reader.is("reasoning_content") ||
            reader.is("reasoning")) {
            bytes += passed_text(reader);
        } else if (reader.is("tool_calls") || reader.is("function_call")) {
            bytes += passed_model_text(reader);
        } else {
            reader.skip();
        }
    }
    return bytes;
}

struct Choice {
    std::int64_t index = 0;
    bool is_finished = false;
    std::size_t content_bytes = 0;
};

Choice read_choice(JsonReader& reader) {
    Choice choice;
    while (reader.next() == JsonToken::key) {
        if (reader.is("delta") || reader.is("message")) {
            choice.content_bytes += message_bytes(reader);
        } else if (reader.is("text")) {
            choice.content_bytes += passed_text(reader);
        } else if (reader.is("finish_reason")) {
            choice.is_finished = reader.next() == JsonToken::string && !reader.raw().empty();
            leave_value(reader);
        } else if (reader.is("index")) {
            if (reader.next() == JsonToken::number && !reader.integer(choice.index)) {
                choice.index = -1;
            }
            leave_value(reader);
        } else {
            reader.skip();
        }
    }
    return choice;
}

}  // namespace

bool ChoiceProgress::note(std::int64_t index, bool is_finished) {
    if (index < 0 || index > kMaxIndex) {
        return false;
    }
    const auto at = static_cast<std::size_t>(index);
    if (at >= stages_.size()) {
        stages_.resize(at + 1, Stage::unseen);
    }
    if (stages_[at] == Stage::unseen) {
        stages_[at] = Stage::running;
        ++seen_;
    }
    if (is_finished && stages_[at] == Stage::running) {
        stages_[at] = Stage::finished;
        ++finished_;
    }
    return true;
}

Choices read_choices(JsonReader& reader, ChoiceProgress* progress) {
    Choices found;
    if (reader.next() != JsonToken::begin_array) {
        leave_value(reader);
        return found;
    }
    found.is_array = true;
    for (JsonToken token = reader.next();
         token != JsonToken::end_array && token != JsonToken::error; token = reader.next()) {
        ++found.count;
        if (token != JsonToken::begin_object) {
            leave_value(reader);
            continue;
        }
        const Choice choice = read_choice(reader);
        found.content_bytes += choice.content_bytes;
        if (progress != nullptr && !progress->note(choice.index, choice.is_finished)) {
            found.has_bad_index = true;
        }
    }
    return found;
}

}  // namespace headgate::providers::openai
