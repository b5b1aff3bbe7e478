#pragma once

#include "providers/catalog/price.h"
#include "providers/contract/provider.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace headgate::providers {

/// Prices that hold when the input is longer than `above` tokens; they apply to the whole request.
struct PriceTier {
    Tokens above;
    Price price;
};

/// How fast, and at which price, a provider serves a request.
enum class ServiceTier : std::uint8_t { standard, batch, flex, priority };

/// By the `service_tier` of a request or an answer. "fast" is another word for priority; all other
/// words ("auto", "default", "scale", …) and none stand for the standard tier.
ServiceTier service_tier_from(std::string_view text);

/// Prices of another service tier; what is absent costs as at the standard tier.
struct ServicePrice {
    std::optional<Money> input;
    std::optional<Money> output;
    std::optional<Money> cached_input;
};

/// Prices that few models have. cost() applies those of a service tier where price_for() is asked
/// for them, and none of the others.
struct FurtherPrices {
    ServicePrice batch;
    ServicePrice flex;
    ServicePrice priority;
    std::optional<Money> cache_write_1h;  // USD a million tokens, as the two below
    std::optional<Money> cached_audio_input;
    std::optional<Money> cached_image_input;
    std::optional<Money> per_second;     // USD a second of audio
    std::optional<Money> per_character;  // USD a character of text that is spoken
};

/// What a model can do: one bit each in Model::can.
enum class Capability : std::uint16_t {
    tools = 1 << 0,
    parallel_tools = 1 << 1,
    json_schema = 1 << 2,
    images = 1 << 3,
    pdf = 1 << 4,
    audio_in = 1 << 5,
    audio_out = 1 << 6,
    reasoning = 1 << 7,
    prompt_cache = 1 << 8,
    web_search = 1 << 9,
};

/// One model of the compiled-in catalogue (data/prices.yaml). Money is rounded up to whole
/// nanodollars where the data has more places.
struct Model {
    std::string_view id;
    std::string_view provider;  // "openai", "anthropic", …: whose price this is
    std::string_view mode;      // "chat", "embedding", "image", …
    std::int64_t max_input;     // 0: unknown
    std::int64_t max_output;    // 0: unknown
    std::string_view retires;   // "2026-10-23" or empty
    Price price;
    std::span<const PriceTier> tiers;  // ascending

    /// False where the catalogue has no price that cost() applies (speech by the second or by the
    /// character, say): the request is then one without a price, not one that costs nothing.
    bool is_priced;
    std::uint16_t can;             // Capability bits; 0 also where it is not known
    std::int32_t dimensions;       // of an embedding; 0: unknown or none
    const FurtherPrices* further;  // null: none

    constexpr bool has(Capability capability) const {
        return (can & static_cast<std::uint16_t>(capability)) != 0;
    }
};

/// All models, sorted by id, then provider.
std::span<const Model> catalog_models();

/// The catalogue's date, "2026-11".
std::string_view catalog_date();

/// The entry by kind and model, else by model alone (several: the dearest by input + output price),
/// else null. `kind` openai looks for provider "openai"; simulator too; openai_compatible has no
/// catalogue of its own.
const Model* find_model(ProviderKind kind, std::string_view model);

/// The standard price that applies to an input of that length.
const Price& price_for(const Model& model, Tokens total_input);

/// The price of another service tier. What it has no price for costs as at the standard tier; at
/// `priority` a class that the tier does not name (cache writes, reasoning, …) costs at least as
/// much as its plain neighbour there. The service prices are those of a short input: beyond a
/// long-input tier its standard price holds, at `priority` the dearer of the two, class by class.
Price price_for(const Model& model, Tokens total_input, ServiceTier service);

}  // namespace headgate::providers
