#pragma once

#include "providers/simulator/call.h"
#include "providers/simulator/reply.h"
#include "providers/simulator/usage_json.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::providers {

/// A chat completion before it is written, whole or in chunks. Views look into the request.
/// Private to this folder.
struct ChatAnswer {
    std::string id;
    std::int64_t created = 0;
    std::string_view model;
    std::string_view service_tier;
    std::string fingerprint;
    std::vector<Reply> choices;
    TokenCount count;
    std::optional<std::int64_t> top_logprobs;  // none: no log probabilities wanted
    bool include_usage = false;
    bool tells_filter = false;  // with the reports of Azure's content filter

    std::int64_t longest() const;  // rounds of the longest choice
};

/// The request's `messages`, read for what the simulator needs of them.
struct Conversation {
    std::int64_t tokens = 0;
    std::uint64_t hash = kHashStart;
    bool is_user_turn = false;
    bool is_tool_turn = false;
    bool says_json = false;
};
OrError<Conversation> read_conversation(JsonView messages);

/// `tools` (or the deprecated `functions`) and the choice among them.
OrError<std::vector<Tool>> chat_tools_to_call(JsonView body, const Conversation& conversation);

std::string chat_completion_json(const ChatAnswer& answer);
WireScript chat_stream(const ChatAnswer& answer, const Call& call);

/// "fp_" and ten hexadecimal digits, the same for a model.
std::string fingerprint_of(std::string_view model);

}  // namespace headgate::providers
