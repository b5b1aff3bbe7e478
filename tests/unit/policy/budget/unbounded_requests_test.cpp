// What worst_case() refuses, and when it does not.
#include "policy/budget/worst_case.h"
#include "tests/unit/policy/budget/budget_case.h"

#include <limits>

namespace headgate::policy {
namespace {

using providers::ErrorCode;
using providers::Money;
using providers::ProviderKind;

class UnboundedRequest : public testing::Test {
protected:
    void plan(std::string_view model, ProviderKind kind = ProviderKind::openai) {
        case_.plan().targets.clear();
        case_.target(case_.provider("first", kind), model);
    }

    void expect_told(std::string_view path,
                     std::string_view body,
                     std::string_view beginning,
                     std::string_view part) {
        const std::string told = case_.refusal(path, std::string{body});

        EXPECT_TRUE(told.starts_with(beginning)) << body << "\n" << told;
        EXPECT_TRUE(told.contains(part)) << body << "\n" << told;
    }

    BudgetCase case_;
};

TEST_F(UnboundedRequest, IsRefusedWhereATargetHasNoPrice) {
    plan("gpt-5");
    case_.target(case_.provider("second"), "unheard-of");

    expect_told(kChat, R"({"model":"m","max_tokens":1})",
                "price_unknown model: ", "model 'unheard-of' at provider 'second'");
    case_.project().unpriced_models = UnpricedModels::free;
    const auto worst = case_.worst(kChat, R"({"model":"m","max_tokens":1})");

    ASSERT_TRUE(worst);
    EXPECT_EQ(worst->dearest, &case_.plan().targets[0]);
    EXPECT_GT(worst->cost, Money{});
}

TEST_F(UnboundedRequest, IsRefusedWhereAHostedToolHasNoPrice) {
    plan("gpt-5");
    const struct {
        std::string_view path;
        std::string_view body;
        std::string_view tool;
    } cases[] = {
        {kResponses, R"({"model":"m","tools":[{"type":"web_search"}]})", "'web_search'"},
        {kResponses,
         R"({"model":"m","tools":[{"type":"function","name":"f"},{"type":"code_interpreter"}]})",
         "'code_interpreter'"},
        {kResponses, R"({"model":"m","tools":[{"type":"file_search"}]})", "'file_search'"},
        {kResponses, R"({"model":"m","tools":[{"server_label":"x","type":"mcp"}]})", "'mcp'"},
        {kResponses, R"({"model":"m","tools":[{"type":"image_generation"}]})",
         "'image_generation'"},
        {kResponses, R"({"model":"m","tools":[{"type":"shell"}]})", "'shell'"},
        {kResponses, R"({"model":"m","tools":[{"type":"web\u005fsearch"}]})", "'web_search'"},
        {kChat, R"({"model":"m","tools":[{"type":"builtin_function"}]})", "'builtin_function'"},
    };
    for (const auto& c : cases) {
        expect_told(c.path, c.body, "price_unknown tools: ", c.tool);
    }
    expect_told(kChat, R"({"model":"m","tools":[{"type":"function"}],"web_search_options":{}})",
                "price_unknown web_search_options: ", "'web_search'");
    expect_told(kResponses,
                R"({"model":"m","tools":[{"type":")" + std::string(100'000, 'x') + R"("}]})",
                "price_unknown tools: ", "for '" + std::string(64, 'x') + "', which");
}

TEST_F(UnboundedRequest, AllowsHostedToolsWhereTheProjectMayUseWhatHasNoPrice) {
    plan("gpt-5");
    case_.project().unpriced_models = UnpricedModels::free;

    const auto worst = case_.worst(
        kResponses, R"({"model":"m","max_output_tokens":16,"tools":[{"type":"web_search"}]})");

    ASSERT_TRUE(worst);
    EXPECT_EQ(worst->input_tokens, 272'000);
    EXPECT_EQ(worst->output_tokens, 16);
}

TEST_F(UnboundedRequest, AllowsToolsThatTheClientRuns) {
    plan("gpt-5");
    for (const std::string_view type : {"function", "custom", "local_shell", "apply_patch",
                                        "computer", "computer_use_preview", "namespace"}) {
        const std::string body =
            R"({"model":"m","tools":[{"type":")" + std::string{type} + R"("}]})";

        EXPECT_TRUE(case_.worst(kResponses, body)) << type;
    }
}

TEST_F(UnboundedRequest, IsRefusedByModelsThatSearchByThemselves) {
    for (const std::string_view model :
         {"gpt-4o-search-preview", "gpt-4o-mini-search-preview-2025-03-11", "gpt-5-search-api"}) {
        plan(model);

        expect_told(kChat, R"({"model":"m"})", "price_unknown model: ", "'web_search'");
    }
}

TEST_F(UnboundedRequest, IsRefusedWhereTheContextWindowIsNotKnown) {
    case_.override_price("mine", price_of("1", "2"));
    plan("mine", ProviderKind::openai_compatible);
    constexpr std::string_view kRemote =
        R"({"model":"m","max_output_tokens":20,"previous_response_id":"r"})";

    expect_told(kResponses, kRemote, "price_unknown model: ",
                "context window of model 'mine' at provider 'first' is not known");
    EXPECT_TRUE(case_.worst(kResponses, R"({"model":"m","max_output_tokens":20,"input":"x"})"));

    case_.project().unpriced_models = UnpricedModels::free;  // it has a price: that does not help
    expect_told(kResponses, kRemote, "price_unknown model: ", "context window");
}

TEST_F(UnboundedRequest, IsRefusedWhereNothingCapsTheOutput) {
    case_.override_price("mine", price_of("1", "2"));
    plan("mine", ProviderKind::openai_compatible);

    expect_told(kChat, R"({"model":"m"})", "price_unknown max_completion_tokens: ",
                "set 'max_completion_tokens' in the request, or `max_output` of the project");
    expect_told(kCompletions, R"({"model":"m"})", "price_unknown max_tokens: ", "'max_tokens'");
    expect_told(kResponses, R"({"model":"m"})",
                "price_unknown max_output_tokens: ", "'max_output_tokens'");
    case_.project().max_output = 9;
    EXPECT_EQ(case_.worst(kChat, R"({"model":"m"})")->output_tokens, 9);
}

TEST_F(UnboundedRequest, NeedsNoBoundWhereTokensCostNothing) {
    case_.override_price("mine", price_of("0", "0"));
    plan("mine", ProviderKind::openai_compatible);

    const auto free = case_.worst(kResponses, R"({"model":"m","previous_response_id":"r"})");
    case_.snapshot().providers.back()->provider.price_factor = {0};
    case_.snapshot().prices.front().price = price_of("1", "2");
    const auto multiplied_by_0 =
        case_.worst(kResponses, R"({"model":"m","previous_response_id":"r"})");

    ASSERT_TRUE(free);
    ASSERT_TRUE(multiplied_by_0);
    EXPECT_EQ(free->cost, Money{});
    EXPECT_EQ(multiplied_by_0->cost, Money{});
}

TEST_F(UnboundedRequest, IsRefusedRatherThanThrownWhereItsCostLeavesTheRange) {
    case_.override_price("dear", price_of("1000000", "9000000000"));
    case_.override_price("dearest", price_of("9000000000", "9000000000"));
    plan("dear", ProviderKind::openai_compatible);
    constexpr std::string_view kBody = R"({"model":"m","n":128,"max_tokens":2147483647})";

    expect_told(kChat, kBody, "max_cost_exceeded : ",
                "model 'dear' at provider 'first' the request could cost more than can be counted");
    plan("dearest", ProviderKind::openai_compatible);
    case_.snapshot().providers.back()->provider.price_factor = {1'000'000'000'000};
    expect_told(kChat, R"({"model":"m","max_tokens":1000})", "max_cost_exceeded : ", "'dearest'");

    case_.set_must_be_priced(false);
    EXPECT_EQ(case_.worst(kChat, std::string{kBody})->cost,
              Money::nanos(std::numeric_limits<std::int64_t>::max()));
}

TEST_F(UnboundedRequest, CountsChoicesOfPromptsWithoutPassing64Bits) {
    case_.override_price("mine", price_of("0", "0"));
    plan("mine", ProviderKind::openai_compatible);
    providers::ApiRequest request =
        case_.request(kCompletions, R"({"model":"m","n":128,"max_tokens":2147483647})");
    request.messages = std::size_t{1} << 40;

    const auto worst = worst_case(case_.input(request));

    ASSERT_TRUE(worst);
    EXPECT_EQ(worst->output_tokens, std::numeric_limits<std::int64_t>::max());
}

}  // namespace
}  // namespace headgate::policy
