#include "policy/routing/target_cost.h"

#include "providers/catalog/picture_tokens.h"

namespace headgate::policy {
namespace {

using providers::Money;
using providers::Tokens;

constexpr std::int64_t kUnknownOutput = 1'000;

/// Far above every context window; keeps every cost inside Money's range.
constexpr std::int64_t kMostTokens = 1'000'000'000;

Tokens bounded(std::int64_t count) {
    return {std::clamp<std::int64_t>(count, 0, kMostTokens)};
}

}  // namespace

std::optional<Money> estimated_cost(const PriceBook& prices,
                                    const providers::Target& target,
                                    const Facts& facts) {
    const TargetPrice price = prices.find(*target.provider, target.model);
    if (!price.is_known()) {
        return std::nullopt;
    }
    providers::Usage usage;
    usage.input = bounded(facts.input_tokens);
    if (facts.endpoint->operation == providers::Operation::image_generations) {
        usage.images = 1;
        usage.image_output = providers::picture_tokens(target.model, {}, {}).value_or(Tokens{});
    } else {
        usage.output = bounded(facts.output_tokens > 0 ? facts.output_tokens : kUnknownOutput);
    }
    return cost_of(usage, price, {});
}

}  // namespace headgate::policy
