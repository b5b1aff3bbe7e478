#include "policy/budget/worst_case.h"

#include "providers/contract/token_estimate.h"
#include "tests/unit/policy/budget/budget_case.h"

namespace headgate::policy {
namespace {

using providers::Money;
using providers::ProviderKind;

constexpr std::int64_t kGpt5Window = 272'000;

/// A policy with one target: gpt-5 at OpenAI, 1.25 USD in and 10 out a million.
class WorstCaseTest : public testing::Test {
protected:
    WorstCaseTest() { plan("gpt-5"); }

    void plan(std::string_view model, ProviderKind kind = ProviderKind::openai) {
        case_.plan().targets.clear();
        case_.target(case_.provider("first", kind), model);
    }

    WorstCase worst(std::string_view path, std::string body) {
        const auto worst = case_.worst(path, std::move(body));
        EXPECT_TRUE(worst) << (worst ? "" : worst.error().message);
        return worst.value_or(WorstCase{});
    }

    BudgetCase case_;
};

TEST_F(WorstCaseTest, CountsTheInlineInputAndTheCapThatTheRequestSets) {
    const auto& request = case_.request(
        kChat,
        R"({"model":"gpt-5","messages":[{"role":"user","content":"Hi"}],"max_completion_tokens":100})");
    const std::int64_t input = estimate_input(request).at_most.count;

    const auto worst = worst_case(case_.input(request));

    ASSERT_TRUE(worst);
    EXPECT_EQ(worst->input_tokens, input);
    EXPECT_EQ(worst->output_tokens, 100);
    EXPECT_EQ(worst->output_cap, 100);
    EXPECT_EQ(worst->images, 0);
    EXPECT_EQ(worst->dearest, &case_.plan().targets[0]);
    EXPECT_EQ(worst->cost, Money::nanos(input * 1'250 + 100 * 10'000));
}

TEST_F(WorstCaseTest, TakesAnEstimateThatWasMadeBefore) {
    WorstCaseInput input = case_.input(case_.request(kChat, R"({"model":"m","max_tokens":1})"));
    const providers::TokenEstimate estimate{.guess = {5}, .at_most = {77}, .is_bounded = true};
    input.estimate = &estimate;

    EXPECT_EQ(worst_case(input)->input_tokens, 77);
}

TEST_F(WorstCaseTest, TakesTheOutputCapFromTheRequestElseTheProjectElseTheModel) {
    case_.project().max_output = 500;
    const struct {
        std::string_view path;
        std::string_view body;
        std::int64_t output;
    } cases[] = {
        {kChat, R"({"model":"m","max_completion_tokens":7})", 7},
        {kChat, R"({"model":"m","max_tokens":8})", 8},
        {kChat, R"({"model":"m","max_tokens":9,"max_completion_tokens":7})", 9},
        {kChat, R"({"model":"m","max_tokens":null})", 500},
        {kChat, R"({"model":"m"})", 500},
        {kChat, R"({"model":"m","n":3})", 1'500},
        {kChat, R"({"model":"m","n":3,"best_of":4,"max_tokens":10})", 40},
        {kChat, R"({"model":"m","n":4,"best_of":3,"max_tokens":10})", 40},
        {kChat, R"({"model":"m","max_tokens":2000000000})", 128'000},  // the model has no more
        {kCompletions, R"({"model":"m","prompt":["a","b"],"n":3,"max_tokens":10})", 60},
        {kCompletions, R"({"model":"m","prompt":[[1,2],[3]],"best_of":2,"max_tokens":10})", 40},
        {kCompletions, R"({"model":"m","prompt":[1,2,3],"max_tokens":10})", 10},
        {kResponses, R"({"model":"m","max_output_tokens":20})", 20},
        {kResponses, R"({"model":"m","max_output_tokens":20,"max_tokens":30})", 20},
    };
    for (const auto& c : cases) {
        EXPECT_EQ(worst(c.path, std::string{c.body}).output_tokens, c.output) << c.body;
    }
    case_.project().max_output.reset();
    EXPECT_EQ(worst(kChat, R"({"model":"m","n":2})").output_tokens, 256'000);
}

TEST_F(WorstCaseTest, TakesALowerCapInsteadWhereOneIsGiven) {
    case_.project().max_output = 500;
    WorstCaseInput input = case_.input(case_.request(kChat, R"({"model":"m","max_tokens":90})"));
    input.output_cap = 30;

    EXPECT_EQ(worst_case(input)->output_tokens, 30);
    EXPECT_EQ(worst_case(input)->output_cap, 30);
}

TEST_F(WorstCaseTest, CountsTheContextWindowForWhatTheBodyDoesNotHold) {
    for (
        const std::string_view body : {
            R"({"model":"m","previous_response_id":"resp_1","max_output_tokens":1})",
            R"({"model":"m","prompt":{"id":"pmpt_1"},"max_output_tokens":1})",
            R"({"model":"m","conversation":"conv_1","max_output_tokens":1})",
            R"({"model":"m","max_output_tokens":1,"tools":[{"type":"computer"}]})",
            R"({"model":"m","max_output_tokens":1,"input":[{"role":"user","content":[{"type":"input_image","image_url":"https://x.example/a.png"}]}]})",
        }) {
        EXPECT_EQ(worst(kResponses, std::string{body}).input_tokens, kGpt5Window) << body;
    }
}

TEST_F(WorstCaseTest, NeverCountsMoreInputThanTheContextWindow) {
    const std::string long_text(400'000, 'a');

    const WorstCase one = worst(kChat, R"({"model":"m","max_tokens":1,"messages":[{"role":"user",)"
                                       R"("content":")" +
                                           long_text + R"("}]})");

    EXPECT_EQ(one.input_tokens, kGpt5Window);
}

TEST_F(WorstCaseTest, GivesEachPromptOfAListAContextWindowOfItsOwn) {
    plan("text-embedding-3-small");  // 8,191 tokens in
    const std::string text(9'000, 'a');
    const std::string body = R"({"model":"m","input":[")" + text + R"(",")" + text + R"(","b"]})";

    const WorstCase embeddings = worst(kEmbeddings, body);

    EXPECT_GT(embeddings.input_tokens, 2 * 8'191);
    EXPECT_LE(embeddings.input_tokens, 3 * 8'191);
    EXPECT_EQ(embeddings.output_tokens, 0);
    EXPECT_FALSE(embeddings.output_cap);
    EXPECT_EQ(worst(kEmbeddings, R"({"model":"m","input":")" + text + R"("})").input_tokens, 8'191);
}

TEST_F(WorstCaseTest, IsThatOfTheDearestTarget) {
    const auto& cheap = case_.provider("cheap");
    auto& dear = case_.provider("dear");
    dear.price_factor = {1'500'000'000};
    case_.target(cheap, "gpt-5-nano");
    case_.target(dear, "gpt-5");
    case_.target(cheap, "gpt-5-mini");

    const WorstCase one = worst(kChat, R"({"model":"m","max_tokens":1000000})");

    EXPECT_EQ(one.dearest, &case_.plan().targets[2]);
    EXPECT_EQ(one.output_tokens, 128'000);
    EXPECT_EQ(one.cost, Money::nanos((one.input_tokens * 1'250 + 128'000 * 10'000) * 3 / 2));
}

TEST_F(WorstCaseTest, ChargesEachTokenAsTheDearestClassThatItCouldBe) {
    providers::Price price = price_of("1", "10");
    price.cached_input = usd("0.1");
    price.cache_write = usd("2");
    price.reasoning = usd("20");
    price.audio_input = usd("30");
    price.audio_output = usd("40");
    case_.override_price("m", price);
    plan("m");
    const struct {
        std::string_view body;
        std::int64_t input;
        std::int64_t output;
    } cases[] = {
        {R"({"model":"m","max_tokens":10,"messages":[{"role":"user","content":"Hi"}]})", 2, 20},
        {R"({"model":"m","max_tokens":10,"modalities":["text"]})", 2, 20},
        {R"({"model":"m","max_tokens":10,"modalities":["text","audio"]})", 2, 40},
        {R"({"model":"m","max_tokens":10,"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"QUJD","format":"wav"}}]}]})",
         30, 20},
    };
    for (const auto& c : cases) {
        const WorstCase one = worst(kChat, std::string{c.body});

        EXPECT_EQ(one.cost, Money::nanos(1'000 * (c.input * one.input_tokens + c.output * 10)))
            << c.body;
    }
}

TEST_F(WorstCaseTest, AddsAPredictionThatMayBeWrong) {
    const WorstCase without = worst(kChat, R"({"model":"m","max_tokens":10})");
    const WorstCase with = worst(
        kChat,
        R"({"model":"m","max_tokens":10,"prediction":{"type":"content","content":"abcdef"}})");

    EXPECT_EQ(without.output_tokens, 10);
    EXPECT_EQ(with.output_tokens, 10 + with.input_tokens);
}

TEST_F(WorstCaseTest, CountsTheServiceTierThatWasAskedWhereItIsDearer) {
    // Of gpt-5: standard 10, flex 5, priority 20 USD a million out.
    const struct {
        std::string_view tier;
        std::int64_t factor;
    } cases[] = {{"default", 1}, {"flex", 1}, {"priority", 2}, {"fast", 2}, {"auto", 2}};
    const Money standard = worst(kChat, R"({"model":"m","max_tokens":10})").cost;
    for (const auto& c : cases) {
        const std::string tier{c.tier};

        const WorstCase one =
            worst(kChat, R"({"model":"m","max_tokens":10,"service_tier":")" + tier + R"("})");

        const std::int64_t input = one.input_tokens * 1'250;
        EXPECT_EQ(one.cost.nanos(), c.factor * (input + 100'000)) << tier;
        EXPECT_GE(one.cost, standard) << tier;
    }
}

TEST_F(WorstCaseTest, ReachesTheTierOfALongInput) {
    plan("gpt-5.5");  // above 272,000: 10 and 45 USD instead of 5 and 30; window 1,050,000

    const WorstCase remote =
        worst(kResponses, R"({"model":"m","previous_response_id":"r","max_output_tokens":1000})");
    const WorstCase inlined = worst(kResponses, R"({"model":"m","max_output_tokens":1000})");

    EXPECT_EQ(remote.cost, usd("10.5") + usd("0.045"));
    EXPECT_EQ(inlined.cost, Money::nanos(inlined.input_tokens * 5'000 + 1'000 * 30'000));
}

TEST_F(WorstCaseTest, IsNothingWhereNothingIsCharged) {
    const WorstCase one = worst(kModerations, R"({"model":"unheard-of","input":"x"})");

    EXPECT_EQ(one.cost, Money{});
    EXPECT_EQ(one.dearest, &case_.plan().targets[0]);
}

TEST_F(WorstCaseTest, CountsWhatIsNotPricedAsNothingWhereNothingIsAtStake) {
    case_.set_must_be_priced(false);
    plan("unheard-of");

    const WorstCase unpriced = worst(
        kResponses, R"({"model":"m","input":"x","max_output_tokens":5,"tools":[{"type":"mcp"}]})");
    plan("gpt-5.5-cyber");  // priced, its limits unknown
    const WorstCase unbounded = worst(kResponses, R"({"model":"m","previous_response_id":"r"})");

    EXPECT_EQ(unpriced.cost, Money{});
    EXPECT_EQ(unpriced.output_tokens, 5);
    EXPECT_GT(unbounded.cost, Money{});
    EXPECT_EQ(unbounded.output_tokens, 0);
    EXPECT_FALSE(unbounded.output_cap);
}

TEST(ProjectCap, IsTheProjectsWhereTheRequestSetsNone) {
    BudgetCase at;
    at.project().max_output = 500;
    const auto cap = [&at](std::string_view path, std::string body) {
        return project_cap(at.request(path, std::move(body)), at.project());
    };

    EXPECT_EQ(cap(kChat, R"({"model":"m"})"), 500);
    EXPECT_EQ(cap(kResponses, R"({"model":"m","max_output_tokens":null})"), 500);
    EXPECT_EQ(cap(kCompletions, R"({"model":"m","max_tokens":1000})"), std::nullopt);
    EXPECT_EQ(cap(kEmbeddings, R"({"model":"m"})"), std::nullopt);
    EXPECT_EQ(cap(kImages, R"({"model":"m"})"), std::nullopt);
    EXPECT_EQ(cap(kModerations, R"({"model":"m"})"), std::nullopt);
    at.project().max_output.reset();
    EXPECT_EQ(cap(kChat, R"({"model":"m"})"), std::nullopt);
}

}  // namespace
}  // namespace headgate::policy
