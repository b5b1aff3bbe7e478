#include "policy/budget/worst_case.h"
#include "tests/unit/policy/budget/budget_case.h"

#include <random>

namespace headgate::policy {
namespace {

using providers::ApiRequest;
using providers::Money;
using providers::ProviderKind;

constexpr Money one_nano = Money::nanos(1);

class AffordableCap : public testing::Test {
protected:
    AffordableCap() { case_.target(case_.provider("first"), "gpt-5"); }

    Money cost_with(const ApiRequest& request, std::int64_t cap) {
        WorstCaseInput input = case_.input(request);
        input.output_cap = cap;
        return worst_case(input)->cost;
    }

    std::optional<std::int64_t> cap_for(const ApiRequest& request, Money money) {
        return affordable_cap(case_.input(request), money);
    }

    BudgetCase case_;
};

TEST_F(AffordableCap, IsTheLargestThatFits) {
    const ApiRequest& request = case_.request(kChat, R"({"model":"m","n":3,"max_tokens":5000})");

    for (const std::int64_t cap : {1, 2, 3, 100, 1'023, 1'024, 4'999}) {
        const Money exactly = cost_with(request, cap);

        EXPECT_EQ(cap_for(request, exactly), cap);
        EXPECT_EQ(cap_for(request, cost_with(request, cap + 1) - one_nano), cap);
    }
}

TEST_F(AffordableCap, IsNothingWhereNotOneTokenFits) {
    const ApiRequest& request = case_.request(kChat, R"({"model":"m","max_tokens":5000})");

    EXPECT_EQ(cap_for(request, cost_with(request, 1) - one_nano), std::nullopt);
    EXPECT_EQ(cap_for(request, Money{}), std::nullopt);
    EXPECT_EQ(cap_for(request, Money::nanos(-1)), std::nullopt);
}

TEST_F(AffordableCap, IsNeverAboveWhatTheRequestHasAnyway) {
    case_.project().max_output = 700;

    EXPECT_EQ(cap_for(case_.request(kChat, R"({"model":"m","max_tokens":50})"), usd("100")), 50);
    EXPECT_EQ(cap_for(case_.request(kChat, R"({"model":"m"})"), usd("100")), 700);
    case_.project().max_output.reset();
    EXPECT_EQ(cap_for(case_.request(kChat, R"({"model":"m"})"), usd("100")), 128'000);
}

TEST_F(AffordableCap, FitsAtEveryTargetOfThePlan) {
    case_.target(case_.provider("second"), "gpt-4o");      // 10 USD a million, at most 16,384
    case_.target(case_.provider("third"), "gpt-4-turbo");  // 30 USD a million, at most 4,096
    const ApiRequest& request = case_.request(kChat, R"({"model":"m"})");

    const std::int64_t cap = cap_for(request, usd("0.4")).value_or(0);

    EXPECT_LE(cost_with(request, cap), usd("0.4"));
    EXPECT_GT(cost_with(request, cap + 1), usd("0.4"));
    EXPECT_GT(cap, 16'384);  // the third costs no more beyond 4,096
}

TEST_F(AffordableCap, IsNoLessThanTheResponsesApiTakes) {
    const ApiRequest& request =
        case_.request(kResponses, R"({"model":"m","input":"x","max_output_tokens":100})");

    EXPECT_EQ(cap_for(request, cost_with(request, 16)), 16);
    EXPECT_EQ(cap_for(request, cost_with(request, 16) - one_nano), std::nullopt);
}

TEST_F(AffordableCap, IsOnlyForWhatIsMeteredInTokens) {
    for (const std::string_view path : {kEmbeddings, kModerations, kImages}) {
        EXPECT_EQ(cap_for(case_.request(path, R"({"model":"m"})"), usd("100")), std::nullopt)
            << path;
    }
}

TEST_F(AffordableCap, IsNothingWhereTheRequestIsRefusedAnyway) {
    const ApiRequest& hosted =
        case_.request(kResponses, R"({"model":"m","tools":[{"type":"web_search"}]})");

    EXPECT_EQ(cap_for(hosted, usd("100")), std::nullopt);
}

TEST_F(AffordableCap, AgreesWithTheWorstCaseForRandomBudgets) {
    std::mt19937_64 random{7};
    const char* models[] = {"gpt-5", "gpt-5.5", "gpt-4o", "gpt-audio", "o4-mini"};
    for (int round = 0; round < 200; ++round) {
        case_.plan().targets.clear();
        for (std::uint64_t i = 0; i <= random() % 3; ++i) {
            auto& provider = case_.provider("p");
            provider.price_factor = {static_cast<std::int64_t>(random() % 3'000'000'000)};
            case_.target(provider, models[random() % std::size(models)]);
        }
        const std::string n = std::to_string(1 + random() % 8);
        const ApiRequest& request = case_.request(
            kChat, R"({"model":"m","max_tokens":200000,"service_tier":"auto","n":)" + n + "}");
        const Money money = Money::nanos(static_cast<std::int64_t>(random() % 3'000'000'000));

        const auto cap = cap_for(request, money);

        EXPECT_TRUE(!cap || cost_with(request, *cap) <= money) << round;
        const std::int64_t next = cap.value_or(0) + 1;
        EXPECT_TRUE(next > 200'000 || cost_with(request, next) > money) << round << " " << next;
    }
}

}  // namespace
}  // namespace headgate::policy
