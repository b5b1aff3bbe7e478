#include "providers/catalog/catalog.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace headgate::providers {
namespace {

Money usd(std::string_view decimal) {
    return Money::parse(decimal).value();
}

TEST(Catalog, HoldsEveryModelOfTheData) {
    std::ifstream data{HEADGATE_SOURCE_DIR "/providers/catalog/data/prices.yaml"};
    ASSERT_TRUE(data.is_open());
    std::size_t lines = 0;
    for (std::string line; std::getline(data, line);) {
        lines += line.starts_with("  - {id: ") ? 1 : 0;
    }

    EXPECT_EQ(catalog_models().size(), lines);
    EXPECT_GT(lines, 700U);
    EXPECT_EQ(catalog_date(), "2026-11");
}

TEST(Catalog, IsSortedByIdThenProviderAndNamesNoneTwice) {
    const auto is_before = [](const Model& a, const Model& b) {
        return a.id != b.id ? a.id < b.id : a.provider < b.provider;
    };
    const std::span<const Model> models = catalog_models();

    for (std::size_t i = 1; i < models.size(); ++i) {
        EXPECT_TRUE(is_before(models[i - 1], models[i])) << models[i].id;
    }
}

TEST(Catalog, FindsEachOfItsOwnModels) {
    for (const Model& model : catalog_models()) {
        const Model* found = find_model(ProviderKind::openai, model.id);

        ASSERT_NE(found, nullptr) << model.id;
        EXPECT_EQ(found->id, model.id);
    }
}

TEST(Catalog, TellsLimitsPricesAndEndOfAModel) {
    const Model* model = find_model(ProviderKind::openai, "gpt-5");

    ASSERT_NE(model, nullptr);
    EXPECT_EQ(model->provider, "openai");
    EXPECT_EQ(model->mode, "chat");
    EXPECT_EQ(model->max_input, 272'000);
    EXPECT_EQ(model->max_output, 128'000);
    EXPECT_EQ(model->retires, "2026-12-11");
    EXPECT_EQ(model->price.input, usd("1.25"));
    EXPECT_EQ(model->price.output, usd("10"));
    EXPECT_EQ(model->price.cached_input, usd("0.125"));
    EXPECT_FALSE(model->price.reasoning.has_value());
    EXPECT_TRUE(model->is_priced);
    EXPECT_TRUE(model->has(Capability::reasoning));
    EXPECT_FALSE(model->has(Capability::audio_out));
    ASSERT_NE(model->further, nullptr);
    EXPECT_EQ(model->further->batch.input, usd("0.625"));
    EXPECT_EQ(model->further->flex.cached_input, usd("0.0625"));
    EXPECT_EQ(model->further->priority.output, usd("20"));
}

TEST(Catalog, KnowsNoModelOfAnotherName) {
    constexpr std::string_view names[] = {"", "gpt-5 ", "GPT-5", "gpt-", "zzz", "\xff", "gpt-5\n"};
    for (const std::string_view name : names) {
        EXPECT_EQ(find_model(ProviderKind::openai, name), nullptr) << name;
    }
}

TEST(Catalog, TakesTheDearestWhereOnlyTheNameIsKnown) {
    // Two providers serve it: groq for 0.075 / 0.3, together for 0.05 / 0.2.
    const Model* model = find_model(ProviderKind::openai_compatible, "gpt-oss-20b");

    ASSERT_NE(model, nullptr);
    EXPECT_EQ(model->provider, "groq");
    EXPECT_EQ(model->price.input, usd("0.075"));
}

TEST(Catalog, TakesTheDearestWhereTheKindHasNoEntryOfItsOwn) {
    const Model* model = find_model(ProviderKind::openai, "gpt-oss-20b");

    ASSERT_NE(model, nullptr);
    EXPECT_EQ(model->provider, "groq");
}

TEST(Catalog, PricesASimulatorAsTheProviderThatItPlays) {
    EXPECT_EQ(find_model(ProviderKind::simulator, "gpt-5"),
              find_model(ProviderKind::openai, "gpt-5"));
}

TEST(Catalog, PricesALongInputByItsTierForTheWholeRequest) {
    const Model* model = find_model(ProviderKind::openai_compatible, "gemini-2.5-pro");
    ASSERT_NE(model, nullptr);
    ASSERT_EQ(model->tiers.size(), 1U);

    EXPECT_EQ(&price_for(*model, {0}), &model->price);
    EXPECT_EQ(&price_for(*model, {200'000}), &model->price);
    EXPECT_EQ(&price_for(*model, {200'001}), &model->tiers[0].price);
    EXPECT_EQ(price_for(*model, {200'001}).input, usd("2.5"));
    EXPECT_EQ(price_for(*model, {1'000'000}).output, usd("15"));
    EXPECT_EQ(price_for(*model, {1'000'000}).cached_input, usd("0.25"));
}

TEST(Catalog, TakesTheHighestOfSeveralTiersThatTheInputPasses) {
    PriceTier tiers[] = {{Tokens{100}, {}}, {Tokens{1'000}, {}}};
    tiers[0].price.input = usd("2");
    tiers[1].price.input = usd("3");
    Model model{};
    model.price.input = usd("1");
    model.tiers = tiers;

    EXPECT_EQ(price_for(model, {100}).input, usd("1"));
    EXPECT_EQ(price_for(model, {101}).input, usd("2"));
    EXPECT_EQ(price_for(model, {1'000}).input, usd("2"));
    EXPECT_EQ(price_for(model, {1'001}).input, usd("3"));
}

TEST(Catalog, NeverLetsATierCostLessThanTheModelsPlainPrice) {
    for (const Model& model : catalog_models()) {
        for (const PriceTier& tier : model.tiers) {
            EXPECT_GE(tier.price.input, model.price.input) << model.id;
            EXPECT_GE(tier.price.output, model.price.output) << model.id;
        }
    }
}

TEST(Catalog, TellsApartWhatIsFreeAndWhatHasNoPriceByTokens) {
    const Model* by_the_second = find_model(ProviderKind::openai, "whisper-1");
    const Model* free = find_model(ProviderKind::openai, "omni-moderation-latest");
    ASSERT_NE(by_the_second, nullptr);
    ASSERT_NE(free, nullptr);

    EXPECT_FALSE(by_the_second->is_priced);
    ASSERT_NE(by_the_second->further, nullptr);
    EXPECT_EQ(by_the_second->further->per_second, usd("0.0001"));
    EXPECT_TRUE(free->is_priced);
    EXPECT_EQ(free->price.input, Money{});
}

TEST(Catalog, ChargesPlainTokensAsTheDearestClassWhereTheyHaveNoPriceOfTheirOwn) {
    // The data has a price for its pictures' tokens, none for text that it writes.
    const Model* model = find_model(ProviderKind::openai, "gpt-image-1");

    ASSERT_NE(model, nullptr);
    EXPECT_EQ(model->price.image_output, usd("40"));
    EXPECT_EQ(model->price.output, usd("40"));
}

TEST(Catalog, RoundsUpPricesBeyondNinePlaces) {
    const Model* model = find_model(ProviderKind::openai, "gpt-live-1");

    ASSERT_NE(model, nullptr);
    ASSERT_NE(model->further, nullptr);
    EXPECT_EQ(model->further->per_second, usd("0.000833334"));  // 0.000833333333333
}

TEST(Catalog, ReadsTheServiceTierOfARequestOrAnswer) {
    EXPECT_EQ(service_tier_from("flex"), ServiceTier::flex);
    EXPECT_EQ(service_tier_from("priority"), ServiceTier::priority);
    EXPECT_EQ(service_tier_from("fast"), ServiceTier::priority);
    EXPECT_EQ(service_tier_from("batch"), ServiceTier::batch);
    for (const std::string_view other : {"", "auto", "default", "scale", "FLEX", "flex "}) {
        EXPECT_EQ(service_tier_from(other), ServiceTier::standard) << other;
    }
}

TEST(Catalog, PricesAServiceTierByWhatItNamesAndTheRestAsTheStandardTier) {
    const Model* model = find_model(ProviderKind::openai, "gpt-5");
    ASSERT_NE(model, nullptr);

    const Price flex = price_for(*model, {1'000}, ServiceTier::flex);
    const Price priority = price_for(*model, {1'000}, ServiceTier::priority);

    EXPECT_EQ(flex.input, usd("0.625"));
    EXPECT_EQ(flex.output, usd("5"));
    EXPECT_EQ(flex.cached_input, usd("0.0625"));
    EXPECT_EQ(priority.input, usd("2.5"));
    EXPECT_EQ(priority.output, usd("20"));
    EXPECT_EQ(price_for(*model, {1'000}, ServiceTier::batch).output, usd("5"));
    EXPECT_EQ(price_for(*model, {1'000}, ServiceTier::standard).output, usd("10"));
}

TEST(Catalog, RaisesWhatPriorityDoesNotNameToItsPlainNeighbour) {
    FurtherPrices further{};
    further.priority = {.input = usd("8"), .output = usd("40"), .cached_input = {}};
    further.flex = {.input = usd("1"), .output = {}, .cached_input = {}};
    Model model{};
    model.price.input = usd("4");
    model.price.output = usd("20");
    model.price.cached_input = usd("0.4");
    model.price.cache_write = usd("5");
    model.price.reasoning = usd("50");
    model.further = &further;

    const Price priority = price_for(model, {1}, ServiceTier::priority);
    const Price flex = price_for(model, {1}, ServiceTier::flex);

    EXPECT_EQ(priority.cached_input, usd("0.4"));
    EXPECT_EQ(priority.cache_write, usd("8"));
    EXPECT_EQ(priority.reasoning, usd("50"));
    EXPECT_FALSE(priority.audio_input);
    EXPECT_EQ(flex.input, usd("1"));
    EXPECT_EQ(flex.output, usd("20"));
    EXPECT_EQ(flex.cache_write, usd("5"));
}

TEST(Catalog, HoldsTheStandardPriceOfALongInputAtEveryServiceTier) {
    const Model* model = find_model(ProviderKind::openai, "gpt-5.5");  // long: 10, 45, cached 1
    ASSERT_NE(model, nullptr);

    const Price flex = price_for(*model, {272'001}, ServiceTier::flex);
    const Price priority = price_for(*model, {272'001}, ServiceTier::priority);

    EXPECT_EQ(flex.input, usd("10"));
    EXPECT_EQ(flex.output, usd("45"));
    EXPECT_EQ(priority.input, usd("12.5"));  // the dearer of 10 and 12.5
    EXPECT_EQ(priority.output, usd("75"));
    EXPECT_EQ(priority.cached_input, usd("1.25"));
}

}  // namespace
}  // namespace headgate::providers
