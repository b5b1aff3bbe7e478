#pragma once

#include "providers/simulator/openai_error.h"
#include "providers/simulator/text.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::providers {

/// One element of completions' `prompt` or embeddings' `input`: a text, or token numbers, which
/// count one token each and read as words of the vocabulary.
struct Prompt {
    std::string text;
    std::int64_t tokens = 0;
    std::uint64_t hash = 0;
};

/// A string, an array of strings, an array of token numbers, or an array of such arrays: at most
/// `most` elements. `name` is the field's. Absent reads as none.
OrError<std::vector<Prompt>> read_prompts(JsonView given, std::string_view name, std::size_t most);

}  // namespace headgate::providers
