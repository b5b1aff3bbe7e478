#include "providers/simulator/responses.h"

#include <algorithm>
#include <array>

namespace headgate::providers {
namespace {

void hear(std::string_view text, ResponsesInput& input) {
    input.tokens += count_tokens(text);
    input.hash = hash_of(text, input.hash);
}

/// A string, or typed parts with `text` or `refusal`.
void hear_content(JsonView content, ResponsesInput& input) {
    hear(content.text(), input);
    for (std::size_t i = 0; content.is_array() && i < content.size(); ++i) {
        hear(content.at(i)["text"].text(), input);
        hear(content.at(i)["refusal"].text(), input);
    }
}

std::optional<OpenAiError> hear_item(JsonView item, std::size_t index, ResponsesInput& input) {
    constexpr std::array<std::string_view, 4> kRoles = {"user", "assistant", "system", "developer"};
    const std::string place = "input[" + std::to_string(index) + "]";
    if (!item.is_object()) {
        return wrong_type(place, "an object", item);
    }
    const std::string_view type = item["type"].text();
    const std::string_view role = item["role"].text();
    if (type.empty() || type == "message") {
        if (std::ranges::find(kRoles, role) == kRoles.end()) {
            return unsupported_value(place + ".role", role,
                                     "'assistant', 'system', 'developer', and 'user'");
        }
        if (item["content"].is_null()) {
            return missing_parameter(place + ".content");
        }
        input.hash = hash_of(role, input.hash);
        hear_content(item["content"], input);
    } else {
        hear(item["name"].text(), input);
        hear(item["arguments"].text(), input);
        hear(item["input"].text(), input);
        hear_content(item["output"], input);
        hear_content(item["summary"], input);
    }
    input.is_user_turn = role == "user";
    input.is_tool_turn = type.ends_with("_output");
    return std::nullopt;
}

OrError<Tool> read_tool(JsonView given, std::size_t index) {
    const std::string place = "tools[" + std::to_string(index) + "]";
    if (!given["type"].is_string()) {
        return std::unexpected{missing_parameter(place + ".type")};
    }
    const JsonView name = given["name"];
    if (!name.is_string()) {
        return std::unexpected{missing_parameter(place + ".name")};
    }
    if (name.text().size() > kLongestToolName) {
        return std::unexpected{
            string_too_long(place + ".name", kLongestToolName, name.text().size())};
    }
    const bool is_custom = given["type"].text() == "custom";
    return Tool{is_custom ? ToolKind::custom : ToolKind::function, name.text(),
                given["parameters"]};
}

}  // namespace

OrError<ResponsesInput> read_responses_input(JsonView body) {
    const JsonView given = body["input"];
    ResponsesInput input;
    hear(body["instructions"].text(), input);
    if (given.is_string()) {
        hear(given.text(), input);
        input.is_user_turn = true;
        return input;
    }
    if (given.is_null()) {
        return std::unexpected{missing_parameter("input")};
    }
    if (!given.is_array()) {
        return std::unexpected{
            wrong_type("input", "one of a string or array of input items", given)};
    }
    if (given.size() == 0) {
        return std::unexpected{empty_array("input")};
    }
    for (std::size_t i = 0; i < given.size(); ++i) {
        if (auto fault = hear_item(given.at(i), i, input)) {
            return std::unexpected{std::move(*fault)};
        }
    }
    return input;
}

OrError<std::vector<Tool>> responses_tools_to_call(JsonView body, const ResponsesInput& input) {
    const JsonView given = body["tools"];
    ToolOrder order;
    if (!given.is_null() && !given.is_array()) {
        return std::unexpected{wrong_type("tools", "an array of objects", given)};
    }
    if (given.size() > kMostTools) {
        return std::unexpected{array_too_long("tools", kMostTools, given.size())};
    }
    for (std::size_t i = 0; i < given.size(); ++i) {
        const std::string_view type = given.at(i)["type"].text();
        if (!type.empty() && type != "function" && type != "custom") {
            continue;
        }
        auto tool = read_tool(given.at(i), i);
        if (!tool) {
            return std::unexpected{tool.error()};
        }
        order.tools.push_back(*tool);
    }
    order.choice = body["tool_choice"];
    const std::string_view chosen = order.choice["type"].text();
    if (!chosen.empty() && chosen != "function" && chosen != "custom" &&
        chosen != "allowed_tools") {
        return std::vector<Tool>{};  // a hosted tool is chosen
    }
    order.is_parallel =
        body["parallel_tool_calls"].is_null() || body["parallel_tool_calls"].boolean();
    order.is_user_turn = input.is_user_turn;
    order.is_tool_turn = input.is_tool_turn;
    return tools_to_call(order);
}

}  // namespace headgate::providers
