#pragma once

#include "policy/budget/dearest_cost.h"
#include "providers/catalog/catalog.h"
#include "providers/contract/api_request.h"
#include "providers/contract/token_estimate.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace headgate::policy {

/// What a request is charged by.
enum class Meter : std::uint8_t { none, tokens, input_tokens, pictures };

Meter meter_of(const providers::Endpoint& endpoint);

/// What a request may consume at most, whichever target serves it. Counts that pass 64 bits stay at
/// the largest, whose cost no budget holds.
class RequestBound {
public:
    /// Without `estimate` (null) it reads the body once more, where anything is charged. `request`
    /// must outlive it.
    explicit RequestBound(const providers::ApiRequest& request,
                          const providers::TokenEstimate* estimate = nullptr);

    const providers::ApiRequest& request() const { return request_; }
    Meter meter() const { return meter_; }

    /// Input tokens at a model (null: unknown); nullopt where only its context window bounds them
    /// and it is not known.
    std::optional<std::int64_t> input_at(const providers::Model* model) const;
    /// What stands in the body itself.
    std::int64_t input_inline() const;

    /// Output tokens of all choices, each with at most `cap`.
    std::int64_t output_with(std::int64_t cap) const;
    /// Output tokens of all pictures; nullopt where nobody tells how many one takes.
    std::optional<std::int64_t> picture_tokens_at(std::string_view model) const;

    /// The classes as which it could be charged, and no counts.
    Consumption classes() const;

private:
    const providers::ApiRequest& request_;
    Meter meter_;
    providers::TokenEstimate input_;
    std::int64_t prompts_ = 1;     // each fills a context window at most
    std::int64_t choices_ = 1;     // each has at most the output cap
    std::int64_t beyond_cap_ = 0;  // output that no cap bounds: predictions that are wrong
};

}  // namespace headgate::policy
