#include "tests/unit/policy/config/policy_folder.h"

namespace headgate::policy {
namespace {

using providers::Money;

LoadResult with_prices(std::string_view prices) {
    return load_text(with_basics("prices: " + std::string(prices) + "\n"));
}

TEST(PricesSection, ReadsEveryClassInTheOrderOfTheFile) {
    const LoadResult result = with_prices(
        "{my-llama: {input: 0.10}, azure-eu/gpt-5: {input: 1.25, output: 10, cached_input: 0.125,\n"
        "  cache_write: 2, reasoning: 3, audio_input: 4, audio_output: 5, image_input: 6,\n"
        "  image_output: 7, per_image: 0.000000001}, \"*/o4*\": {input: 0}}");

    ASSERT_EQ(told(result), "");
    const std::vector<PriceOverride>& prices = result.snapshot->prices;
    ASSERT_EQ(prices.size(), 3U);
    EXPECT_EQ(prices[0].pattern, "my-llama");
    EXPECT_EQ(prices[0].price.input, Money::nanos(100'000'000));
    EXPECT_EQ(prices[0].price.output, Money{});
    EXPECT_EQ(prices[0].price.cached_input, std::nullopt);
    EXPECT_EQ(prices[0].price.per_image, std::nullopt);
    EXPECT_EQ(prices[1].pattern, "azure-eu/gpt-5");
    const providers::Price& price = prices[1].price;
    EXPECT_EQ(price.input, Money::nanos(1'250'000'000));
    EXPECT_EQ(price.output, Money::nanos(10'000'000'000));
    EXPECT_EQ(price.cached_input, Money::nanos(125'000'000));
    EXPECT_EQ(price.cache_write, Money::nanos(2'000'000'000));
    EXPECT_EQ(price.reasoning, Money::nanos(3'000'000'000));
    EXPECT_EQ(price.audio_input, Money::nanos(4'000'000'000));
    EXPECT_EQ(price.audio_output, Money::nanos(5'000'000'000));
    EXPECT_EQ(price.image_input, Money::nanos(6'000'000'000));
    EXPECT_EQ(price.image_output, Money::nanos(7'000'000'000));
    EXPECT_EQ(price.per_image, Money::nanos(1));
    EXPECT_EQ(prices[2].pattern, "*/o4*");
    EXPECT_EQ(prices[2].price.input, Money{});
}

TEST(PricesSection, RefusesAmountsThatAreNone) {
    EXPECT_EQ(told(with_prices("{m: {input: 1000000}}")), "");
    for (const std::string_view amount : {"-1", "-0.1", "1e3", ".nan", "1000000.000000001",
                                          "0.0000000001", "free", "1,5", "", "99999999999999"}) {
        EXPECT_EQ(told(with_prices("{m: {input: \"" + std::string(amount) + "\"}}")),
                  "6:21: error: \"prices.m.input\" must be US dollars from 0 to 1000000, with at "
                  "most 9 places, such as 1.25 or 0.10\n")
            << amount;
    }
}

TEST(PricesSection, RefusesWhatMeansNothing) {
    struct Case {
        std::string_view prices;
        std::string_view told;
    };
    constexpr Case cases[] = {
        {"{m: {output: 1}}",
         "6:13: error: \"prices.m.input\" is missing; write for example `input: 1.25`"},
        {"{m: 1}", "6:13: error: \"prices.m\" must be a map of settings (`name: value`)"},
        {"{m: }", "6:10: error: \"prices.m\" has no value"},
        {"{m: {input: 1, outptu: 2}}",
         "6:24: error: \"prices.m.outptu\" is not a setting that Headgate knows (did you mean "
         "`output`?)"},
        {"{m: {input: 1}, m: {input: 2}}",
         "6:25: error: \"prices.m\" stands twice; the first is in line 6"},
        {"{\"a b\": {input: 1}}",
         "6:10: error: \"prices.a b\" is not a name that may be used here: a model or "
         "provider/model, or a pattern with at most 16 `*`"},
        {"{\"*****************\": {input: 1}}",
         "6:10: error: \"prices.*****************\" is not a name that may be used here: a model "
         "or provider/model, or a pattern with at most 16 `*`"},
        {"[]", "6:9: error: \"prices\" must be a map of settings (`name: value`)"},
    };

    for (const Case& each : cases) {
        EXPECT_EQ(told(with_prices(each.prices)), std::string(each.told) + "\n");
    }
}

TEST(PricesSection, AreMergedFromAllFilesAndOrganizationIsNot) {
    PolicyFolder folder;
    folder.write("policy.yaml", with_basics("include: '?.yaml'\nprices: {a: {input: 1}}\n"));
    folder.write("a.yaml", "prices: {b: {input: 2}}\norganization: {limits: {rpm: 5}}\n");
    const LoadResult merged = folder.load();
    ASSERT_EQ(folder.told(merged), "");
    EXPECT_EQ(merged.snapshot->prices.size(), 2U);
    EXPECT_EQ(merged.snapshot->prices[1].pattern, "b");
    EXPECT_EQ(merged.snapshot->organization.limits.size(), 1U);

    folder.write("b.yaml", "prices: {a: {input: 3}, b: {input: 3}}\norganization: {}\n");
    const LoadResult twice = folder.load();

    EXPECT_EQ(folder.told(twice),
              "b.yaml:1:10: error: \"prices.a\" stands twice; the first is in policy.yaml:7\n"
              "b.yaml:1:25: error: \"prices.b\" stands twice; the first is in a.yaml:1\n"
              "b.yaml:2:1: error: \"organization\" stands twice; the first is in a.yaml:2\n");
}

TEST(MaxOutput, IsACountThatProvidersTake) {
    const auto with_cap = [](std::string_view cap) {
        return load_text(std::string(kProviders) + std::string(kProjects) +
                         "    max_output: " + std::string(cap) + "\n");
    };

    EXPECT_EQ(with_cap("32k").snapshot->projects[0]->max_output, 32'000);
    EXPECT_EQ(with_cap("2147483647").snapshot->projects[0]->max_output, 2'147'483'647);
    EXPECT_EQ(load_text(with_basics("")).snapshot->projects[0]->max_output, std::nullopt);
    for (const std::string_view cap : {"0", "-5", "2147483648", "1.5", "all"}) {
        EXPECT_EQ(told(with_cap(cap)),
                  "6:17: error: \"projects.search.max_output\" must be a whole number from 1 to "
                  "2147483647\n");
    }
}

TEST(UnpricedModels, AreRejectedUnlessTheyAreFree) {
    const auto with_choice = [](std::string_view choice) {
        return load_text(std::string(kProviders) + std::string(kProjects) +
                         "    unpriced_models: " + std::string(choice) + "\n");
    };

    EXPECT_EQ(load_text(with_basics("")).snapshot->projects[0]->unpriced_models,
              UnpricedModels::reject);
    EXPECT_EQ(with_choice("free").snapshot->projects[0]->unpriced_models, UnpricedModels::free);
    EXPECT_EQ(told(with_choice("fre")),
              "6:22: error: \"projects.search.unpriced_models\" must be one of reject, free (did "
              "you mean `free`?)\n");
}

}  // namespace
}  // namespace headgate::policy
