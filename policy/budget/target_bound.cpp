#include "policy/budget/target_bound.h"

#include "policy/budget/bound_errors.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string_view>

namespace headgate::policy {
namespace {

using providers::Money;
using providers::Result;

/// What runs at the provider beside the model, and the field that asks for it.
struct HostedPart {
    std::string_view name;
    std::string_view param;
};

/// Models that search with every request, for a fee: OpenAI's guide "Web search", on chat
/// completions.
bool searches_by_itself(std::string_view model) {
    return model.contains("-search-preview") || model.contains("-search-api");
}

std::optional<HostedPart> hosted_part(const providers::ApiRequest& request,
                                      std::string_view model) {
    if (!request.hosted_tool.empty()) {
        return HostedPart{request.hosted_tool, request.hosted_tool_field};
    }
    if (request.picture.format == "svg") {
        return HostedPart{"svg", "output_format"};
    }
    return searches_by_itself(model) ? std::optional{HostedPart{"web_search", "model"}}
                                     : std::nullopt;
}

}  // namespace

TargetBound::TargetBound(const WorstCaseInput& input,
                         const RequestBound& request,
                         const PlannedTarget& planned)
    : input_{input},
      request_{request},
      target_{planned.target},
      price_{input.prices.find(*target_.provider, target_.model)},
      most_{request.classes()} {
    worst_.dearest = &planned;
}

Result<WorstCase> TargetBound::with_cap(std::optional<std::int64_t> cap) {
    if (request_.meter() == Meter::none) {
        return worst_;
    }
    try {
        if (Problem problem = fill(cap)) {
            return std::unexpected{std::move(*problem)};
        }
        worst_.cost = dearest_cost(price_, request_.request().service_tier, most_);
    } catch (const std::overflow_error&) {
        if (input_.must_be_priced) {
            return std::unexpected{beyond_counting(target_)};
        }
        worst_.cost = Money::nanos(std::numeric_limits<std::int64_t>::max());
    }
    return worst_;
}

std::optional<std::int64_t> TargetBound::output_limit() const {
    const bool is_known = price_.model != nullptr && price_.model->max_output > 0;
    return is_known ? std::optional{price_.model->max_output} : std::nullopt;
}

TargetBound::Problem TargetBound::fill(std::optional<std::int64_t> cap) {
    if (Problem problem = missing_price()) {
        return problem;
    }
    if (Problem problem = bind_input()) {
        return problem;
    }
    switch (request_.meter()) {
        case Meter::tokens:
            return bind_output(cap);
        case Meter::pictures:
            return bind_pictures();
        default:
            return std::nullopt;
    }
}

TargetBound::Problem TargetBound::missing_price() const {
    const bool may_be_free = input_.project.unpriced_models == UnpricedModels::free;
    if (!input_.must_be_priced || may_be_free) {
        return std::nullopt;
    }
    if (!price_.is_known()) {
        return no_price(target_);
    }
    const auto hosted = hosted_part(request_.request(), target_.model);
    return hosted ? Problem{no_tool_price(hosted->name, hosted->param)} : std::nullopt;
}

TargetBound::Problem TargetBound::bind_input() {
    const std::optional<std::int64_t> input = request_.input_at(price_.model);
    if (!input && charges(&Consumption::input)) {
        return no_input_bound(target_);
    }
    most_.input = worst_.input_tokens = input.value_or(request_.input_inline());
    return std::nullopt;
}

TargetBound::Problem TargetBound::bind_output(std::optional<std::int64_t> cap) {
    const auto asked = request_.request().output_cap();
    cap = cap ? cap : asked ? asked : input_.project.max_output;
    if (const auto limit = output_limit()) {
        cap = std::min(cap.value_or(*limit), *limit);
    }
    if (!cap && charges(&Consumption::output)) {
        return no_output_bound(target_, request_.request());
    }
    worst_.output_cap = cap;
    most_.output = worst_.output_tokens = cap ? request_.output_with(*cap) : 0;
    return std::nullopt;
}

TargetBound::Problem TargetBound::bind_pictures() {
    most_.pictures = worst_.images = request_.request().choices();
    const std::optional<std::int64_t> tokens = request_.picture_tokens_at(target_.model);
    const providers::Price& price = price_.standard({});
    const bool is_by_token = !price.per_image || price.image_output;
    if (!tokens && is_by_token && charges(&Consumption::picture_tokens)) {
        return no_picture_bound(request_.request());
    }
    most_.picture_tokens = worst_.output_tokens = tokens.value_or(0);
    return std::nullopt;
}

/// Whether a million tokens of the kind would cost anything, so that they must be bounded.
bool TargetBound::charges(std::int64_t Consumption::* kind) const {
    if (!input_.must_be_priced) {
        return false;
    }
    Consumption million = request_.classes();
    million.*kind = 1'000'000;
    million.pictures = kind == &Consumption::picture_tokens ? 1 : 0;
    return dearest_cost(price_, request_.request().service_tier, million) != Money{};
}

}  // namespace headgate::policy
