#pragma once

#include "providers/contract/json_reader.h"
#include "providers/contract/text_tokens.h"

namespace headgate::providers {

/// Guesses what a request's `tools` or `functions` become when OpenAI renders them as TypeScript
/// (its harmony library shows how): names, descriptions, properties and enumerations count, the
/// words of JSON Schema do not. Passes the reader's next value whole, whatever it is, and adds to
/// `sum`. False on a fault.
bool guess_tools(JsonReader& reader, MilliTokens& sum);

/// The same for `response_format` or the Responses API's `text`: a schema in it stands in the
/// prompt as JSON. `body` is what the reader reads.
bool guess_answer_format(JsonReader& reader, Bytes body, MilliTokens& sum);

}  // namespace headgate::providers
