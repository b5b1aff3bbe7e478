#include "providers/catalog/catalog.h"

#include <algorithm>

namespace headgate::providers {
namespace {

// kDate, kTiers, kFurther and kModels, sorted; all constants, so that nothing runs at start.
#include "providers/catalog/generated.inc"

/// Whose prices a kind has; empty: nobody's in particular.
std::string_view catalog_provider(ProviderKind kind) {
    switch (kind) {
        case ProviderKind::openai:
        case ProviderKind::azure:
        case ProviderKind::simulator:
            return "openai";
        case ProviderKind::openai_compatible:
            return {};
    }
    return {};
}

bool is_cheaper(const Model& a, const Model& b) {
    return a.price.input + a.price.output < b.price.input + b.price.output;
}

}  // namespace

std::span<const Model> catalog_models() {
    return kModels;
}

std::string_view catalog_date() {
    return kDate;
}

const Model* find_model(ProviderKind kind, std::string_view model) {
    const auto entries = std::ranges::equal_range(kModels, model, {}, &Model::id);
    const Model* const own = std::ranges::find(entries, catalog_provider(kind), &Model::provider);
    if (own != entries.end()) {
        return own;
    }
    const Model* const dearest = std::ranges::max_element(entries, is_cheaper);
    return dearest != entries.end() ? dearest : nullptr;
}

const Price& price_for(const Model& model, Tokens total_input) {
    const auto next = std::ranges::upper_bound(
        model.tiers, total_input, [](Tokens input, Tokens above) { return input <= above; },
        &PriceTier::above);
    return next == model.tiers.begin() ? model.price : std::prev(next)->price;
}

}  // namespace headgate::providers
