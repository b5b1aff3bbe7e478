#include "policy/budget/price_book.h"

#include "tests/unit/policy/budget/budget_case.h"

#include <limits>
#include <stdexcept>

namespace headgate::policy {
namespace {

using providers::Money;
using providers::ProviderKind;
using providers::Tokens;
using providers::Usage;

Usage used(std::int64_t input, std::int64_t output, std::int64_t cached = 0) {
    Usage usage;
    usage.input = {input};
    usage.output = {output};
    usage.cached_input = {cached};
    return usage;
}

/// The input price a million at `provider` for `model`, and where it came from.
std::string found(BudgetCase& at, const providers::Provider& provider, std::string_view model) {
    const TargetPrice price = PriceBook{at.snapshot()}.find(provider, model);
    return std::string{to_string(price.source)} + " " + price.standard({0}).input.to_string();
}

TEST(PriceBook, LooksInTheOrderOfThePolicyReference) {
    BudgetCase at;
    const auto& azure = at.provider("azure-eu", ProviderKind::azure);
    const auto& openai = at.provider("openai");
    const auto& other = at.provider("other", ProviderKind::openai_compatible);
    at.override_price("*", price_of("1", "1"));
    at.override_price("gpt-*", price_of("2", "2"));
    at.override_price("gpt-5", price_of("3", "3"));
    at.override_price("*/gpt-5*", price_of("4", "4"));
    at.override_price("azure-*/gpt-5", price_of("5", "5"));
    at.override_price("azure-eu/gpt-5", price_of("6", "6"));
    at.override_price("meta-llama/*", price_of("7", "7"));
    at.override_price("meta-llama/llama-3", price_of("8", "8"));
    const struct {
        const providers::Provider& provider;
        std::string_view model;
        std::string_view price;
    } cases[] = {
        {azure, "gpt-5", "policy 6"},       // provider/model, exact
        {azure, "gpt-5-mini", "policy 4"},  // provider/model, glob
        {openai, "gpt-5", "policy 4"},      // a glob of both before the model's exact name
        {openai, "gpt-4.1", "policy 1"},    // globs in file order
        {other, "o4-mini", "policy 1"},
        {other, "meta-llama/llama-3", "policy 8"},  // a model whose name has a slash
        {other, "meta-llama/other", "policy 1"},
        {at.provider("meta-llama"), "x", "policy 7"},
    };
    for (const auto& c : cases) {
        EXPECT_EQ(found(at, c.provider, c.model), c.price) << c.provider.name << " " << c.model;
    }
}

TEST(PriceBook, TakesAModelsExactNameBeforeItsGlobs) {
    BudgetCase at;
    const auto& openai = at.provider("openai");
    at.override_price("gpt-*", price_of("2", "2"));
    at.override_price("gpt-5", price_of("3", "3"));

    EXPECT_EQ(found(at, openai, "gpt-5"), "policy 3");
    EXPECT_EQ(found(at, openai, "gpt-5-mini"), "policy 2");
    EXPECT_EQ(found(at, openai, "o4-mini"), "catalogue 1.1");
}

TEST(PriceBook, TellsNeighbouringNamesApart) {
    BudgetCase at;
    const std::string_view names[] = {"a", "a/b", "a/b/c", "ab/c", "a-b", "a.b", "b", "a/bc"};
    for (std::size_t i = 0; i < std::size(names); ++i) {
        at.override_price(std::string{names[i]}, price_of(std::to_string(i), "0"));
    }
    const auto& a = at.provider("a");
    const auto& ab = at.provider("ab");
    const auto& other = at.provider("o");

    EXPECT_EQ(found(at, a, "b"), "policy 1");
    EXPECT_EQ(found(at, a, "b/c"), "policy 2");
    EXPECT_EQ(found(at, a, "bc"), "policy 7");
    EXPECT_EQ(found(at, ab, "c"), "policy 3");
    EXPECT_EQ(found(at, ab, "b"), "policy 6");
    EXPECT_EQ(found(at, other, "a"), "policy 0");
    EXPECT_EQ(found(at, other, "a/b/c"), "policy 2");
    EXPECT_EQ(found(at, other, "a-b"), "policy 4");
    EXPECT_EQ(found(at, a, "a-"), "none 0");
}

TEST(PriceBook, FallsBackToTheCatalogueByKindThenByModelAlone) {
    BudgetCase at;

    EXPECT_EQ(found(at, at.provider("openai"), "gpt-5"), "catalogue 1.25");
    EXPECT_EQ(found(at, at.provider("sim", ProviderKind::simulator), "gpt-5"), "catalogue 1.25");
    // groq 0.075, together 0.05: the dearest.
    EXPECT_EQ(found(at, at.provider("x", ProviderKind::openai_compatible), "gpt-oss-20b"),
              "catalogue 0.075");
    EXPECT_EQ(found(at, at.provider("openai"), "no-such-model"), "none 0");
    EXPECT_EQ(found(at, at.provider("openai"), "whisper-1"), "none 0");  // by the second alone
}

TEST(PriceBook, PricesAzureByTheModelAndNotTheDeployment) {
    BudgetCase at;
    auto& azure = at.provider("azure", ProviderKind::azure);
    azure.deployments = {{.model = "gpt-5", .name = "prod"}};
    at.override_price("azure/prod", price_of("9", "9"));

    EXPECT_EQ(found(at, azure, "gpt-5"), "catalogue 1.25");
}

TEST(PriceBook, KeepsTheCataloguesLimitsBesideAnOverride) {
    BudgetCase at;
    at.override_price("gpt-5", price_of("1", "2"));

    const TargetPrice price = PriceBook{at.snapshot()}.find(at.provider("openai"), "gpt-5");

    ASSERT_NE(price.model, nullptr);
    EXPECT_EQ(price.model->max_input, 272'000);
    EXPECT_EQ(price.standard({1}).output, usd("2"));
}

TEST(CostOf, ChargesTheWorkedExampleOfThePolicyReference) {
    BudgetCase at;
    const TargetPrice price = PriceBook{at.snapshot()}.find(at.provider("openai"), "gpt-5");

    Money uncached;
    Money cached;
    for (int request = 0; request < 1'000; ++request) {
        uncached = uncached + cost_of(used(2'000, 500), price, {});
        cached = cached + cost_of(used(0, 500, 2'000), price, {});
    }

    EXPECT_EQ(uncached, usd("7.50"));
    EXPECT_EQ(cached, usd("5.25"));
}

TEST(CostOf, MultipliesByTheProvidersFactorAndRoundsUpOnce) {
    BudgetCase at;
    auto& provider = at.provider("reseller");
    provider.price_factor = {1'100'000'000};
    at.override_price("m", price_of("0.0009", "0"));  // 0.9 nanodollars a token
    const TargetPrice price = PriceBook{at.snapshot()}.find(provider, "m");

    EXPECT_EQ(cost_of(used(10, 0), price, {}), Money::nanos(10));  // 9.9
    EXPECT_EQ(cost_of(used(10, 0), price, "priority"), Money::nanos(10));
}

TEST(CostOf, AppliesALongInputsTierToTheWholeRequest) {
    BudgetCase at;
    // Above 272,000 tokens 10 and 45 USD, cached 1, instead of 5, 30 and 0.5.
    const TargetPrice price = PriceBook{at.snapshot()}.find(at.provider("openai"), "gpt-5.5");

    EXPECT_EQ(cost_of(used(272'000, 1'000'000), price, {}), usd("31.36"));
    EXPECT_EQ(cost_of(used(272'001, 1'000'000), price, {}), usd("47.72001"));
    EXPECT_EQ(cost_of(used(1, 0, 272'000), price, {}), usd("0.27201"));
}

TEST(CostOf, ChargesTheTierThatServedTheRequest) {
    BudgetCase at;
    const auto& openai = at.provider("openai");
    const PriceBook book{at.snapshot()};
    const TargetPrice gpt5 = book.find(openai, "gpt-5");
    const TargetPrice gpt4o = book.find(openai, "gpt-4o-2024-05-13");
    const Usage million = used(1'000'000, 1'000'000);
    const Usage cached = used(0, 0, 100'000);
    const struct {
        std::string_view tier;
        std::string_view price;
        std::string_view cached;
    } cases[] = {
        {"", "11.25", "0.0125"},        {"auto", "11.25", "0.0125"},
        {"default", "11.25", "0.0125"}, {"scale", "11.25", "0.0125"},
        {"Flex", "11.25", "0.0125"},    {"flex", "5.625", "0.00625"},
        {"batch", "5.625", "0.00625"},  {"priority", "22.5", "0.025"},
        {"fast", "22.5", "0.025"},
    };
    for (const auto& c : cases) {
        EXPECT_EQ(cost_of(million, gpt5, c.tier), usd(c.price)) << c.tier;
        EXPECT_EQ(cost_of(cached, gpt5, c.tier), usd(c.cached)) << c.tier;
    }
    // It has no flex price: the standard one.
    EXPECT_EQ(cost_of(million, gpt4o, "flex"), usd("20"));
    EXPECT_EQ(cost_of(million, gpt4o, "priority"), usd("35"));
}

TEST(CostOf, GivesAnOverrideNeitherTiersNorServicePrices) {
    BudgetCase at;
    at.override_price("gpt-5.5", price_of("1", "1"));
    const TargetPrice price = PriceBook{at.snapshot()}.find(at.provider("openai"), "gpt-5.5");

    for (const std::string_view tier : {"", "flex", "batch", "priority"}) {
        EXPECT_EQ(cost_of(used(1'000'000, 1'000'000), price, tier), usd("2")) << tier;
    }
}

TEST(CostOf, IsNothingWhereNoPriceIsKnown) {
    BudgetCase at;
    const TargetPrice price = PriceBook{at.snapshot()}.find(at.provider("openai"), "unheard-of");

    EXPECT_FALSE(price.is_known());
    EXPECT_EQ(cost_of(used(1'000'000, 1'000'000), price, "priority"), Money{});
    EXPECT_EQ(to_string(price.source), "none");
}

TEST(CostOf, ThrowsOutsideTheRangeOfMoney) {
    BudgetCase at;
    const TargetPrice price = PriceBook{at.snapshot()}.find(at.provider("openai"), "gpt-5");

    EXPECT_THROW(cost_of(used(std::numeric_limits<std::int64_t>::max(), 0), price, {}),
                 std::overflow_error);
}

}  // namespace
}  // namespace headgate::policy
