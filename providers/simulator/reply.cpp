#include "providers/simulator/reply.h"

#include "providers/simulator/json_writer.h"
#include "providers/simulator/schema_value.h"

#include <algorithm>
#include <utility>

namespace headgate::providers {
namespace {

OpenAiError unsatisfiable_function(std::string_view name) {
    return bad_request("Invalid schema for function '" + std::string{name} +
                           "': no value that satisfies it can be generated.",
                       "tools", "invalid_function_parameters");
}

OrError<std::string> arguments_for(const Tool& tool, const ReplyOrder& order) {
    Random random{hash_of(tool.name, order.seed)};
    if (tool.kind == ToolKind::custom) {
        return words(random, std::clamp<std::int64_t>(order.natural, 1, 12));
    }
    if (!tool.parameters.is_object()) {
        return "{}";
    }
    auto made = SchemaValue::make(tool.parameters, random.next());
    if (!made || made->front() != '{') {  // arguments are an object whatever the schema forgot
        const bool is_untyped = tool.parameters["type"].is_null() && made;
        return is_untyped ? OrError<std::string>{"{}"}
                          : std::unexpected{unsatisfiable_function(tool.name)};
    }
    return std::move(*made);
}

OrError<std::string> text_for(const ReplyOrder& order) {
    Random random{order.seed};
    if (!order.schema.is_absent()) {
        auto made = SchemaValue::make(order.schema, random.next());
        if (!made) {
            return std::unexpected{bad_request("Invalid schema for " +
                                                   std::string{order.schema_param} +
                                                   ": no value that satisfies it can be generated.",
                                               order.schema_param, "invalid_json_schema")};
        }
        return std::move(*made);
    }
    if (order.wants_json_object) {
        constexpr std::int64_t kFrame = 8;  // {"answer":""} without the words
        return R"({"answer":")" + words(random, std::max<std::int64_t>(order.natural - kFrame, 1)) +
               R"("})";
    }
    return words(random, order.natural);
}

/// Takes the calls that fit into `left` tokens; the last may be cut in its arguments.
OrError<void> add_calls(const ReplyOrder& order, std::int64_t left, Reply& reply, Random& ids) {
    for (const Tool& tool : order.calls) {
        auto arguments = arguments_for(tool, order);
        if (!arguments) {
            return std::unexpected{arguments.error()};
        }
        const std::int64_t name_tokens = count_tokens(tool.name);
        if (left <= name_tokens) {
            reply.ending = Ending::length;
            return {};
        }
        ToolCall call{tool.kind, made_id("call_", 24, ids), std::string{tool.name},
                      Speech{std::move(*arguments)}};
        const bool is_cut = call.arguments.cut_to_tokens(left - name_tokens);
        left -= call.tokens();
        reply.calls.push_back(std::move(call));
        if (is_cut) {
            reply.ending = Ending::length;
            return {};
        }
    }
    reply.ending = order.calls.front().kind == ToolKind::legacy_function ? Ending::function_call
                                                                         : Ending::tool_calls;
    return {};
}

std::string_view chosen_name(JsonView choice) {
    for (const std::string_view holder : {"function", "custom"}) {
        if (const JsonView name = choice[holder]["name"]; name.is_string()) {
            return name.text();
        }
    }
    return choice["name"].text();
}

/// `allowed_tools` of a choice, nested as in chat.completions or flat as in responses.
JsonView allowed_tools(JsonView choice) {
    if (choice["type"].text() != "allowed_tools") {
        return {};
    }
    const JsonView nested = choice["allowed_tools"];
    return nested.is_object() ? nested : choice;
}

/// The tools that a choice leaves, and how they are to be taken.
struct Eligible {
    std::vector<Tool> tools;
    std::string_view mode;  // "none", "auto" or "required"
};

void keep_allowed(JsonView names, std::vector<Tool>& tools) {
    std::erase_if(tools, [names](const Tool& tool) {
        for (std::size_t i = 0; i < names.size(); ++i) {
            if (chosen_name(names.at(i)) == tool.name) {
                return false;
            }
        }
        return true;
    });
}

OrError<Eligible> named_tool(const ToolOrder& order, std::string_view name) {
    const auto found = std::ranges::find(order.tools, name, &Tool::name);
    if (found == order.tools.end()) {
        return std::unexpected{
            bad_request("Tool choice '" + std::string{name} + "' not found in 'tools' parameter.",
                        "tool_choice")};
    }
    return Eligible{{*found}, "required"};
}

OrError<Eligible> eligible_tools(const ToolOrder& order) {
    Eligible eligible{order.tools, "auto"};
    if (const JsonView allowed = allowed_tools(order.choice); allowed.is_object()) {
        keep_allowed(allowed["tools"], eligible.tools);
        eligible.mode = allowed["mode"].is_string() ? allowed["mode"].text() : eligible.mode;
    } else if (const std::string_view name = chosen_name(order.choice); !name.empty()) {
        return named_tool(order, name);
    } else if (order.choice.is_string()) {
        eligible.mode = order.choice.text();
    }
    if (eligible.mode != "auto" && eligible.mode != "none" && eligible.mode != "required") {
        return std::unexpected{
            unsupported_value("tool_choice", eligible.mode, "'none', 'auto', and 'required'")};
    }
    return eligible;
}

}  // namespace

std::string_view to_string(Ending ending) {
    switch (ending) {
        case Ending::stop:
            return "stop";
        case Ending::length:
            return "length";
        case Ending::tool_calls:
            return "tool_calls";
        case Ending::function_call:
            break;
    }
    return "function_call";
}

std::int64_t Reply::tokens() const {
    std::int64_t sum = reasoning + content.tokens();
    for (const ToolCall& call : calls) {
        sum += call.tokens();
    }
    return sum;
}

std::int64_t Reply::rounds() const {
    std::int64_t sum = content.tokens();
    for (const ToolCall& call : calls) {
        sum += 1 + call.arguments.tokens();
    }
    return sum;
}

OrError<Reply> compose(const ReplyOrder& order, Random& ids) {
    Reply reply;
    reply.reasoning = std::min(order.reasoning, order.cap);
    const std::int64_t left = order.cap - reply.reasoning;
    if (!order.calls.empty()) {
        if (auto added = add_calls(order, left, reply, ids); !added) {
            return std::unexpected{added.error()};
        }
        return reply;
    }
    auto text = text_for(order);
    if (!text) {
        return std::unexpected{text.error()};
    }
    reply.content = Speech{std::move(*text)};
    if (reply.content.cut_to_tokens(left)) {
        reply.ending = Ending::length;
    }
    if (reply.content.cut_at(order.stops)) {
        reply.ending = Ending::stop;
    }
    return reply;
}

OrError<std::vector<Tool>> tools_to_call(const ToolOrder& order) {
    auto eligible = eligible_tools(order);
    if (!eligible) {
        return std::unexpected{eligible.error()};
    }
    const bool calls =
        eligible->mode == "required" || (eligible->mode == "auto" && order.is_user_turn);
    if (!calls || order.is_tool_turn) {
        return std::vector<Tool>{};
    }
    const std::size_t most = order.is_parallel ? 2 : 1;
    eligible->tools.resize(std::min(eligible->tools.size(), most));
    return std::move(eligible->tools);
}

double logprob_of(std::string_view token) {
    return -0.001 - Random{hash_of(token)}.fraction() * 2.4;
}

std::vector<LikelyToken> likely_tokens(std::string_view token, std::int64_t count) {
    std::vector<LikelyToken> likely;
    Random random{hash_of(token)};
    double logprob = logprob_of(token);
    for (std::int64_t i = 0; i < count; ++i, logprob -= 0.5) {
        std::string text{i == 0 ? token : std::string_view{}};
        const auto is_taken = [&](const std::string& other) {
            return std::ranges::find(likely, other, &LikelyToken::text) != likely.end();
        };
        while (text.empty() || is_taken(text)) {
            text = " " + std::string{random.word()};
        }
        likely.push_back({std::move(text), logprob});
    }
    return likely;
}

std::string logprob_json(std::string_view token, std::int64_t alternatives) {
    std::string out;
    JsonWriter json{out};
    const auto write = [&json](std::string_view text, double logprob) {
        json.begin_object().key("token").text(text).key("logprob").number(logprob);
        json.key("bytes").begin_array();
        for (const char byte : text) {
            json.integer(static_cast<unsigned char>(byte));
        }
        json.end_array();
    };
    write(token, logprob_of(token));
    json.key("top_logprobs").begin_array();
    for (const LikelyToken& likely : likely_tokens(token, alternatives)) {
        write(likely.text, likely.logprob);
        json.end_object();
    }
    json.end_array().end_object();
    return out;
}

}  // namespace headgate::providers
