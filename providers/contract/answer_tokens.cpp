#include "providers/contract/answer_tokens.h"

#include <algorithm>

namespace headgate::providers {
namespace {

/// Between these parts of the guess, in percent, the number of deltas is taken for the number of
/// tokens. A word a delta lies below, a few characters a delta above.
constexpr std::int64_t kFewestDeltas = 80;
constexpr std::int64_t kMostDeltas = 150;

}  // namespace

void AnswerTokens::add(std::string_view raw, std::int64_t part) {
    if (raw.empty()) {
        return;
    }
    ++deltas_;
    if (part != part_) {
        count_all();
        part_ = part;
    }
    if (raw.size() > held_.size() - size_) {
        count_words();
    }
    if (raw.size() > held_.size() - size_) {
        count_all();
    }
    if (raw.size() > held_.size()) {
        counted_ += guess_tokens_of_json(raw);
        return;
    }
    std::ranges::copy(raw, held_.data() + size_);
    size_ += raw.size();
}

/// Keeps the last word, with the space before it. No escape has a space in it.
void AnswerTokens::count_words() {
    const std::string_view held{held_.data(), size_};
    const std::size_t last = held.rfind(' ');
    if (last == std::string_view::npos) {
        return;
    }
    counted_ += guess_tokens_of_json(held.substr(0, last));
    std::ranges::copy(held.substr(last), held_.data());
    size_ -= last;
}

void AnswerTokens::count_all() {
    counted_ += guess_tokens_of_json({held_.data(), size_});
    size_ = 0;
}

Tokens AnswerTokens::total() const {
    const MilliTokens guess = counted_ + guess_tokens_of_json({held_.data(), size_});
    const MilliTokens deltas = deltas_ * 1'000;
    const bool is_token_each =
        deltas * 100 >= guess * kFewestDeltas && deltas * 100 <= guess * kMostDeltas;
    const MilliTokens milli = is_token_each ? deltas : guess;
    return {std::max((milli + 999) / 1'000, std::min<std::int64_t>(deltas_, 1))};
}

}  // namespace headgate::providers
