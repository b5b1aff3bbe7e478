#include "providers/openai/choices_reader.h"

#include "providers/openai/json_walk.h"

namespace headgate::providers::openai {
namespace {

struct Choice {
    std::int64_t index = 0;
    bool is_finished = false;
};

/// `delta` or `message`: counts what the model says in it.
void count_message(JsonReader& reader, AnswerTokens& tokens, std::int64_t index) {
    if (reader.next() != JsonToken::begin_object) {
        leave_value(reader);
        return;
    }
    bool has_reasoning = false;
    while (reader.next() == JsonToken::key) {
        if (reader.is("content") || reader.is("refusal")) {
            count_text(reader, tokens, index);
        } else if (reader.is("reasoning_content") || reader.is("reasoning")) {
            // Compatible servers have either name; some send the same text by both.
            if (has_reasoning) {
                reader.skip();
            } else {
                has_reasoning = count_text(reader, tokens, index);
            }
        } else if (reader.is("tool_calls") || reader.is("function_call")) {
            count_model_text(reader, tokens, index);
        } else {
            reader.skip();
        }
    }
}

Choice read_choice(JsonReader& reader, AnswerTokens& tokens) {
    Choice choice;
    while (reader.next() == JsonToken::key) {
        if (reader.is("delta") || reader.is("message")) {
            count_message(reader, tokens, choice.index);
        } else if (reader.is("text")) {
            count_text(reader, tokens, choice.index);
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

Choices read_choices(JsonReader& reader, AnswerTokens& tokens, ChoiceProgress* progress) {
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
        const Choice choice = read_choice(reader, tokens);
        if (progress != nullptr && !progress->note(choice.index, choice.is_finished)) {
            found.has_bad_index = true;
        }
    }
    return found;
}

}  // namespace headgate::providers::openai
