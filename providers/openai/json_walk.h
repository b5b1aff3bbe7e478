#pragma once

#include "providers/base/bytes.h"
#include "providers/contract/json_reader.h"

#include <cstddef>
#include <string_view>

/// Small steps over a JsonReader that several readers of OpenAI's answers share. All of them stop
/// at a fault of the text; whoever owns the reader learns of it from finish().
namespace headgate::providers::openai {

/// Passes what is left of the value whose first token next() has just given: the inside of an
/// object or array, nothing of a scalar.
void leave_value(JsonReader& reader);

/// Passes the next value, that of an `error` member in a stream; where it stands, or an empty range
/// where it tells no error: official SDKs raise on an object or a text, not on null or "".
ByteRange error_range(JsonReader& reader);

/// Passes the next value, that of a `service_tier`; what it tells, or nothing where it is null or
/// longer than kMaxServiceTier. Looks into the reader's text.
std::string_view passed_service_tier(JsonReader& reader);

/// Bytes of UTF-8 that the string token stands for: an escape counts as the character it means.
std::size_t text_size(const JsonReader& reader);

/// Passes the next value; the text_size() of it where it is a string, else of all strings in it.
std::size_t passed_text(JsonReader& reader);

/// As passed_text(), but of the strings only that stand under a key by which a model's own words
/// go: `text`, `arguments`, `input`, `refusal`, `name`, `code`.
std::size_t passed_model_text(JsonReader& reader);

}  // namespace headgate::providers::openai
