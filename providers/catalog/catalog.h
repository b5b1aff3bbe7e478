#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "providers/catalog/price.h"
#include "providers/contract/provider.h"

namespace headgate::providers {

/// Prices that hold when the input is longer than `above` tokens; they apply to the whole request.
struct PriceTier {
    Tokens above;
    Price price;
};

/// One model of the compiled-in catalogue (data/prices.yaml).
struct Model {
    std::string_view id;
    std::string_view provider;  // "openai", "anthropic", …: whose price this is
    std::string_view mode;      // "chat", "embedding", "image", …
    std::int64_t max_input;     // 0: unknown
    std::int64_t max_output;    // 0: unknown
    std::string_view retires;   // "2026-10-23" or empty
    Price price;
    std::span<const PriceTier> tiers;  // ascending
};

/// All models, sorted by id, then provider.
std::span<const Model> catalog_models();

/// The catalogue's date, "2026-11".
std::string_view catalog_date();

/// The entry by kind and model, else by model alone (several: the dearest by input + output price),
/// else null. `kind` openai looks for provider "openai"; simulator too; openai_compatible has no
/// catalogue of its own.
const Model* find_model(ProviderKind kind, std::string_view model);

/// The price that applies to an input of that length.
const Price& price_for(const Model& model, Tokens total_input);

}  // namespace headgate::providers
