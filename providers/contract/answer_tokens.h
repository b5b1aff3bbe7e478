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
/// |error| against o200k_base, median and 95th percentile, over 688 texts of 120 to 2,500
/// characters that the guess was not fitted to: manuals and messages in some 35 languages (a fifth
/// of all texts in languages that the fit does not know), code, JSON, English documents. The guess
/// leans to too few, by 6 % in the middle.
///
///   a token a delta              0 %,  4 %
///   2 to 6 tokens a delta        8 %, 23 %
///     English 3, 14; code 5, 18; languages of the fit 8, 21; others 17, 28
///   a word a delta               8 %, 24 %
///   cut at random points         8 %, 25 %
///   (bytes / 4, for comparison  19 %, 39 %)
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
