#pragma once

#include "providers/contract/api_request.h"
#include "providers/contract/result.h"
#include "providers/contract/target.h"
#include "providers/contract/upstream_request.h"

namespace headgate::providers::openai {

/// The request as it goes to a provider of OpenAI's format: the client's bytes with at most two
/// edits. 1. The model's name, where the target's differs. 2. For streams of chat/completions and
/// completions: `stream_options.include_usage: true`, where the client did not ask for it.
///
/// The path is the provider's base path and what follows `/v1` in the endpoint's. The result looks
/// into `request.body`, `target.model` and static storage. Error: internal_error for a target whose
/// model is not a model name, which a loaded policy rules out.
Result<UpstreamRequest> encode(const ApiRequest& request, const Target& target);

}  // namespace headgate::providers::openai
