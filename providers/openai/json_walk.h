#pragma once

#include "providers/base/bytes.h"
#include "providers/contract/answer_tokens.h"
#include "providers/contract/json_reader.h"

#include <cstdint>
#include <string_view>

/// Small steps over a JsonReader that several readers of OpenAI's answers share. All of them stop
/// at a fault of the text; whoever owns the reader learns of it from finish().
namespace headgate::providers::openai {

/// Passes what is left of the value whose first token next() has just given: the inside of an
/// object or array, nothing of a scalar.
void leave_value(JsonReader& reader);

/// Passes the next value; where it stands.
ByteRange value_range(JsonReader& reader);

/// Passes the next value, that of an `error` member in a stream; where it stands, or an empty range
/// where it tells no error: official SDKs raise on an object or a text, not on null or "".
ByteRange error_range(JsonReader& reader);

/// Passes the next value, that of a `service_tier`; what it tells, or nothing where it is null or
/// longer than kMaxServiceTier. Looks into the reader's text.
std::string_view passed_service_tier(JsonReader& reader);

/// Passes the next value and counts its text: the string that it is, else all strings in it.
/// Whether there was any. `part` as at AnswerTokens::add().
bool count_text(JsonReader& reader, AnswerTokens& tokens, std::int64_t part = 0);

/// As count_text(), but of the strings only that stand under a key by which a model's own words go:
/// `text`, `arguments`, `input`, `refusal`, `name`, `code`.
void count_model_text(JsonReader& reader, AnswerTokens& tokens, std::int64_t part = 0);

}  // namespace headgate::providers::openai
