#pragma once

#include "providers/base/bytes.h"
#include "providers/contract/endpoint.h"
#include "providers/contract/result.h"

#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace headgate::providers {

/// What images/generations are asked to look like. Absent texts are empty.
struct PictureRequest {
    std::string_view size;
    std::string_view quality;
    std::string_view format;  // `output_format`
    std::optional<std::int64_t> frames;
    std::int64_t partials = 0;  // pictures on the way, streamed
};

/// What one pass over a request's JSON body found. Views and ranges look into `body`, which the
/// exchange owns and keeps until the request can no longer be repeated; the text of a string that
/// the client wrote with escapes is in `unescaped`. A field counts only where the operation has
/// it (`n` of an embeddings request is nobody's), `null` is absent, of a repeated one the last.
struct ApiRequest {
    const Endpoint* endpoint = nullptr;
    Bytes body;

    std::string_view model;        // a checked name, escapes resolved
    ByteRange model_value;         // the string with its quotes
    std::size_t after_open = 0;    // behind the outermost '{': where a member may be spliced in
    bool is_empty_object = false;  // {}: a spliced member takes no comma

    bool stream = false;
    ByteRange stream_options;       // the object with its braces; empty: absent
    ByteRange stream_options_null;  // the literal of `stream_options: null`: replace it, or it wins
    bool stream_options_is_empty = false;
    bool include_usage = false;     // what the client asked for
    ByteRange include_usage_value;  // the literal, also `null`; empty: absent

    std::optional<std::int64_t> max_tokens;
    std::optional<std::int64_t> max_completion_tokens;
    std::optional<std::int64_t> max_output_tokens;
    ByteRange max_tokens_value;  // the literal, also `null`; empty: absent. As the two below
    ByteRange max_completion_tokens_value;
    ByteRange max_output_tokens_value;
    /// Not of the body: the output cap that goes upstream where the request sets none or a higher
    /// one. Set by whoever admits the request.
    std::optional<std::int64_t> imposed_cap;
    std::optional<std::int64_t> n;
    std::optional<std::int64_t> best_of;
    std::string_view temperature;  // as spelled; empty: absent
    bool has_seed = false;
    std::string_view service_tier;  // escapes resolved; empty: absent
    std::string_view user;
    bool store = false;  // `store: true`
    bool has_previous_response_id = false;
    bool background = false;
    std::size_t tools = 0;  // elements of `tools`
    /// The first tool that runs at the provider, by its type ("web_search", "mcp"); empty: none.
    std::string_view hosted_tool;
    std::string_view hosted_tool_field;  // "tools" or "web_search_options"
    bool wants_audio = false;            // `modalities` has "audio"
    bool has_prediction = false;  // predicted output: what of it is wrong is charged as output
    PictureRequest picture;

    /// The value of `messages`, `input` or `prompt`, whichever the operation has; empty: absent.
    ByteRange prompt;
    /// Elements of that array, parts of their content not counted; a lone text or a list of token
    /// ids is one.
    std::size_t messages = 0;
    /// Pictures that stand in the prompt itself: `data:` URLs and the results of image calls.
    std::size_t inline_images = 0;
    /// Sound stands in the prompt itself, or a file or film that may hold some.
    bool has_sound = false;
    /// True where the model reads what the body does not hold: images and files named by URL or id,
    /// earlier responses, conversations, stored prompts, items named by id, what hosted tools (web
    /// search, MCP, ...) bring. Told by where a key stands, never by words in a text; of a repeated
    /// field each one counts, so that "false" holds whichever of them the provider takes.
    bool has_remote_content = false;

    std::size_t content_bytes =
        0;  // bytes inside the JSON strings of the body: what a tokenizer sees at most

    /// Shared so that copies of the request may keep their views.
    std::shared_ptr<const std::forward_list<std::string>> unescaped;

    /// The output cap that the request sets itself, whichever field it used; the higher of two.
    std::optional<std::int64_t> output_cap() const;
    /// How many choices are asked for (`n`, 1 where absent).
    std::int64_t choices() const { return n.value_or(1); }
};

/// Reads `body` as a request to `endpoint`. Errors: invalid_json (what RFC 8259 does not allow,
/// depth over 128, `model` twice; the message tells the byte offset), invalid_request with `param`
/// (wrong type of a field that we read, `n` outside 1…128, an output cap outside 1…2^31-1, a model
/// name outside the alphabet below or with half a surrogate, a missing model, a body that is no
/// object). Of several mistakes it tells the first.
Result<ApiRequest> understand(const Endpoint& endpoint, Bytes body);

/// True for 1 to 256 characters of [A-Za-z0-9._:/@+-], no leading '/', no ".." segment.
bool is_model_name(std::string_view name);

}  // namespace headgate::providers
