#include "tests/unit/policy/explain/money_policy.h"

namespace headgate::policy {
namespace {

using providers::Money;

TEST_F(MoneyPolicy, TellsEveryBucketThatAppliesAndWhatTheRequestTakes) {
    const Explanation found = explained(question());

    EXPECT_EQ(limits_of(found),
              "organization * rpm: 1 of 10000 in 10000\n"
              "project gpt-5* rpm: 1 of 600 in 600\n"
              "project gpt-5* tpm: 32100 of 300000 in 300000\n"
              "project gpt-5* rpd: 1 of 100000 in 100000\n"
              "project gpt-5* tpd: 32100 of 50000000 in 50000000\n"
              "project gpt-5* ipm: 0 of 50 in 50\n"
              "project gpt-5* concurrent: 1 of 64 in 64\n");
    EXPECT_TRUE(found.served);
}

TEST_F(MoneyPolicy, TellsTheLimitsOfTheKeyThatIsNamed) {
    Question asked = question("gpt-4.1");
    asked.key = "laptop";

    EXPECT_EQ(limits_of(explained(asked)),
              "organization * rpm: 1 of 10000 in 10000\n"
              "project gpt-4* rpm: 1 of 5 in 5\n"
              "key * rpm: 1 of 60 in 60\n");
}

TEST_F(MoneyPolicy, GuessesTheTokensThatALimitIsAskedFor) {
    Question capped = asked_by("small");
    capped.max_output = 500;
    const Question usual = asked_by("watched", "gpt-5");
    Question embedding = asked_by("watched", "text-embedding-3-small");
    embedding.endpoint = "embeddings";
    embedding.max_output = 700;  // an embedding has no output

    EXPECT_EQ(explained(capped).limits.back().takes, 600);
    EXPECT_EQ(explained(usual).limits.back().takes, 32'100);  // the project's cap
    EXPECT_EQ(explained(embedding).limits.back().takes, 100);
}

TEST_F(MoneyPolicy, GuessesTheUsualOutputWhereNobodyCapsIt) {
    const Explanation at_first = explained(asked_by("artist"));
    {
        Account& account = *accounts_.of("artist");
        const std::scoped_lock lock{account.mutex()};
        account.note_output("gpt-5", 2'000);  // 1,000 and a fifth of what is new
    }

    EXPECT_EQ(limits_of(at_first),
              "organization * rpm: 1 of 10000 in 10000\n"
              "project * tpm: 1100 of 100000 in 100000\n"
              "project * ipm: 0 of 50 in 50\n");
    EXPECT_EQ(limits_of(explained(asked_by("artist"))),
              "organization * rpm: 1 of 10000 in 10000\n"
              "project * tpm: 1300 of 100000 in 100000\n"
              "project * ipm: 0 of 50 in 50\n");
}

TEST_F(MoneyPolicy, CountsAPictureWherePicturesAreLimited) {
    Question asked = asked_by("artist", "gpt-image-1");
    asked.endpoint = "images";

    const Explanation found = explained(asked);

    EXPECT_EQ(limits_of(found),
              "organization * rpm: 1 of 10000 in 10000\n"
              "project * tpm: 100 of 100000 in 100000\n"
              "project * ipm: 1 of 50 in 50\n");
    ASSERT_TRUE(found.reservation);
    EXPECT_EQ(found.reservation->images, 1);
    EXPECT_GT(found.reservation->usd, Money{});
}

TEST_F(MoneyPolicy, ReservesTheWorstCaseOfTheTokensGiven) {
    const Explanation found = explained(question());

    ASSERT_TRUE(found.reservation);
    EXPECT_EQ(found.reservation->input_tokens, 100);
    EXPECT_EQ(found.reservation->output_tokens, 32'000);
    EXPECT_EQ(found.reservation->usd, usd("0.320125"));  // 100 × 1.25 and 32,000 × 10, a million
    EXPECT_EQ(found.reservation->target, "openai/gpt-5");
    EXPECT_TRUE(found.reservation->is_held);
    EXPECT_FALSE(found.reservation->lowered_cap);
}

TEST_F(MoneyPolicy, ReservesForTheDearestTargetOfThePlan) {
    const Explanation found = explained(question("gpt-5-mini"));

    EXPECT_EQ(found.reservation->target, "surcharged/gpt-5-mini");
    EXPECT_EQ(found.reservation->usd, usd("0.12805"));
    EXPECT_EQ(found.price->output, usd("2"));  // of the target that serves
}

TEST_F(MoneyPolicy, NeverReservesMoreThanTheContextWindowOrTheOutputLimit) {
    Question asked = asked_by("artist");
    asked.input_tokens = 1'000'000'000;
    asked.max_output = 2'000'000'000;

    const Explanation found = explained(asked);

    const providers::Model* model =
        router_->prices().find(snapshot_->providers[0]->provider, "gpt-5").model;
    ASSERT_NE(model, nullptr);
    EXPECT_EQ(found.reservation->input_tokens, model->max_input);
    EXPECT_EQ(found.reservation->output_tokens, model->max_output);
}

TEST_F(MoneyPolicy, AdmitsWhatJustFitsTheBudgetAndNothingMore) {
    Question fits = question();
    fits.budget_used = 0.9987195;  // 249.679875 of 250: 0.320125 are left
    Question beyond = question();
    beyond.budget_used = 0.99871951;

    EXPECT_EQ(outcome_of(explained(fits)), "200 ");
    const Explanation refused = explained(beyond);
    EXPECT_EQ(outcome_of(refused), "429 insufficient_quota");
    EXPECT_FALSE(refused.served);
    EXPECT_TRUE(refused.attempts.empty());
    EXPECT_EQ(refused.reservation->usd, usd("0.320125"));
    EXPECT_EQ(refused.price->input, usd("1.25"));
    EXPECT_EQ(refused.message,
              "The budget of search of $250 a month does not hold the $0.320125 that this request "
              "may cost: 100 tokens in and 32000 out at most. $249.6798775 are spent, $0 reserved "
              "by requests that run. A lower max_completion_tokens, or the project's max_output, "
              "lowers what is reserved.");
}

TEST_F(MoneyPolicy, TellsTheBudgetsThatAreAsked) {
    Question asked = question();
    asked.budget_used = 0.85;

    const Explanation found = explained(asked);

    ASSERT_EQ(found.budgets.size(), 2U);
    EXPECT_EQ(found.budgets[0].scope, "organization");
    EXPECT_EQ(found.budgets[0].spent, Money{});  // only the project's is supposed
    EXPECT_EQ(found.budgets[1].scope, "search");
    EXPECT_EQ(found.budgets[1].limit, usd("250"));
    EXPECT_EQ(found.budgets[1].spent, usd("212.5"));
}

TEST_F(MoneyPolicy, LowersTheOutputCapWhereATightBudgetSaysSo) {
    Question asked = asked_by("capped");
    asked.budget_used = 0.9;

    const Explanation found = explained(asked);

    EXPECT_EQ(outcome_of(found), "200 ");
    EXPECT_EQ(found.reservation->lowered_cap, 9'987);
    EXPECT_EQ(found.reservation->output_tokens, 9'987);
    EXPECT_EQ(found.reservation->usd, usd("0.099995"));
    EXPECT_EQ(found.limits.back().takes, 100 + 9'987);
}

TEST_F(MoneyPolicy, LowersNoCapThatIsTheRequestsOwnBelowWhatFits) {
    Question asked = asked_by("capped");
    asked.budget_used = 0.9;
    asked.max_output = 5'000;

    EXPECT_FALSE(explained(asked).reservation->lowered_cap);
}

TEST_F(MoneyPolicy, RefusesWhereNoCapFits) {
    Question asked = asked_by("capped");
    asked.budget_used = 1;

    const Explanation found = explained(asked);

    EXPECT_EQ(outcome_of(found), "429 insufficient_quota");
    EXPECT_FALSE(found.reservation->lowered_cap);
}

TEST_F(MoneyPolicy, LowersTheCapOfAResponseToSixteenAtLeast) {
    Question asked = asked_by("capped");
    asked.endpoint = "responses";
    asked.budget_used = 0.99971;  // 0.00029 are left: 16 tokens and 0.000005

    EXPECT_EQ(explained(asked).reservation->lowered_cap, 16);
    asked.budget_used = 0.9998;
    EXPECT_EQ(explained(asked).code, "insufficient_quota");
}

TEST_F(MoneyPolicy, RefusesWhatTheLimitCanNeverHold) {
    const Explanation found = explained(asked_by("small"));

    EXPECT_EQ(outcome_of(found), "413 tokens_exceeded");
    EXPECT_EQ(found.message,
              "The request asks for about 1100 tokens, more than the limit small/*/tpm of 1000 can "
              "ever hold. Shorten the input or lower max_completion_tokens.");
    EXPECT_TRUE(found.attempts.empty());
}

struct Tightness {
    std::string what;
    std::function<void(Question&)> change;
    std::string outcome;
};

TEST_F(MoneyPolicy, RefusesInTheOrderOfServing) {
    const auto with_maximum = [](Question& q, std::string amount) {
        q.headers = {{"x-headgate-max-cost-usd", std::move(amount)}};
    };
    const Tightness cases[] = {
        {"a bad maximum before a bad model",
         [&](Question& q) { with_maximum(q, "a cent"), q.model = "/"; }, "400 invalid_request"},
        {"the price before the maximum",
         [&](Question& q) { q.model = "my-own", with_maximum(q, "0"); }, "400 price_unknown"},
        {"the maximum before the limits", [&](Question& q) { with_maximum(q, "0.001"); },
         "400 max_cost_exceeded"},
        {"what can never fit before the budget", [](Question& q) { q.budget_used = 1; },
         "413 tokens_exceeded"},
        {"the budget", [](Question& q) { q.budget_used = 1, q.max_output = 100; },
         "429 insufficient_quota"},
        {"a maximum that holds",
         [&](Question& q) { q.max_output = 100, with_maximum(q, "0.001125"); }, "200 "},
        {"a provider's error after all",
         [](Question& q) {
             q.max_output = 100;
             q.providers["openai"] = *parse_supposed_answer("400");
         },
         "400 "},
    };
    for (const Tightness& each : cases) {
        Question asked = asked_by("small");
        each.change(asked);

        EXPECT_EQ(outcome_of(explained(asked)), each.outcome) << each.what;
    }
}

TEST_F(MoneyPolicy, RefusesAKeyThatHasExpiredOrThatNobodyHas) {
    Question asked = question();
    asked.key = "laptop";

    time_ = at_day(2026, 12, 31);
    EXPECT_EQ(outcome_of(explained(asked)), "200 ");
    time_ = at_day(2027, 1, 1);
    EXPECT_EQ(outcome_of(explained(asked)), "401 expired_api_key");
    asked.key = "phone";
    EXPECT_EQ(outcome_of(explained(asked)), "401 invalid_api_key");
}

TEST_F(MoneyPolicy, CountsAndDoesNotRefuseInShadow) {
    const Explanation found = explained(asked_by("watched"));

    EXPECT_EQ(outcome_of(found), "200 ");
    EXPECT_TRUE(found.limits.back().is_shadow);
    EXPECT_GT(found.limits.back().takes, found.limits.back().remaining);
    EXPECT_TRUE(found.budgets.back().is_shadow);
}

TEST_F(MoneyPolicy, RefusesAModelWithoutAPriceUnlessItIsFree) {
    const Explanation refused = explained(asked_by("search", "my-own"));
    const Explanation served = explained(asked_by("generous", "my-own"));

    EXPECT_EQ(outcome_of(refused), "400 price_unknown");
    EXPECT_NE(refused.message.find("'my-own' at provider 'local'"), std::string::npos);
    EXPECT_FALSE(refused.price);
    EXPECT_FALSE(refused.reservation->usd);
    EXPECT_EQ(refused.reservation->output_tokens, 32'000);
    EXPECT_EQ(outcome_of(served), "200 ");
    EXPECT_FALSE(served.price);
    EXPECT_EQ(served.reservation->usd, Money{});
}

TEST_F(MoneyPolicy, NamesThePolicyAsTheSourceOfItsPrices) {
    Question asked = asked_by("generous", "my-priced");
    asked.usage = providers::Usage{};
    asked.usage->input = {1'000'000};
    asked.usage->cached_input = {1'000'000};

    const Explanation found = explained(asked);

    ASSERT_TRUE(found.price);
    EXPECT_EQ(found.price->source, "policy");
    EXPECT_EQ(found.price->input, usd("0.1"));
    EXPECT_EQ(found.price->cached_input, usd("0.01"));
    EXPECT_EQ(found.cost, usd("0.11"));
    EXPECT_EQ(found.reservation->usd, usd("0.00021"));  // 100 in, 1,000 out
}

TEST_F(MoneyPolicy, TriesNothingFurtherWhereATimeOutAndAWorstCaseMoreDoNotFit) {
    Question tight = asked_by("thrifty", "gpt-5-mini");
    tight.providers["openai"] = *parse_supposed_answer("timeout");
    Question ample = tight;
    ample.project = "search";
    Question uncharged = tight;
    uncharged.providers["openai"] = *parse_supposed_answer("connect");

    const Explanation stopped = explained(tight);

    EXPECT_EQ(attempts_of(stopped), "openai/gpt-5-mini=timeout");
    EXPECT_EQ(outcome_of(stopped), "504 upstream_timeout");
    EXPECT_EQ(attempts_of(explained(ample)), "openai/gpt-5-mini=timeout surcharged/gpt-5-mini=200");
    EXPECT_EQ(attempts_of(explained(uncharged)),
              "openai/gpt-5-mini=connect surcharged/gpt-5-mini=200");
}

TEST_F(MoneyPolicy, LeavesTheOrganizationsLimitsOutWhereItHasNone) {
    load(fixture("policy.yaml"));

    const Explanation found = explained(question());

    EXPECT_TRUE(found.limits.empty());
    EXPECT_TRUE(found.budgets.empty());
    ASSERT_TRUE(found.reservation);
    EXPECT_FALSE(found.reservation->is_held);
    EXPECT_EQ(found.reservation->output_tokens,
              128'000);  // the model's limit: azure's is the dearest
    EXPECT_GT(found.reservation->usd, Money{});
}

}  // namespace
}  // namespace headgate::policy
