#include "providers/simulator/responses.h"

#include "providers/simulator/content_filter.h"
#include "providers/simulator/fields.h"
#include "providers/simulator/json_writer.h"

namespace headgate::providers {
namespace {

constexpr std::int64_t kMostTopLogprobs = 20;

bool includes(JsonView body, std::string_view what) {
    const JsonView list = body["include"];
    for (std::size_t i = 0; list.is_array() && i < list.size(); ++i) {
        if (list.at(i).text() == what) {
            return true;
        }
    }
    return false;
}

/// Members that a response repeats from its request, or what OpenAI puts where it had none.
struct Setting {
    std::string_view name;
    std::string_view otherwise;
};
constexpr Setting kSettings[] = {
    {"background", "false"},
    {"instructions", "null"},
    {"max_output_tokens", "null"},
    {"max_tool_calls", "null"},
    {"model", "null"},
    {"parallel_tool_calls", "true"},
    {"previous_response_id", "null"},
    {"prompt_cache_key", "null"},
    {"safety_identifier", "null"},
    {"store", "true"},
    {"temperature", "1.0"},
    {"tool_choice", R"("auto")"},
    {"tools", "[]"},
    {"top_logprobs", "0"},
    {"top_p", "1.0"},
    {"truncation", R"("disabled")"},
    {"user", "null"},
    {"metadata", "{}"},
};

std::string settings_of(JsonView body, std::string_view tier) {
    std::string out = ",";
    JsonWriter json{out};
    for (const Setting& setting : kSettings) {
        const JsonView given = body[setting.name];
        json.key(setting.name);
        given.is_null() ? json.raw(setting.otherwise) : json.view(given);
    }
    json.key("service_tier").text(tier);
    const JsonView reasoning = body["reasoning"];
    json.key("reasoning").begin_object().key("effort").view(reasoning["effort"]);
    json.key("summary").view(reasoning["summary"]).end_object();
    const JsonView text = body["text"];
    json.key("text").begin_object().key("format");
    text["format"].is_null() ? json.raw(R"({"type":"text"})") : json.view(text["format"]);
    json.key("verbosity");
    text["verbosity"].is_null() ? json.text("medium") : json.view(text["verbosity"]);
    json.end_object();
    return out;
}

void read_text_format(Fields& fields, ReplyOrder& order) {
    const JsonView format = fields["text"]["format"];
    const std::string_view type = format["type"].text();
    if (format.is_null() || type == "text") {
        return;
    }
    if (type == "json_object") {
        order.wants_json_object = true;
    } else if (type == "json_schema") {
        if (!format["name"].is_string()) {
            fields.refuse(missing_parameter("text.format.name"));
        }
        order.schema = format["schema"];
        order.schema_param = "text.format.schema";
        if (!order.schema.is_object()) {
            fields.refuse(missing_parameter(order.schema_param));
        }
    } else {
        fields.refuse(unsupported_value("text.format.type", type,
                                        "'json_object', 'json_schema', and 'text'"));
    }
}

/// The fields whose type a client's own reader relies on when they come back in the response.
void check_echoed(Fields& fields) {
    fields.number("temperature", 0, 2);
    fields.number("top_p", 0, 1);
    fields.integer("max_tool_calls", 1, kLargestCap);
    for (const std::string_view name : {"store", "parallel_tool_calls"}) {
        fields.boolean(name);
    }
    for (const std::string_view name : {"user", "instructions", "previous_response_id",
                                        "prompt_cache_key", "safety_identifier", "truncation"}) {
        fields.text(name);
    }
    for (const std::string_view name : {"metadata", "reasoning", "text"}) {
        if (!fields[name].is_null() && !fields[name].is_object()) {
            fields.refuse(wrong_type(name, "an object", fields[name]));
        }
    }
    if (fields.boolean("background")) {
        fields.refuse(
            bad_request("The simulator keeps no responses: 'background' is not supported.",
                        "background", "unsupported_parameter"));
    }
}

void add_reasoning(JsonView body, const Reply& reply, Call& call, ResponsesAnswer& answer) {
    constexpr std::int64_t kSummaryWords = 12;
    OutputItem item;
    item.kind = OutputItem::Kind::reasoning;
    item.id = made_id("rs_", 48, call.ids);
    item.has_summary = !body["reasoning"]["summary"].is_null();
    if (item.has_summary) {
        Random random{hash_of(reply.content.text) + 1};
        item.text = Speech{words(random, kSummaryWords)};
    }
    if (includes(body, "reasoning.encrypted_content")) {
        item.encrypted = base64_of(made_id("", 120, call.ids));
    }
    item.is_complete = answer.is_complete || reply.tokens() > reply.reasoning;
    answer.items.push_back(std::move(item));
}

void add_items(Reply reply, Call& call, ResponsesAnswer& answer) {
    for (ToolCall& made : reply.calls) {
        const bool is_custom = made.kind == ToolKind::custom;
        OutputItem item;
        item.kind = is_custom ? OutputItem::Kind::custom_call : OutputItem::Kind::function_call;
        item.id = made_id(is_custom ? "ctc_" : "fc_", 48, call.ids);
        item.text = std::move(made.arguments);
        item.call_id = std::move(made.id);
        item.name = std::move(made.name);
        answer.items.push_back(std::move(item));
    }
    const bool is_talk = reply.calls.empty() && (answer.is_complete || !reply.content.text.empty());
    if (is_talk) {
        OutputItem item;
        item.id = made_id("msg_", 48, call.ids);
        item.text = std::move(reply.content);
        answer.items.push_back(std::move(item));
    }
    if (!answer.is_complete && !answer.items.empty() &&
        answer.items.back().kind != OutputItem::Kind::reasoning) {
        answer.items.back().is_complete = false;
    }
}

OrError<ReplyOrder> read_order(Call& call, Fields& fields, const ResponsesInput& input) {
    ReplyOrder order;
    order.cap = call.bounded_cap(fields.integer("max_output_tokens", 1, kLargestCap), 1);
    order.natural = call.natural_tokens(1);
    order.seed = Random{input.hash}.next();
    read_text_format(fields, order);
    check_echoed(fields);
    const JsonView reasoning = call.body["reasoning"];
    const bool wants_summary = !reasoning["summary"].is_null();
    const std::string_view effort = reasoning["effort"].text();
    order.reasoning = reasoning_tokens(wants_summary && effort.empty() ? "medium" : effort);
    if (const auto& error = fields.error(); error) {
        return std::unexpected{*error};
    }
    auto calls = responses_tools_to_call(call.body, input);
    if (!calls) {
        return std::unexpected{calls.error()};
    }
    order.calls = std::move(*calls);
    return order;
}

}  // namespace

OrError<WireScript> answer_response(Call& call) {
    Fields fields{call.body};
    ResponsesAnswer answer;
    answer.id = made_id("resp_", 48, call.ids);
    answer.created = call.created;
    fields.model();
    if (const auto& error = fields.error(); error) {
        return std::unexpected{*error};
    }
    const auto input = read_responses_input(call.body);
    if (!input) {
        return std::unexpected{input.error()};
    }
    const bool is_stream = fields.boolean("stream");
    answer.settings = settings_of(call.body, fields.tier());
    if (call.is_azure()) {
        answer.settings += R"(,"content_filters":)";
        answer.settings += response_content_filters(call.request.body.size());
    }
    const auto top = fields.integer("top_logprobs", 0, kMostTopLogprobs);
    if (includes(call.body, "message.output_text.logprobs")) {
        answer.top_logprobs = top.value_or(0);
    }
    auto order = read_order(call, fields, *input);
    if (!order) {
        return std::unexpected{order.error()};
    }
    auto reply = compose(*order, call.ids);
    if (!reply) {
        return std::unexpected{reply.error()};
    }
    answer.is_complete = reply->ending != Ending::length;
    answer.count = {input->tokens, reply->tokens(), reply->reasoning};
    const std::int64_t rounds = reply->rounds();
    if (reply->reasoning > 0) {
        add_reasoning(call.body, *reply, call, answer);
    }
    add_items(std::move(*reply), call, answer);
    return is_stream ? responses_stream(answer, call)
                     : plain_answer(call, response_json(answer), rounds);
}

}  // namespace headgate::providers
