#pragma once

#include "providers/base/tokens.h"

#include <cstdint>

namespace headgate::providers {

/// What an answer consumed. The classes are disjoint: no token is counted twice.
/// OpenAI's `prompt_tokens` is input + cached_input + cache_write + audio_input + image_input;
/// its `completion_tokens` is output + reasoning + audio_output + image_output.
struct Usage {
    Tokens input;         // text, neither read from nor written to a prompt cache
    Tokens cached_input;  // read from the provider's prompt cache
    Tokens cache_write;   // written to it, where the provider charges for that
    Tokens output;        // visible text, tool calls
    Tokens reasoning;
    Tokens audio_input;
    Tokens audio_output;
    Tokens image_input;
    Tokens image_output;
    std::int64_t images = 0;  // pictures made, whether they are charged by the piece or by token

    /// False until the provider told its usage.
    bool is_reported = false;
    /// True where the counts are our own.
    bool is_estimated = false;

    constexpr Tokens total_input() const {
        return input + cached_input + cache_write + audio_input + image_input;
    }
    constexpr Tokens total_output() const {
        return output + reasoning + audio_output + image_output;
    }
    constexpr Tokens audio() const { return audio_input + audio_output; }

    friend constexpr bool operator==(const Usage&, const Usage&) = default;

    /// What two attempts consumed together.
    constexpr Usage& operator+=(const Usage& other) {
        input += other.input;
        cached_input += other.cached_input;
        cache_write += other.cache_write;
        output += other.output;
        reasoning += other.reasoning;
        audio_input += other.audio_input;
        audio_output += other.audio_output;
        image_input += other.image_input;
        image_output += other.image_output;
        images += other.images;
        is_reported = is_reported || other.is_reported;
        is_estimated = is_estimated || other.is_estimated;
        return *this;
    }
};

}  // namespace headgate::providers
