#pragma once

#include "providers/contract/api_request.h"
#include "providers/contract/result.h"
#include "providers/contract/target.h"
#include "providers/contract/upstream_request.h"

#include <string>
#include <string_view>

namespace headgate::providers::openai {

/// What is changed in the body on its way up.
struct BodyEdits {
    std::string_view model;     // what the provider shall read as `model`
    bool may_ask_usage = true;  // false: `stream_options` goes up as the client sent it
    /// How a chat's output cap is called where the client wrote none: `max_tokens`, which all
    /// compatible servers know, instead of `max_completion_tokens`, which OpenAI's models need.
    bool has_old_cap_name = false;
};

/// The request to `path` (with its query, percent-encoded): the client's bytes with these edits.
/// 1. The model's name, where it differs. 2. For streams of chat/completions and completions:
/// `stream_options.include_usage: true`, where the client did not ask for it and `edits` allow it.
/// 3. Where request.imposed_cap is set: each higher output cap is lowered to it, and where there is
/// none it is added.
///
/// The result looks into `request.body`, `edits.model` and static storage. Error: internal_error
/// for a model that is not a model name, which a loaded policy rules out.
Result<UpstreamRequest> encode_to(std::string path,
                                  const ApiRequest& request,
                                  const BodyEdits& edits);

/// The endpoint's path without the version that it begins with: "/chat/completions".
std::string_view path_behind_version(const Endpoint& endpoint);

/// The request as it goes to a provider of OpenAI's format, edited for the target's model. The
/// path is the provider's base path and what follows `/v1` in the endpoint's. Errors:
/// encode_to()'s.
Result<UpstreamRequest> encode(const ApiRequest& request, const Target& target);

}  // namespace headgate::providers::openai
