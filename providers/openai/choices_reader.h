#pragma once

#include "providers/contract/answer_tokens.h"
#include "providers/contract/json_reader.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace headgate::providers::openai {

/// Which choices of a stream have shown themselves, and which have finished.
class ChoiceProgress {
public:
    /// Completions may ask for 128 answers to each of many prompts.
    static constexpr std::int64_t kMaxIndex = 65'535;

    /// False where `index` is outside 0…kMaxIndex: nothing is noted then.
    bool note(std::int64_t index, bool is_finished);

    /// Every choice seen has finished, and there are `at_least` of them.
    bool all_finished(std::int64_t at_least) const {
        return seen_ >= at_least && finished_ == seen_;
    }

private:
    enum class Stage : std::uint8_t { unseen, running, finished };

    std::vector<Stage> stages_;
    std::int64_t seen_ = 0;
    std::int64_t finished_ = 0;
};

/// What the value of `choices` held.
struct Choices {
    bool is_array = false;
    std::size_t count = 0;
    bool has_bad_index = false;  // one that ChoiceProgress does not take
};

/// Reads the value behind the key `choices` of chat.completion, chat.completion.chunk and
/// text_completion, and counts in `tokens` what the model says there: content, refusal, reasoning,
/// names and arguments of tool calls, text. `progress` may be null. A finish_reason that is null or
/// "" is none; a choice without an index is choice 0.
Choices read_choices(JsonReader& reader, AnswerTokens& tokens, ChoiceProgress* progress);

}  // namespace headgate::providers::openai
