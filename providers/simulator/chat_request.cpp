#include "providers/simulator/chat.h"
#include "providers/simulator/fields.h"

#include <algorithm>
#include <array>

namespace headgate::providers {
namespace {

constexpr std::array<std::string_view, 6> kRoles = {"system",   "assistant", "user",
                                                    "function", "tool",      "developer"};

bool says_json(std::string_view text) {
    constexpr std::string_view kWord = "json";
    return !std::ranges::search(text, kWord, [](char a, char b) {
                return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
            }).empty();
}

void hear(std::string_view text, Conversation& conversation) {
    conversation.tokens += count_tokens(text);
    conversation.hash = hash_of(text, conversation.hash);
    conversation.says_json = conversation.says_json || says_json(text);
}

void hear_message(JsonView message, Conversation& conversation) {
    conversation.hash = hash_of(message["role"].text(), conversation.hash);
    const JsonView content = message["content"];
    hear(content.text(), conversation);
    for (std::size_t i = 0; content.is_array() && i < content.size(); ++i) {
        hear(content.at(i)["text"].text(), conversation);
        hear(content.at(i)["refusal"].text(), conversation);
    }
    const JsonView calls = message["tool_calls"];
    for (std::size_t i = 0; calls.is_array() && i < calls.size(); ++i) {
        for (const std::string_view part : {"function", "custom"}) {
            hear(calls.at(i)[part]["name"].text(), conversation);
            hear(calls.at(i)[part]["arguments"].text(), conversation);
            hear(calls.at(i)[part]["input"].text(), conversation);
        }
    }
    hear(message["function_call"]["arguments"].text(), conversation);
}

std::optional<OpenAiError> fault_of(JsonView message, std::size_t index, bool follows_calls) {
    const std::string place = "messages[" + std::to_string(index) + "]";
    if (!message.is_object()) {
        return wrong_type(place, "an object", message);
    }
    const JsonView role = message["role"];
    if (role.is_null()) {
        return missing_parameter(place + ".role");
    }
    if (std::ranges::find(kRoles, role.text()) == kRoles.end()) {
        OpenAiError error =
            unsupported_value(place + ".role", role.text(),
                              "'system', 'assistant', 'user', 'function', 'tool', and 'developer'");
        return error;
    }
    const JsonView content = message["content"];
    if (content.is_null() && role.text() != "assistant") {
        return bad_request("Invalid value for 'content': expected a string, got null.",
                           place + ".content");
    }
    if (!content.is_null() && !content.is_string() && !content.is_array()) {
        return wrong_type(place + ".content", "one of a string or array of objects", content);
    }
    if (role.text() == "tool" && !follows_calls) {
        return bad_request(
            "Invalid parameter: messages with role 'tool' must be a response to a preceeding "
            "message with 'tool_calls'.",
            place + ".role");
    }
    return std::nullopt;
}

OrError<Tool> read_tool(JsonView given, std::size_t index) {
    const std::string place = "tools[" + std::to_string(index) + "]";
    const std::string_view type = given["type"].text();
    if (type.empty()) {
        return std::unexpected{missing_parameter(place + ".type")};
    }
    if (type != "function" && type != "custom") {
        return std::unexpected{unsupported_value(place + ".type", type, "'function' and 'custom'")};
    }
    const JsonView inside = given[type];
    if (!inside["name"].is_string()) {
        const std::string missing = place + "." + std::string{type};
        return std::unexpected{missing_parameter(inside.is_object() ? missing + ".name" : missing)};
    }
    if (const std::size_t size = inside["name"].text().size(); size > kLongestToolName) {
        return std::unexpected{
            string_too_long(place + "." + std::string{type} + ".name", kLongestToolName, size)};
    }
    return Tool{type == "custom" ? ToolKind::custom : ToolKind::function, inside["name"].text(),
                inside["parameters"]};
}

OrError<Tool> read_function(JsonView given, std::size_t index) {
    const std::string place = "functions[" + std::to_string(index) + "].name";
    const JsonView name = given["name"];
    if (!name.is_string()) {
        return std::unexpected{missing_parameter(place)};
    }
    if (name.text().size() > kLongestToolName) {
        return std::unexpected{string_too_long(place, kLongestToolName, name.text().size())};
    }
    return Tool{ToolKind::legacy_function, name.text(), given["parameters"]};
}

OrError<std::vector<Tool>> read_tools(JsonView body) {
    const JsonView given = body["tools"];
    const JsonView functions = body["functions"];
    const JsonView list = given.is_null() ? functions : given;
    const std::string_view name = given.is_null() ? "functions" : "tools";
    std::vector<Tool> tools;
    if (list.is_null()) {
        return tools;
    }
    if (!list.is_array()) {
        return std::unexpected{wrong_type(name, "an array of objects", list)};
    }
    if (list.size() == 0) {
        return std::unexpected{empty_array(name)};
    }
    if (list.size() > kMostTools) {
        return std::unexpected{array_too_long(name, kMostTools, list.size())};
    }
    for (std::size_t i = 0; i < list.size(); ++i) {
        auto tool = given.is_null() ? read_function(list.at(i), i) : read_tool(list.at(i), i);
        if (!tool) {
            return std::unexpected{tool.error()};
        }
        tools.push_back(*tool);
    }
    return tools;
}

}  // namespace

OrError<Conversation> read_conversation(JsonView messages) {
    if (messages.is_null()) {
        return std::unexpected{missing_parameter("messages")};
    }
    if (!messages.is_array()) {
        return std::unexpected{wrong_type("messages", "an array of objects", messages)};
    }
    if (messages.size() == 0) {
        return std::unexpected{empty_array("messages")};
    }
    Conversation conversation;
    bool follows_calls = false;
    std::string_view role;
    for (std::size_t i = 0; i < messages.size(); ++i) {
        const JsonView message = messages.at(i);
        if (auto fault = fault_of(message, i, follows_calls)) {
            return std::unexpected{std::move(*fault)};
        }
        role = message["role"].text();
        follows_calls = role == "tool" || !message["tool_calls"].is_null();
        hear_message(message, conversation);
    }
    conversation.is_user_turn = role == "user";
    conversation.is_tool_turn = role == "tool" || role == "function";
    return conversation;
}

OrError<std::vector<Tool>> chat_tools_to_call(JsonView body, const Conversation& conversation) {
    auto tools = read_tools(body);
    if (!tools) {
        return std::unexpected{tools.error()};
    }
    if (tools->empty()) {
        for (const std::string_view name : {"tool_choice", "parallel_tool_calls"}) {
            if (!body[name].is_null()) {
                return std::unexpected{bad_request("Invalid value for '" + std::string{name} +
                                                       "': '" + std::string{name} +
                                                       "' is only allowed when 'tools' are "
                                                       "specified.",
                                                   name)};
            }
        }
        return std::vector<Tool>{};
    }
    const bool is_legacy = tools->front().kind == ToolKind::legacy_function;
    ToolOrder order;
    order.tools = std::move(*tools);
    order.choice = body[is_legacy ? "function_call" : "tool_choice"];
    order.is_parallel = !is_legacy && (body["parallel_tool_calls"].is_null() ||
                                       body["parallel_tool_calls"].boolean());
    order.is_user_turn = conversation.is_user_turn;
    order.is_tool_turn = conversation.is_tool_turn;
    return tools_to_call(order);
}

}  // namespace headgate::providers
