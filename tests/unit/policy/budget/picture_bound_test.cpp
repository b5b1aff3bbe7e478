// The worst case of images/generations.
#include "policy/budget/worst_case.h"
#include "tests/unit/policy/budget/budget_case.h"

namespace headgate::policy {
namespace {

using providers::ErrorCode;
using providers::Money;
using providers::Target;
using providers::Tokens;
using providers::Usage;

class PictureBound : public testing::Test {
protected:
    void plan(std::string_view model) {
        case_.plan().targets.clear();
        case_.target(case_.provider("first"), model);
    }

    WorstCase worst(std::string body) {
        const auto worst = case_.worst(kImages, std::move(body));
        EXPECT_TRUE(worst) << (worst ? "" : worst.error().message);
        return worst.value_or(WorstCase{});
    }

    BudgetCase case_;
};

TEST_F(PictureBound, CountsSoManyOfTheDearestSizeAndQualityAsked) {
    plan("gpt-image-1");  // 40 USD a million tokens of pictures, 5 of text
    const struct {
        std::string_view body;
        std::int64_t images;
        std::int64_t tokens;
    } cases[] = {
        {R"({"model":"m","prompt":"cat","size":"1024x1024","quality":"low"})", 1, 272},
        {R"({"model":"m","prompt":"cat","n":3,"size":"1024x1536","quality":"medium"})", 3, 4'752},
        {R"({"model":"m","prompt":"cat","n":2,"size":"1536x1024","quality":"high"})", 2, 12'416},
        {R"({"model":"m","prompt":"cat"})", 1, 6'240},
        {R"({"model":"m","prompt":"cat","size":"auto","quality":"auto"})", 1, 6'240},
        {R"({"model":"m","prompt":"cat","quality":"low"})", 1, 408},
        {R"({"model":"m","prompt":"cat","n":2,"quality":"low","stream":true,"partial_images":3})",
         2, 2 * (408 + 300)},
        {R"({"model":"m","prompt":"cat","quality":"low","output_format":"gif","frame_count":4})", 1,
         4 * 408},
        {R"({"model":"m","prompt":"cat","quality":"low","output_format":"gif"})", 1, 9 * 408},
    };
    for (const auto& c : cases) {
        const WorstCase one = worst(std::string{c.body});

        EXPECT_EQ(one.images, c.images) << c.body;
        EXPECT_EQ(one.output_tokens, c.tokens) << c.body;
        EXPECT_EQ(one.cost, Money::nanos(one.input_tokens * 5'000 + c.tokens * 40'000)) << c.body;
        EXPECT_FALSE(one.output_cap);
    }
}

TEST_F(PictureBound, ChargesThePromptOnceAPicture) {
    plan("gpt-image-1");

    const WorstCase one = worst(R"({"model":"m","prompt":"cat"})");
    const WorstCase four = worst(R"({"model":"m","prompt":"cat","n":4})");

    EXPECT_GE(one.input_tokens, 3 + 13);  // what the provider tells for a prompt of one word
    EXPECT_EQ(four.input_tokens, 4 * one.input_tokens);
}

TEST_F(PictureBound, ChargesByThePieceWhereThatIsThePrice) {
    providers::Price price;
    price.per_image = usd("0.04");
    case_.override_price("mine", price);
    plan("mine");

    EXPECT_EQ(worst(R"({"model":"m","prompt":"cat","n":3})").cost, usd("0.12"));
    EXPECT_EQ(worst(R"({"model":"m","prompt":"cat","quality":"max"})").cost, usd("0.04"));
}

TEST_F(PictureBound, TakesTheDearerWhereAPictureMayBeChargedEitherWay) {
    providers::Price price = price_of("0", "0");
    price.image_output = usd("10");
    price.per_image = usd("0.5");
    case_.override_price("gpt-image-1", price);
    plan("gpt-image-1");

    EXPECT_EQ(worst(R"({"model":"m","prompt":"cat","quality":"high"})").cost, usd("0.5"));
    case_.snapshot().prices.front().price.per_image = usd("0.01");
    EXPECT_EQ(worst(R"({"model":"m","prompt":"cat","quality":"high"})").cost, usd("0.0624"));
}

TEST_F(PictureBound, HoldsForWhatTheModelsDocumentsCharge) {
    // OpenAI's guide "Image generation", Calculating costs; rounded there to a tenth of a cent.
    const struct {
        std::string_view model;
        std::string_view size;
        std::string_view quality;
        std::string_view price;
    } cases[] = {
        {"gpt-image-2", "1024x1024", "low", "0.005"},
        {"gpt-image-2", "1024x1024", "medium", "0.0525"},
        {"gpt-image-2", "1024x1536", "high", "0.1645"},
        {"gpt-image-1.5", "1024x1024", "low", "0.0085"},
        {"gpt-image-1.5", "1536x1024", "high", "0.1985"},
        {"gpt-image-1", "1024x1024", "high", "0.1663"},
        {"gpt-image-1-mini", "1024x1024", "low", "0.005"},
        {"gpt-image-1-mini", "1024x1536", "high", "0.052"},
    };
    for (const auto& c : cases) {
        plan(c.model);
        const std::string body = R"({"model":"m","prompt":"x","size":")" + std::string{c.size} +
                                 R"(","quality":")" + std::string{c.quality} + R"("})";

        const Money cost = worst(body).cost;

        EXPECT_GE(cost, usd(c.price)) << c.model << " " << c.size << " " << c.quality;
        EXPECT_LE(cost, usd(c.price) + usd("0.012")) << c.model << " " << c.size;
    }
}

TEST_F(PictureBound, RefusesWhatNobodyTellsTheTokensOf) {
    plan("gpt-image-2.5-sunburst");

    for (const std::string_view quality : {"xhigh", "max"}) {
        const auto refused = case_.worst(
            kImages, R"({"model":"m","prompt":"x","quality":")" + std::string{quality} + R"("})");

        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, ErrorCode::price_unknown);
        EXPECT_EQ(refused.error().param, "quality");
        EXPECT_TRUE(refused.error().message.contains(quality));
    }
    const auto svg = case_.worst(kImages, R"({"model":"m","prompt":"x","output_format":"svg"})");
    ASSERT_FALSE(svg);
    EXPECT_EQ(svg.error().param, "output_format");
}

TEST_F(PictureBound, CountsTheTokensOfPicturesThatTheProviderDidNotTell) {
    plan("gpt-image-1");
    const Target& target = case_.plan().targets[0].target;
    const TargetPrice price = PriceBook{case_.snapshot()}.find(*target.provider, target.model);
    const auto& request =
        case_.request(kImages, R"({"model":"m","size":"1024x1024","quality":"medium"})");
    Usage silent;
    silent.images = 2;
    silent.is_reported = true;
    Usage told = silent;
    told.image_output = {5};

    const Usage counted = with_picture_tokens(silent, request, target, price);

    EXPECT_EQ(counted.image_output, Tokens{2'112});
    EXPECT_TRUE(counted.is_estimated);
    EXPECT_EQ(with_picture_tokens(told, request, target, price), told);
    providers::Price by_piece;
    by_piece.per_image = usd("1");
    TargetPrice other = price;
    other.source = PriceSource::policy;
    other.override_price = &by_piece;
    EXPECT_EQ(with_picture_tokens(silent, request, target, other), silent);
}

}  // namespace
}  // namespace headgate::policy
