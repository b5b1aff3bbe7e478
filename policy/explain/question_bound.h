#pragma once

#include "policy/budget/request_bound.h"
#include "policy/budget/worst_case.h"

#include <cstdint>
#include <optional>

namespace headgate::policy {

/// worst_case() and affordable_cap() of a request that has no body: its input is at most the tokens
/// given, and the context window where that is smaller. All else is as in serving, but for what
/// only a body asks for (several choices, hosted tools, sound, pictures, a service tier): none.
///
/// Serving bounds the input by its bytes, which are several times its tokens; give the bytes of the
/// request as its tokens to see what serving would reserve.
class QuestionBound {
public:
    /// `request` has no body. All arguments must outlive it.
    QuestionBound(const providers::ApiRequest& request,
                  std::int64_t input_tokens,
                  const Project& project,
                  const Plan& plan,
                  const PriceBook& prices);

    /// Errors, only where must_be_priced: worst_case()'s. `cap`: instead of the request's own.
    providers::Result<WorstCase> worst_case(std::optional<std::int64_t> cap,
                                            bool must_be_priced) const;

    /// As the function of that name.
    std::optional<std::int64_t> affordable_cap(providers::Money money) const;

    /// Whether the policy or the catalogue has a price for every target, or nothing is charged.
    bool is_priced() const;

private:
    providers::Result<WorstCase> at(const PlannedTarget& target,
                                    std::optional<std::int64_t> cap,
                                    bool must_be_priced) const;

    const providers::ApiRequest& request_;
    std::int64_t input_tokens_;
    const Project& project_;
    const Plan& plan_;
    const PriceBook& prices_;
    RequestBound bound_;
};

}  // namespace headgate::policy
