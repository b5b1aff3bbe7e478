#pragma once

#include "providers/contract/json_reader.h"
#include "providers/contract/usage.h"

#include <cstdint>

namespace headgate::providers::openai {

/// By which names an endpoint tells its usage.
enum class UsageShape : std::uint8_t {
    completion,  // prompt_tokens, completion_tokens: chat, completions
    embedding,   // prompt_tokens alone
    response,    // input_tokens, output_tokens
    image,       // as response; all output is pictures unless output_tokens_details says otherwise
};

/// Reads a `usage` object; the reader's token is its begin_object, and its end_object afterwards.
/// Of members that stand twice the last counts.
///
/// The details of OpenAI's counts are parts of them, and parts may overlap (cached audio): they
/// are taken in the order cached, cache write, audio, image, each at most what is left, so that
/// the classes add up to the whole. Reasoning that is told beside the completion instead of inside
/// it (the total is then the sum of all three, as at xAI) is not taken off the output.
///
/// Not believed, so that is_reported stays false: a missing or negative count, one that is no
/// integer or above 2^40, and a part larger than its whole.
///
/// Source: OpenAI's Python SDK 3.54.0, types/completion_usage.py, responses/response_usage.py,
/// create_embedding_response.py, images_response.py.
Usage read_usage(JsonReader& reader, UsageShape shape);

}  // namespace headgate::providers::openai
