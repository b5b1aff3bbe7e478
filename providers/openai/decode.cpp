#include "providers/openai/decode.h"

#include "providers/contract/json_reader.h"
#include "providers/openai/choices_reader.h"
#include "providers/openai/json_walk.h"
#include "providers/openai/usage_reader.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace headgate::providers::openai {
namespace {

/// What an operation's answer promises.
struct Promise {
    Operation operation;
    std::string_view list;  // the member that is an array
    UsageShape usage;
};

constexpr std::array<Promise, 6> kPromises{{
    {Operation::chat_completions, "choices", UsageShape::completion},
    {Operation::completions, "choices", UsageShape::completion},
    {Operation::embeddings, "data", UsageShape::embedding},
    {Operation::moderations, "results", UsageShape::completion},
    {Operation::responses, "output", UsageShape::response},
    {Operation::image_generations, "data", UsageShape::image},
}};

/// What stands at the top of an answer.
struct Answer {
    bool has_list = false;
    std::int64_t items = 0;
    bool has_id = false;
    bool has_status = false;
    bool has_created = false;
    bool has_error = false;
    Usage usage;
    std::string_view service_tier;
    AnswerTokens tokens;
};

void count_items(JsonReader& reader, Answer& answer) {
    answer.has_list = reader.next() == JsonToken::begin_array;
    answer.items = 0;
    if (!answer.has_list) {
        leave_value(reader);
        return;
    }
    for (JsonToken token = reader.next();
         token != JsonToken::end_array && token != JsonToken::error; token = reader.next()) {
        ++answer.items;
        leave_value(reader);
    }
}

void read_list(JsonReader& reader, Operation operation, Answer& answer) {
    answer.tokens = {};
    if (operation == Operation::chat_completions || operation == Operation::completions) {
        const Choices choices = read_choices(reader, answer.tokens, nullptr);
        answer.has_list = choices.is_array;
    } else if (operation == Operation::responses) {
        count_model_text(reader, answer.tokens);
        answer.has_list = reader.token() == JsonToken::end_array;
    } else {
        count_items(reader, answer);
    }
}

bool next_is(JsonReader& reader, JsonToken wanted) {
    const bool is_wanted = reader.next() == wanted;
    leave_value(reader);
    return is_wanted;
}

void read_members(JsonReader& reader, const Promise& promise, Answer& answer) {
    while (reader.next() == JsonToken::key) {
        if (reader.is(promise.list)) {
            read_list(reader, promise.operation, answer);
        } else if (reader.is("usage")) {
            const bool is_object = reader.next() == JsonToken::begin_object;
            answer.usage = is_object ? read_usage(reader, promise.usage) : Usage{};
            leave_value(reader);
        } else if (reader.is("service_tier")) {
            answer.service_tier = passed_service_tier(reader);
        } else if (reader.is("error")) {
            answer.has_error = !next_is(reader, JsonToken::null_value);
        } else if (reader.is("id")) {
            answer.has_id = next_is(reader, JsonToken::string);
        } else if (reader.is("status")) {
            answer.has_status = next_is(reader, JsonToken::string);
        } else if (reader.is("created")) {
            answer.has_created = next_is(reader, JsonToken::number);
        } else {
            reader.skip();
        }
    }
}

/// Why the answer is not what `promise` says; empty where it is.
std::string breach(const Promise& promise, const Answer& answer) {
    const bool is_response = promise.operation == Operation::responses;
    if (answer.has_error && !(is_response && answer.has_status)) {
        return "an `error` in a successful answer";
    }
    const bool is_image = promise.operation == Operation::image_generations;
    const bool is_kept = answer.has_list || (is_response && answer.has_id && answer.has_status) ||
                         (is_image && answer.has_created);
    return is_kept ? std::string{} : "no array `" + std::string{promise.list} + "`";
}

Usage usage_of(Operation operation, const Answer& answer) {
    Usage usage = answer.usage;
    if (operation == Operation::moderations) {
        return {};  // free of charge, and told by nobody
    }
    if (operation == Operation::image_generations && answer.has_list) {
        usage.images = answer.items;
        usage.is_reported = true;
    }
    return usage;
}

PlainAnswer invalid(std::string problem) {
    PlainAnswer answer;
    answer.problem = std::move(problem);
    return answer;
}

}  // namespace

PlainAnswer decode(const ApiRequest& request, Bytes body) {
    JsonReader reader{body};
    if (reader.next() != JsonToken::begin_object && reader.token() != JsonToken::error) {
        return invalid("not a JSON object");
    }
    // Operations outside the table promise an object and no more.
    const Operation operation = request.endpoint->operation;
    const auto* const promise = std::ranges::find(kPromises, operation, &Promise::operation);
    Answer told;
    if (promise != kPromises.end()) {
        read_members(reader, *promise, told);
    }
    if (!reader.finish()) {
        return invalid("not JSON: " + std::string{to_string(reader.fault())} + " at byte " +
                       std::to_string(reader.fault_offset()));
    }
    PlainAnswer answer;
    if (promise != kPromises.end()) {
        answer.problem = breach(*promise, told);
    }
    answer.is_valid = answer.problem.empty();
    if (answer.is_valid) {
        answer.usage = usage_of(operation, told);
        answer.service_tier = told.service_tier;
        answer.content_tokens = told.tokens.total();
    }
    return answer;
}

}  // namespace headgate::providers::openai
