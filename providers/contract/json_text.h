#pragma once

#include "providers/base/bytes.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace headgate::providers {

/// How many bytes the UTF-8 sequence at `text[at]` has, 1 to 4; 0 where it is none of RFC 3629
/// (overlong forms, surrogates, above U+10FFFF, cut short). `at` is inside `text`.
std::size_t utf8_length(Bytes text, std::size_t at);

/// The text that the inside of a JSON string stands for, in UTF-8; lone surrogates become U+FFFD.
/// `raw` has been validated: what JsonReader::raw() gives.
std::string unescaped(std::string_view raw);

/// True for an escaped surrogate without its other half in `raw`, which has been validated.
bool has_lone_surrogate(std::string_view raw);

}  // namespace headgate::providers
