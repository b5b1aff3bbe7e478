#pragma once

#include "providers/simulator/openai_error.h"
#include "providers/simulator/text.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::providers {

/// How a tool is declared and called: with JSON arguments, with free text, or as chat's deprecated
/// `functions`.
enum class ToolKind : std::uint8_t { function, custom, legacy_function };

constexpr std::size_t kMostTools = 128;
constexpr std::size_t kLongestToolName = 64;

/// A tool of the request. Views look into the request.
struct Tool {
    ToolKind kind = ToolKind::function;
    std::string_view name;
    JsonView parameters;  // absent: no arguments
};

struct ToolCall {
    ToolKind kind = ToolKind::function;
    std::string id;
    std::string name;
    Speech arguments;  // JSON, or a custom tool's free text

    std::int64_t tokens() const { return count_tokens(name) + arguments.tokens(); }
};

enum class Ending : std::uint8_t { stop, length, tool_calls, function_call };

std::string_view to_string(Ending ending);

/// What is to be said.
struct ReplyOrder {
    std::uint64_t seed = 0;     // the same order gives the same words
    std::int64_t natural = 50;  // tokens of a text that nothing cuts short
    std::int64_t cap = 0;       // tokens at most
    std::vector<std::string> stops;
    std::vector<Tool> calls;        // call these instead of talking
    std::int64_t reasoning = 0;     // tokens thought before the first word; the cap counts them
    JsonView schema;                // the text is JSON that satisfies it
    std::string_view schema_param;  // where it stood, for the error
    bool wants_json_object = false;
};

/// What a provider says: a text, or calls.
struct Reply {
    Speech content;
    std::vector<ToolCall> calls;
    std::int64_t reasoning = 0;
    Ending ending = Ending::stop;

    /// What is charged: the text or the calls' names and arguments, and the reasoning.
    std::int64_t tokens() const;
    /// How many token delays a stream of it has.
    std::int64_t rounds() const;
};

/// Error: a schema that no value satisfies, or that is beyond SchemaValue's bounds.
OrError<Reply> compose(const ReplyOrder& order, Random& ids);

/// What is common to the tools of chat.completions and of responses.
struct ToolOrder {
    std::vector<Tool> tools;
    JsonView choice;            // `tool_choice` or `function_call`
    bool is_parallel = true;    // `parallel_tool_calls`
    bool is_user_turn = true;   // the last message is from the user
    bool is_tool_turn = false;  // the last message is a tool's result
};

/// Which tools to call. None: talk. The rule: a named tool is called, `required` and `auto` call
/// the first tool and, where parallel, the second too; `auto` only answers the user with calls, and
/// a tool's result is always answered with text, so that a loop over tools ends.
/// Error: `tool_choice` names a tool that is not there, or has an unknown value.
OrError<std::vector<Tool>> tools_to_call(const ToolOrder& order);

/// Where a log probability is asked for: the made-up one of a token, the same each time. In
/// [-2.5, 0).
double logprob_of(std::string_view token);

/// {"token", "logprob", "bytes"} with `top_logprobs`, the token's own first.
std::string logprob_json(std::string_view token, std::int64_t alternatives);

/// The k-th of the made-up alternatives to `token`; 0 is the token itself.
struct LikelyToken {
    std::string text;
    double logprob;
};
std::vector<LikelyToken> likely_tokens(std::string_view token, std::int64_t count);

}  // namespace headgate::providers
