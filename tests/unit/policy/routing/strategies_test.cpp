#include "policy/routing/router.h"
#include "policy/routing/target_cost.h"
#include "providers/catalog/catalog.h"
#include "tests/unit/policy/routing/policy_in_code.h"

#include <cmath>

namespace headgate::policy {
namespace {

using std::chrono::microseconds;

/// Three providers a, b and c in one route.
class StrategiesTest : public testing::Test {
protected:
    StrategiesTest() {
        for (const std::string_view name : {"a", "b", "c"}) {
            policy_.provider(std::string(name));
        }
        route_ = &policy_.route("all");
    }

    void weigh(std::int64_t a, std::int64_t b, std::int64_t c) {
        route_->targets[0].weight = a;
        route_->targets[1].weight = b;
        route_->targets[2].weight = c;
    }

    std::string order(std::uint64_t seed = 1) { return told(policy_.plan(facts_, seed), "gpt-5"); }

    /// How often each provider comes first in `draws` plans.
    template <class Vary>
    std::map<std::string, int> firsts(int draws, Vary vary) {
        const Router router{policy_.snapshot()};
        std::map<std::string, int> counts;
        for (int i = 0; i < draws; ++i) {
            Circumstances circumstances = policy_.circumstances(static_cast<std::uint64_t>(i));
            vary(i);
            const auto plan = router.plan(facts_, circumstances);
            ++counts[plan->targets.front().target.provider->name];
        }
        return counts;
    }
    std::map<std::string, int> firsts(int draws) {
        return firsts(draws, [](int) {});
    }

    PolicyInCode policy_;
    Route* route_ = nullptr;
    Facts facts_ = policy_.facts("gpt-5");
};

void expect_within_4_sigma(int count, int draws, double share) {
    const double expected = draws * share;
    const double sigma = std::sqrt(draws * share * (1 - share));
    EXPECT_NEAR(count, expected, 4 * sigma);
}

TEST_F(StrategiesTest, OrderedStaysAsWritten) {
    weigh(1, 9, 1);
    policy_.occupy("a", "gpt-5", 3);

    EXPECT_EQ(order(), "a b c");
}

TEST_F(StrategiesTest, WeightedDrawsByWeightAndLetsTheRestFollowInOrder) {
    route_->strategy = Strategy::weighted;
    weigh(1, 2, 5);

    std::map<std::string, int> counts = firsts(8'000);
    std::set<std::string> orders;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        orders.insert(order(seed));
    }

    expect_within_4_sigma(counts["a"], 8'000, 1.0 / 8);
    expect_within_4_sigma(counts["b"], 8'000, 2.0 / 8);
    expect_within_4_sigma(counts["c"], 8'000, 5.0 / 8);
    EXPECT_EQ(orders, (std::set<std::string>{"a b c", "b a c", "c a b"}));
}

TEST_F(StrategiesTest, WeightedDrawsAmongTheUsableOnly) {
    route_->strategy = Strategy::weighted;
    weigh(1, 1'000'000, 3);
    policy_.record("b", "gpt-5", failure());

    std::map<std::string, int> counts = firsts(4'000);

    expect_within_4_sigma(counts["a"], 4'000, 0.25);
    EXPECT_EQ(counts["b"], 0);
}

TEST_F(StrategiesTest, WeightedNeverDrawsAWeightOfZeroWhereAnotherCanBe) {
    route_->strategy = Strategy::weighted;
    weigh(0, 1, 0);
    EXPECT_EQ(firsts(200)["b"], 200);

    weigh(0, 0, 0);
    EXPECT_EQ(order(), "a b c");
}

TEST_F(StrategiesTest, WeightedStandsWeightsOfAnySize) {
    route_->strategy = Strategy::weighted;
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    weigh(most, most, -1);

    std::map<std::string, int> counts = firsts(2'000);

    expect_within_4_sigma(counts["a"], 2'000, 0.5);
    EXPECT_EQ(counts["c"], 0);
}

TEST_F(StrategiesTest, LeastBusyTakesTheFewestInFlightForItsWeight) {
    struct Case {
        std::array<int, 3> in_flight;
        std::array<std::int64_t, 3> weights;
        std::string_view order;
    };
    constexpr Case cases[] = {
        {{0, 0, 0}, {1, 1, 1}, "a b c"}, {{2, 1, 1}, {1, 1, 1}, "b c a"},
        {{3, 4, 2}, {3, 2, 1}, "a b c"}, {{2, 6, 1}, {1, 4, 1}, "c b a"},
        {{0, 5, 1}, {0, 9, 1}, "b c a"},
    };
    for (const Case& c : cases) {
        PolicyInCode policy;
        for (const std::string_view name : {"a", "b", "c"}) {
            policy.provider(std::string(name));
        }
        Route& route = policy.route("all");
        route.strategy = Strategy::least_busy;
        for (std::size_t i = 0; i < 3; ++i) {
            route.targets[i].weight = c.weights[i];
            policy.occupy(route.targets[i].provider->name, "gpt-5", c.in_flight[i]);
        }

        EXPECT_EQ(told(policy.plan(policy.facts("gpt-5")), "gpt-5"), c.order);
    }
}

TEST_F(StrategiesTest, FastestTakesTheUnmeasuredThenTheFastestAndNowAndThenAnother) {
    route_->strategy = Strategy::fastest;
    policy_.record("a", "gpt-5", success(microseconds{900}));
    policy_.record("c", "gpt-5", success(microseconds{300}));
    std::map<std::string, int> unmeasured = firsts(4'000);
    policy_.record("b", "gpt-5", success(microseconds{500}));
    std::map<std::string, int> measured = firsts(4'000);

    expect_within_4_sigma(unmeasured["b"], 4'000, 0.95);
    expect_within_4_sigma(measured["c"], 4'000, 0.95);
    expect_within_4_sigma(measured["a"], 4'000, 0.025);
    expect_within_4_sigma(measured["b"], 4'000, 0.025);
    EXPECT_EQ(order(1), "c b a");
}

TEST_F(StrategiesTest, CheapestComparesExactPricesTimesTheFactor) {
    route_->strategy = Strategy::cheapest;
    route_->targets[0].model = "no-such-model";  // no price: last
    policy_.snapshot().providers[1]->provider.price_factor = {1'000'000'001};
    facts_.input_tokens = 1'000'000;

    EXPECT_EQ(order(), "c b a/no-such-model");
    policy_.snapshot().providers[1]->provider.price_factor = {1'000'000'000};
    EXPECT_EQ(order(), "b c a/no-such-model");
}

TEST_F(StrategiesTest, CheapestDependsOnWhatTheRequestIsMadeOf) {
    // Of the catalogue: gpt-4.1 2 and 8 USD, o4-mini 1.10 and 4.40 USD; times 1.5 the latter is
    // cheaper still, times 2 dearer.
    route_->strategy = Strategy::cheapest;
    route_->targets[0].model = "gpt-4.1";
    route_->targets[1].model = "o4-mini";
    route_->targets.pop_back();
    facts_.input_tokens = 5'000;

    policy_.snapshot().providers[1]->provider.price_factor = {1'500'000'000};
    EXPECT_EQ(order(), "b/o4-mini a/gpt-4.1");
    policy_.snapshot().providers[1]->provider.price_factor = {2'000'000'000};
    EXPECT_EQ(order(), "a/gpt-4.1 b/o4-mini");
}

TEST_F(StrategiesTest, CheapestObeysThePricesOfThePolicy) {
    route_->strategy = Strategy::cheapest;
    route_->targets[0].model = "gpt-4.1";
    route_->targets[1].model = "o4-mini";
    route_->targets[2].model = "my-llama";
    facts_.input_tokens = 5'000;
    ASSERT_EQ(order(), "b/o4-mini a/gpt-4.1 c/my-llama");
    const auto cents = [](std::int64_t input) {
        providers::Price price;
        price.input = providers::Money::nanos(input * 10'000'000);
        return price;
    };

    policy_.snapshot().prices = {{.pattern = "my-*", .price = cents(20)},
                                 {.pattern = "b/o4-mini", .price = cents(500)}};

    EXPECT_EQ(order(), "c/my-llama a/gpt-4.1 b/o4-mini");
}

TEST_F(StrategiesTest, ComparesPicturesByThePieceOrByTheirTokens) {
    const providers::Provider& provider = policy_.snapshot().providers[0]->provider;
    const Facts facts = policy_.facts("m", "/v1/images/generations");
    providers::Price piece;
    piece.per_image = providers::Money::nanos(40'000'000);
    policy_.snapshot().prices = {{.pattern = "painter", .price = piece}};
    const PriceBook prices{policy_.snapshot()};

    const auto by_token =
        estimated_cost(prices, {.provider = &provider, .model = "gpt-image-1"}, facts);
    const auto by_piece =
        estimated_cost(prices, {.provider = &provider, .model = "painter"}, facts);

    EXPECT_EQ(by_token->nanos(), 6'240 * 40'000);
    EXPECT_EQ(by_piece->nanos(), 40'000'000);
}

TEST_F(StrategiesTest, EstimatesACostByTierOutputAndFactor) {
    const auto priced = std::ranges::find_if(providers::catalog_models(), [](const auto& model) {
        return model.provider == "openai" && model.is_priced && !model.tiers.empty();
    });
    ASSERT_NE(priced, providers::catalog_models().end());
    providers::Provider& provider = policy_.snapshot().providers[0]->provider;
    provider.price_factor = {1'500'000'000};
    const providers::Target target{.provider = &provider, .model = priced->id};
    facts_.input_tokens = priced->tiers[0].above.count + 1;
    facts_.output_tokens = 0;

    const auto estimate = estimated_cost(PriceBook{policy_.snapshot()}, target, facts_);
    providers::Usage usage;
    usage.input.count = facts_.input_tokens;
    usage.output.count = 1'000;
    const std::int64_t plain = cost(usage, priced->tiers[0].price).nanos();

    EXPECT_EQ(estimate->nanos(), (plain * 3 + 1) / 2);
    provider.price_factor = {1};  // a billionth: less than a nanodollar is one
    facts_.input_tokens = 1;
    EXPECT_EQ(estimated_cost(PriceBook{policy_.snapshot()}, target, facts_)->nanos(), 1);
    facts_.input_tokens = facts_.output_tokens = std::numeric_limits<std::int64_t>::max();
    provider.price_factor = {1'000'000'000'000};  // the most that a policy takes
    EXPECT_GT(estimated_cost(PriceBook{policy_.snapshot()}, target, facts_)->nanos(), plain);
}

/// The first target by prefix, for 3,000 prefixes.
std::vector<std::string> homes(PolicyInCode& policy, Facts facts) {
    const Router router{policy.snapshot()};
    std::vector<std::string> names;
    for (std::uint64_t prefix = 1; prefix <= 3'000; ++prefix) {
        facts.prefix = prefix * 0x9e3779b97f4a7c15U;
        const auto plan = router.plan(facts, policy.circumstances(prefix));
        names.push_back(plan->targets.front().target.provider->name);
    }
    return names;
}

TEST_F(StrategiesTest, AffinitySpreadsPrefixesByWeight) {
    route_->has_prefix_affinity = true;
    weigh(1, 1, 2);

    const std::vector<std::string> names = homes(policy_, facts_);

    expect_within_4_sigma(static_cast<int>(std::ranges::count(names, "a")), 3'000, 0.25);
    expect_within_4_sigma(static_cast<int>(std::ranges::count(names, "c")), 3'000, 0.5);
}

TEST_F(StrategiesTest, AffinityMovesOnlyThePrefixesOfATargetThatGoesAway) {
    route_->has_prefix_affinity = true;
    route_->strategy = Strategy::weighted;  // must not matter

    const std::vector<std::string> before = homes(policy_, facts_);
    const std::vector<std::string> again = homes(policy_, facts_);
    policy_.record("b", "gpt-5", failure());
    const std::vector<std::string> without_b = homes(policy_, facts_);

    EXPECT_EQ(before, again);
    for (std::size_t i = 0; i < before.size(); ++i) {
        ASSERT_NE(without_b[i], "b");
        ASSERT_TRUE(without_b[i] == before[i] || before[i] == "b");
    }
    EXPECT_GT(std::ranges::count(before, "b"), 800);
}

TEST_F(StrategiesTest, AffinityEndsWhereItsTargetHasMoreThanItsShare) {
    route_->has_prefix_affinity = true;
    facts_.prefix = 7;
    const std::string home = policy_.plan(facts_)->targets.front().target.provider->name;
    const std::string affine = order();
    policy_.occupy(home, "gpt-5", 1);
    const std::string one_to_spare = order();
    policy_.occupy(home, "gpt-5", 9);
    const std::string overloaded = order();
    for (const std::string_view other : {"a", "b", "c"}) {
        policy_.occupy(other, "gpt-5", other == home ? 0 : 8);
    }
    const std::string shared = order();

    EXPECT_EQ(one_to_spare, affine);
    EXPECT_EQ(overloaded, "a b c");  // the strategy's order
    EXPECT_EQ(shared, affine);
    EXPECT_NE(home, "a");  // else the order would prove nothing
}

TEST_F(StrategiesTest, AffinityNeedsALongEnoughPrefix) {
    route_->has_prefix_affinity = true;
    facts_.prefix = 0;

    EXPECT_EQ(firsts(50)["a"], 50);
}

}  // namespace
}  // namespace headgate::policy
