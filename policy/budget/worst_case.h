#pragma once

#include "policy/budget/price_book.h"
#include "policy/keys/project.h"
#include "policy/routing/plan.h"
#include "providers/contract/api_request.h"
#include "providers/contract/result.h"
#include "providers/contract/target.h"
#include "providers/contract/token_estimate.h"
#include "providers/contract/usage.h"

#include <cstdint>
#include <optional>

namespace headgate::policy {

/// The bound of one request at the dearest target of its plan (docs/money.md). Holds whatever
/// the provider does within what it was asked: input at most, every output choice at its cap, each
/// token at the dearest class that it could be charged as, the dearest tier that it could reach.
struct WorstCase {
    std::int64_t input_tokens = 0;
    std::int64_t output_tokens = 0;  // choices × cap
    std::int64_t images = 0;
    /// Of one choice; nullopt: neither the request, the project nor the catalogue bounds it.
    std::optional<std::int64_t> output_cap;
    providers::Money cost;
    const PlannedTarget* dearest = nullptr;
};

/// How a request's worst case is asked.
struct WorstCaseInput {
    const providers::ApiRequest& request;
    const Project& project;
    const Plan& plan;
    const PriceBook& prices;
    /// Instead of the request's and the project's: a lower cap (`when_tight: cap`).
    std::optional<std::int64_t> output_cap;
    /// A budget is at stake: what has no price or no bound is refused. False: such a target counts
    /// as 0.
    bool must_be_priced = true;
    /// Of this request, where it has been made before; null: the body is read once more.
    const providers::TokenEstimate* estimate = nullptr;
};

/// Errors, only where must_be_priced. price_unknown (400) where
///   - a target has no price and the project rejects unpriced models; names provider and model;
///   - a hosted tool has none and the project rejects unpriced models; names the tool. Alike
///     models that search by themselves, and pictures that a further model writes as SVG;
///   - a target has a price but nothing bounds the input (content that stands elsewhere, unknown
///     context window), the output (no cap, unknown limit) or the tokens of a picture.
/// max_cost_exceeded (400) where the bound leaves Money's range.
///
/// Which service tier counts: dearest_cost(). A picture is one of the size and quality asked, or of
/// the dearest (providers::picture_tokens); its prompt is charged once a picture.
providers::Result<WorstCase> worst_case(const WorstCaseInput& input);

/// The largest output cap at which the request costs `money` at most, never above what it has now;
/// 1 at least, in the Responses API 16, which takes none below. nullopt where not even that fits.
/// For `when_tight: cap`; only where tokens are the meter.
std::optional<std::int64_t> affordable_cap(const WorstCaseInput& input, providers::Money money);

/// The project's output cap that goes upstream: its `max_output` where the request sets none.
std::optional<std::int64_t> project_cap(const providers::ApiRequest& request,
                                        const Project& project);

/// Our own count of the tokens of pictures that were charged by token but told without: `usage`
/// with them, flagged as estimated. Any other usage comes back as it is.
providers::Usage with_picture_tokens(const providers::Usage& usage,
                                     const providers::ApiRequest& request,
                                     const providers::Target& target,
                                     const TargetPrice& price);

}  // namespace headgate::policy
