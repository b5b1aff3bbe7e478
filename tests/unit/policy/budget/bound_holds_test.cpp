// Whatever a provider charges within what it was asked, the bound is not below it.
#include "policy/budget/dearest_cost.h"
#include "tests/unit/policy/budget/budget_case.h"

#include <random>

namespace headgate::policy {
namespace {

using providers::Model;
using providers::Money;
using providers::Tokens;
using providers::Usage;

std::int64_t below(std::mt19937_64& random, std::int64_t limit) {
    return static_cast<std::int64_t>(random() % (static_cast<std::uint64_t>(limit) + 1));
}

/// Parts of `whole`, which together are at most that.
void spread(std::mt19937_64& random, std::int64_t whole, std::initializer_list<Tokens*> parts) {
    for (Tokens* const part : parts) {
        part->count = random() % 3 == 0 ? whole : below(random, whole);
        whole -= part->count;
    }
}

/// Some usage within `most`.
Usage usage_within(std::mt19937_64& random, const Consumption& most) {
    Usage usage;
    Tokens none;
    spread(random, most.input,
           {&usage.input, &usage.cached_input, &usage.cache_write,
            most.may_read_sound ? &usage.audio_input : &none,
            most.may_read_pictures ? &usage.image_input : &none});
    if (most.pictures == 0) {
        spread(random, most.output,
               {&usage.output, &usage.reasoning, most.may_speak ? &usage.audio_output : &none,
                &usage.image_output});
    } else {
        usage.images = 1 + below(random, most.pictures - 1);
        usage.image_output.count = below(random, most.picture_tokens);
    }
    return usage;
}

Consumption some_consumption(std::mt19937_64& random) {
    Consumption most;
    most.input = below(random, random() % 2 == 0 ? 1'000 : 1'000'000);
    most.output = below(random, 100'000);
    most.may_read_sound = random() % 2 == 0;
    most.may_read_pictures = random() % 2 == 0;
    most.may_speak = random() % 2 == 0;
    if (random() % 4 == 0) {
        most.pictures = 1 + below(random, 9);
        most.picture_tokens = below(random, 100'000);
    }
    return most;
}

TEST(DearestCost, IsNeverBelowWhatCouldBeCharged) {
    std::mt19937_64 random{1};
    BudgetCase at;
    auto& provider = at.provider("p");
    const char* const asked[] = {"", "auto", "default", "flex", "priority", "batch"};
    const char* const served[] = {"", "default", "default", "flex", "priority", "batch"};
    int priced = 0;
    for (const Model& model : providers::catalog_models()) {
        for (int round = 0; model.is_priced && round < 40; ++round, ++priced) {
            provider.price_factor = {below(random, 2'000'000'000)};
            TargetPrice price;
            price.source = PriceSource::catalogue;
            price.model = &model;
            price.factor = provider.price_factor;
            const Consumption most = some_consumption(random);
            const Usage usage = usage_within(random, most);
            const std::size_t tier = random() % std::size(asked);

            const Money bound = dearest_cost(price, asked[tier], most);

            EXPECT_LE(cost_of(usage, price, served[tier]), bound) << model.id << " " << asked[tier];
            EXPECT_LE(cost_of(usage, price, {}), bound) << model.id << " " << asked[tier];
        }
    }
    EXPECT_GT(priced, 20'000);
}

TEST(DearestCost, CountsALowerTierThatIsDearer) {
    // No model of the catalogue is like that; a later one may be.
    providers::PriceTier tiers[] = {{Tokens{1'000}, price_of("0.5", "1")}};
    Model model{};
    model.price = price_of("1", "1");
    model.tiers = tiers;
    model.is_priced = true;
    TargetPrice price;
    price.source = PriceSource::catalogue;
    price.model = &model;

    EXPECT_EQ(dearest_cost(price, {}, {.input = 1'000}), Money::nanos(1'000'000));
    EXPECT_EQ(dearest_cost(price, {}, {.input = 1'500}), Money::nanos(1'000'000));
    EXPECT_EQ(dearest_cost(price, {}, {.input = 2'001}), Money::nanos(1'000'500));
}

}  // namespace
}  // namespace headgate::policy
