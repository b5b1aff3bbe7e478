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

/// Null where the model has no price for the tier.
const ServicePrice* service_price(const Model& model, ServiceTier service) {
    if (model.further == nullptr) {
        return nullptr;
    }
    const FurtherPrices& further = *model.further;
    switch (service) {
        case ServiceTier::standard:
            return nullptr;
        case ServiceTier::batch:
            return &further.batch;
        case ServiceTier::flex:
            return &further.flex;
        case ServiceTier::priority:
            return &further.priority;
    }
    return nullptr;
}

void raise(Money& price, std::optional<Money> floor) {
    price = std::max(price, floor.value_or(price));
}

/// Of a class with a price of its own; one without costs as its neighbour anyway.
void raise(std::optional<Money>& price, Money floor) {
    if (price) {
        raise(*price, floor);
    }
}

/// The standard price with what the service charges instead.
Price replaced(const Price& standard, const ServicePrice& service) {
    Price price = standard;
    price.input = service.input.value_or(standard.input);
    price.output = service.output.value_or(standard.output);
    price.cached_input = service.cached_input ? service.cached_input : standard.cached_input;
    return price;
}

Price at_least(const Price& standard, const ServicePrice& service) {
    Price price = standard;
    raise(price.input, service.input);
    raise(price.output, service.output);
    if (price.cached_input) {
        raise(*price.cached_input, service.cached_input);
    }
    return price;
}

void raise_to_neighbours(Price& price) {
    raise(price.cache_write, price.input);
    raise(price.audio_input, price.input);
    raise(price.image_input, price.input);
    raise(price.reasoning, price.output);
    raise(price.audio_output, price.output);
    raise(price.image_output, price.output);
}

}  // namespace

ServiceTier service_tier_from(std::string_view text) {
    if (text == "priority" || text == "fast") {
        return ServiceTier::priority;
    }
    if (text == "flex") {
        return ServiceTier::flex;
    }
    return text == "batch" ? ServiceTier::batch : ServiceTier::standard;
}

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

Price price_for(const Model& model, Tokens total_input, ServiceTier service) {
    const Price& standard = price_for(model, total_input);
    const ServicePrice* const instead = service_price(model, service);
    if (instead == nullptr) {
        return standard;
    }
    const bool is_long = &standard != &model.price;
    if (service != ServiceTier::priority) {
        return is_long ? standard : replaced(standard, *instead);
    }
    Price price = is_long ? at_least(standard, *instead) : replaced(standard, *instead);
    raise_to_neighbours(price);
    return price;
}

}  // namespace headgate::providers
