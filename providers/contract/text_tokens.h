#pragma once

#include <cstdint>
#include <string_view>

namespace headgate::providers {

/// Thousandths of a token: sums of many small texts keep their fractions.
using MilliTokens = std::int64_t;

/// What a tokenizer of the o200k family makes of `text` (UTF-8; bytes that are none count as
/// something), guessed from its pieces. One pass, no allocation.
MilliTokens guess_tokens(std::string_view text);

/// The same for the inside of a JSON string, escapes as written. `raw` may begin or end within an
/// escape, as a sample does.
MilliTokens guess_tokens_of_json(std::string_view raw);

}  // namespace headgate::providers
