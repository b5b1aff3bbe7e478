#include "policy/explain/question_bound.h"

#include "policy/budget/bound_errors.h"
#include "policy/budget/target_bound.h"

#include <limits>
#include <stdexcept>

namespace headgate::policy {
namespace {

using providers::Money;
using providers::Result;

constexpr std::int64_t kMostOutput = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kLeastOfResponses = 16;  // as affordable_cap() says

}  // namespace

QuestionBound::QuestionBound(const providers::ApiRequest& request,
                             std::int64_t input_tokens,
                             const Project& project,
                             const Plan& plan,
                             const PriceBook& prices)
    : request_{request},
      input_tokens_{input_tokens},
      project_{project},
      plan_{plan},
      prices_{prices},
      bound_{request} {}

Result<WorstCase> QuestionBound::at(const PlannedTarget& target,
                                    std::optional<std::int64_t> cap,
                                    bool must_be_priced) const {
    const WorstCaseInput input{.request = request_,
                               .project = project_,
                               .plan = plan_,
                               .prices = prices_,
                               .output_cap = cap,
                               .must_be_priced = must_be_priced};
    Result<WorstCase> worst = TargetBound{input, bound_, target}.with_cap(cap);
    if (!worst || bound_.meter() == Meter::none) {
        return worst;
    }
    const TargetPrice price = prices_.find(*target.target.provider, target.target.model);
    const bool has_window = price.model != nullptr && price.model->max_input > 0;
    const bool is_drawn = bound_.meter() == Meter::pictures;
    worst->input_tokens =
        has_window && !is_drawn ? std::min(input_tokens_, price.model->max_input) : input_tokens_;
    Consumption most = bound_.classes();
    most.input = worst->input_tokens;
    most.pictures = worst->images;
    (is_drawn ? most.picture_tokens : most.output) = worst->output_tokens;
    try {
        worst->cost = dearest_cost(price, request_.service_tier, most);
    } catch (const std::overflow_error&) {
        if (must_be_priced) {
            return std::unexpected{beyond_counting(target.target)};
        }
        worst->cost = Money::nanos(std::numeric_limits<std::int64_t>::max());
    }
    return worst;
}

Result<WorstCase> QuestionBound::worst_case(std::optional<std::int64_t> cap,
                                            bool must_be_priced) const {
    WorstCase worst;
    for (const PlannedTarget& target : plan_.targets) {
        const Result<WorstCase> one = at(target, cap, must_be_priced);
        if (!one) {
            return one;
        }
        if (worst.dearest == nullptr || one->cost > worst.cost) {
            worst = *one;
        }
    }
    return worst;
}

std::optional<std::int64_t> QuestionBound::affordable_cap(Money money) const {
    if (bound_.meter() != Meter::tokens) {
        return std::nullopt;
    }
    const auto fits = [&](std::int64_t cap) {
        const Result<WorstCase> worst = worst_case(cap, true);
        return worst && worst->cost <= money;
    };
    std::int64_t high = 0;
    for (const PlannedTarget& target : plan_.targets) {
        const Result<WorstCase> worst = at(target, {}, false);
        high = std::max(high, worst ? worst->output_cap.value_or(kMostOutput) : kMostOutput);
    }
    const bool is_responses = request_.endpoint->operation == providers::Operation::responses;
    std::int64_t low = std::min(is_responses ? kLeastOfResponses : 1, high);
    if (!fits(low)) {
        return std::nullopt;
    }
    if (fits(high)) {
        return high;
    }
    // The cost never falls with the cap: `low` fits and `high` does not.
    while (high - low > 1) {
        const std::int64_t middle = low + (high - low) / 2;
        (fits(middle) ? low : high) = middle;
    }
    return low;
}

bool QuestionBound::is_priced() const {
    return bound_.meter() == Meter::none ||
           std::ranges::all_of(plan_.targets, [this](const PlannedTarget& planned) {
               return prices_.find(*planned.target.provider, planned.target.model).is_known();
           });
}

}  // namespace headgate::policy
