#include "policy/routing/target_cost.h"

#include "providers/catalog/catalog.h"

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

std::optional<Money> estimated_cost(const providers::Target& target, const Facts& facts) {
    const providers::Model* const model =
        providers::find_model(target.provider->kind, target.model);
    if (model == nullptr || !model->is_priced) {
        return std::nullopt;
    }
    providers::Usage usage;
    usage.input = bounded(facts.input_tokens);
    usage.output = bounded(facts.output_tokens > 0 ? facts.output_tokens : kUnknownOutput);
    usage.images = facts.endpoint->operation == providers::Operation::image_generations ? 1 : 0;
    return cost(usage, price_for(*model, usage.total_input()), target.provider->price_factor);
}

}  // namespace headgate::policy
