#pragma once

#include "providers/simulator/call.h"
#include "providers/simulator/reply.h"
#include "providers/simulator/usage_json.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::providers {

/// One element of a response's `output`.
struct OutputItem {
    enum class Kind : std::uint8_t { reasoning, message, function_call, custom_call };

    Kind kind = Kind::message;
    std::string id;
    Speech text;  // a message's text, a call's arguments or input, a reasoning's summary
    std::string call_id;
    std::string name;
    std::string encrypted;     // reasoning.encrypted_content, empty: not asked for
    bool has_summary = false;  // reasoning only
    bool is_complete = true;   // false where the cap cut it
};

/// A response before it is written, whole or as events. Private to this folder.
struct ResponsesAnswer {
    std::string id;
    std::int64_t created = 0;
    std::string settings;  // the members that repeat the request: ,"model":…,"tools":…
    std::vector<OutputItem> items;
    bool is_complete = true;
    TokenCount count;
    std::optional<std::int64_t> top_logprobs;  // none: no log probabilities wanted
};

/// The request's `instructions` and `input`.
struct ResponsesInput {
    std::int64_t tokens = 0;
    std::uint64_t hash = kHashStart;
    bool is_user_turn = false;
    bool is_tool_turn = false;
};
OrError<ResponsesInput> read_responses_input(JsonView body);

/// `tools` and the choice among them. Hosted tools (web_search and the like) are never called.
OrError<std::vector<Tool>> responses_tools_to_call(JsonView body, const ResponsesInput& input);

std::string response_json(const ResponsesAnswer& answer);
WireScript responses_stream(const ResponsesAnswer& answer, const Call& call);

}  // namespace headgate::providers
