#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace headgate::providers {

/// What an answer is charged for. `completion` includes `reasoning`, as OpenAI counts.
struct TokenCount {
    std::int64_t prompt = 0;
    std::int64_t completion = 0;
    std::int64_t reasoning = 0;

    /// The simulated provider holds every prompt above 1024 tokens in its cache, in blocks of 128
    /// as OpenAI does; the last token is always read afresh.
    std::int64_t cached() const { return prompt > 1024 ? (prompt - 1) / 128 * 128 : 0; }
};

/// `usage` of chat.completions and completions.
std::string chat_usage(const TokenCount& count);
/// `usage` of responses.
std::string responses_usage(const TokenCount& count);

/// How many reasoning tokens an effort costs: "low" 16, "medium" 32, "high" 64, "xhigh" and "max"
/// 128, all else none.
std::int64_t reasoning_tokens(std::string_view effort);

}  // namespace headgate::providers
