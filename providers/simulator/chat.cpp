#include "providers/simulator/chat.h"

#include "providers/simulator/fields.h"

#include <algorithm>

namespace headgate::providers {
namespace {

constexpr std::int64_t kMostChoices = 128;
constexpr std::int64_t kMostTopLogprobs = 20;

void read_response_format(Fields& fields, const Conversation& conversation, ReplyOrder& order) {
    const JsonView format = fields["response_format"];
    if (format.is_null()) {
        return;
    }
    if (!format.is_object()) {
        return fields.refuse(wrong_type("response_format", "an object", format));
    }
    const std::string_view type = format["type"].text();
    if (type == "json_object") {
        order.wants_json_object = true;
        if (!conversation.says_json) {
            fields.refuse(bad_request(
                "'messages' must contain the word 'json' in some form, to use 'response_format' "
                "of type 'json_object'.",
                "messages"));
        }
    } else if (type == "json_schema") {
        const JsonView named = format["json_schema"];
        if (!named["name"].is_string()) {
            fields.refuse(missing_parameter("response_format.json_schema.name"));
        }
        order.schema = named["schema"];
        order.schema_param = "response_format";
        order.wants_json_object = order.schema.is_absent();
    } else if (type != "text") {
        fields.refuse(unsupported_value("response_format.type", type,
                                        "'json_object', 'json_schema', and 'text'"));
    }
}

void read_stream_options(Fields& fields, bool is_stream, ChatAnswer& answer) {
    const JsonView options = fields["stream_options"];
    if (options.is_null()) {
        return;
    }
    if (!options.is_object()) {
        return fields.refuse(wrong_type("stream_options", "an object", options));
    }
    if (!is_stream) {
        fields.refuse(
            bad_request("The 'stream_options' parameter is only allowed when 'stream' is "
                        "enabled.",
                        "stream_options"));
    }
    answer.include_usage = options["include_usage"].boolean();
}

void read_logprobs(Fields& fields, ChatAnswer& answer) {
    const bool wants = fields.boolean("logprobs");
    const auto top = fields.integer("top_logprobs", 0, kMostTopLogprobs);
    if (top && !wants) {
        fields.refuse(
            bad_request("The 'top_logprobs' parameter is only allowed when 'logprobs' is "
                        "enabled.",
                        "top_logprobs"));
    }
    if (wants) {
        answer.top_logprobs = top.value_or(0);
    }
}

std::optional<std::int64_t> read_cap(Fields& fields) {
    const auto old_cap = fields.integer("max_tokens", 1, kLargestCap);
    const auto cap = fields.integer("max_completion_tokens", 1, kLargestCap);
    if (old_cap && cap) {
        fields.refuse(
            bad_request("Setting 'max_tokens' and 'max_completion_tokens' at the same "
                        "time is not supported.",
                        "max_tokens", "invalid_parameter_combination"));
    }
    return cap ? cap : old_cap;
}

/// The fields that change nothing here, but that a provider would refuse out of their range.
void check_sampling(Fields& fields) {
    fields.number("temperature", 0, 2);
    fields.number("top_p", 0, 1);
    fields.number("presence_penalty", -2, 2);
    fields.number("frequency_penalty", -2, 2);
    fields.boolean("store");
    fields.text("user");
}

}  // namespace

std::int64_t ChatAnswer::longest() const {
    std::int64_t longest = 0;
    for (const Reply& reply : choices) {
        longest = std::max(longest, reply.rounds());
    }
    return longest;
}

std::string fingerprint_of(std::string_view model) {
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string text = "fp_";
    std::uint64_t hash = hash_of(model);
    for (int i = 0; i < 10; ++i, hash >>= 4) {
        text += kHex[hash & 15U];
    }
    return text;
}

OrError<WireScript> answer_chat(Call& call) {
    Fields fields{call.body};
    ChatAnswer answer;
    answer.id = made_id("chatcmpl-", 29, call.ids);
    answer.created = call.created;
    answer.tells_filter = call.is_azure();
    answer.model = fields.model();
    answer.fingerprint = fingerprint_of(answer.model);
    auto conversation = read_conversation(call.body["messages"]);
    if (!conversation) {
        return std::unexpected{fields.error().value_or(conversation.error())};
    }
    const bool is_stream = fields.boolean("stream");
    const std::int64_t n = fields.integer("n", 1, kMostChoices).value_or(1);
    ReplyOrder order;
    order.cap = call.bounded_cap(read_cap(fields), n);
    order.stops = fields.stops();
    order.natural = call.natural_tokens(n);
    order.reasoning = reasoning_tokens(fields.text("reasoning_effort"));
    answer.service_tier = fields.tier();
    const auto seed = fields.integer("seed", INT64_MIN, INT64_MAX);
    read_response_format(fields, *conversation, order);
    read_stream_options(fields, is_stream, answer);
    read_logprobs(fields, answer);
    check_sampling(fields);
    if (const auto& error = fields.error(); error) {
        return std::unexpected{*error};
    }
    auto calls = chat_tools_to_call(call.body, *conversation);
    if (!calls) {
        return std::unexpected{calls.error()};
    }
    order.calls = std::move(*calls);
    answer.count.prompt = conversation->tokens;
    Random seeds{conversation->hash ^ static_cast<std::uint64_t>(seed.value_or(0))};
    for (std::int64_t i = 0; i < n; ++i) {
        order.seed = seeds.next();
        auto reply = compose(order, call.ids);
        if (!reply) {
            return std::unexpected{reply.error()};
        }
        answer.count.completion += reply->tokens();
        answer.count.reasoning += reply->reasoning;
        answer.choices.push_back(std::move(*reply));
    }
    return is_stream ? chat_stream(answer, call)
                     : plain_answer(call, chat_completion_json(answer), answer.longest());
}

}  // namespace headgate::providers
