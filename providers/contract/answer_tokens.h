#pragma once

#include "providers/base/tokens.h"
#include "providers/contract/text_tokens.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headgate::providers {

/// Our own count of the text that a model wrote, from its deltas as they are read: for streams that
/// break off and for answers whose provider tells no usage. One object an answer.
///
/// What is not sent is not counted: hidden reasoning, which some models do much of, is missing
/// from it. It is then a count from below.
///
/// Two ways, and total() takes what fits. Most servers send a token a delta: where the number of
/// deltas is near what a tokenizer would make of the text, that number is the count. Else it is the
/// guess of guess_tokens() on the deltas joined, so that it matters little where they were cut.
///
/// |error| against o200k_base over 708 texts of 120 to 2,500 characters, none of which the guess
/// was fitted to (39 languages, a third of them in no fit either, 10 kinds of code and documents),
/// median and 95th percentile:
///
///   a token a delta                MEASURED_A
///   2 to 6 tokens a delta          MEASURED_B
///   a word a delta                 MEASURED_W
///   cut at random points           MEASURED_C
///   (bytes / 4, for comparison     18.2 % and 38.5 %)
///
/// Invariant: a text that is not empty is one token at least.
class AnswerTokens {
public:
    /// The text of one delta, the inside of a JSON string, escapes as written. `part` tells apart
    /// texts that come in turns (choices of one answer), so that their words are not joined.
    void add(std::string_view raw, std::int64_t part = 0);

    /// Rounded up.
    Tokens total() const;

private:
    void count_words();
    void count_all();

    std::array<char, 512> held_{};  // text whose last word may go on
    std::size_t size_ = 0;
    std::int64_t part_ = 0;
    MilliTokens counted_ = 0;  // of what is no longer held
    std::int64_t deltas_ = 0;
};

}  // namespace headgate::providers
