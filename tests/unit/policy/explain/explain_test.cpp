#include "tests/unit/policy/explain/example_policy.h"

namespace headgate::policy {
namespace {

using providers::Money;
using providers::Tokens;

TEST_F(ExamplePolicy, ServesByTheFirstTargetOfTheRoute) {
    const Explanation found = explained(question());

    EXPECT_TRUE(found.served);
    EXPECT_EQ(found.status, 200);
    EXPECT_EQ(found.code, "");
    EXPECT_EQ(found.route, "flagship");
    EXPECT_EQ(attempts_of(found), "openai/gpt-5=200");
}

TEST_F(ExamplePolicy, TellsWhyTheEarlierRouteDoesNotMatchAndWhyTheTakenOneDoes) {
    const Explanation found = explained(question());

    ASSERT_EQ(found.routes.size(), 2U);  // the third is not looked at
    EXPECT_EQ(found.routes[0].name, "tight");
    EXPECT_FALSE(found.routes[0].matched);
    EXPECT_NE(found.routes[0].because, "");
    EXPECT_TRUE(found.routes[1].matched);
    EXPECT_EQ(found.routes[1].because, "model gpt-5 matches gpt-5*");
}

TEST_F(ExamplePolicy, NamesTheConditionsThatWereMet) {
    Question asked = question();
    asked.stream = true;
    asked.headers = {{"x-tier", "bulk"}};
    asked.budget_used = 0.85;

    const Explanation found = explained(asked);

    EXPECT_EQ(found.route, "tight");
    EXPECT_EQ(found.routes[0].because,
              "model gpt-5 matches gpt-5*; when: project search, endpoint chat, streamed, header "
              "x-tier = bulk, budget used >= 80%, input tokens <= 32k");
}

TEST_F(ExamplePolicy, TellsEveryRouteWhereNoneMatches) {
    const Explanation found = explained(question("unrouted"));

    EXPECT_EQ(found.status, 404);
    EXPECT_EQ(found.code, "model_not_found");
    EXPECT_EQ(found.route, "");
    EXPECT_EQ(found.routes.size(), 3U);
    EXPECT_TRUE(std::ranges::none_of(found.routes, &Explanation::RouteLine::matched));
}

TEST_F(ExamplePolicy, TellsWhichTargetsWereSkipped) {
    const Explanation found = explained(question());

    ASSERT_EQ(found.skipped.size(), 1U);
    EXPECT_EQ(found.skipped[0].provider, "resting");
    EXPECT_EQ(found.skipped[0].model, "gpt-5");
    EXPECT_EQ(found.skipped[0].reason, "disabled");
}

TEST_F(ExamplePolicy, NamesTheDeploymentOfAnAzureTarget) {
    Question asked = question();
    asked.providers["openai"] = *parse_supposed_answer("timeout");

    const Explanation found = explained(asked);

    ASSERT_EQ(attempts_of(found), "openai/gpt-5=timeout azure-eu/gpt-5=200");
    EXPECT_EQ(found.attempts[0].deployment, "");
    EXPECT_EQ(found.attempts[1].deployment, "gpt5-prod");
}

TEST_F(ExamplePolicy, ChangesNoHealth) {
    Question asked = question();
    asked.providers["openai"] = *parse_supposed_answer("503");

    for (int i = 0; i < 20; ++i) {
        explained(asked);
    }

    EXPECT_EQ(attempts_of(explained(question())), "openai/gpt-5=200");
}

struct Refusal {
    std::string what;
    std::function<void(Question&)> change;
    int status;
    std::string code;
};

TEST_F(ExamplePolicy, RefusesInTheOrderOfTheChecks) {
    const Refusal refusals[] = {
        {"project", [](Question& q) { q.project = "nobody"; }, 401, "invalid_api_key"},
        {"disabled", [](Question& q) { q.project = "closed"; }, 403, "project_disabled"},
        {"family", [](Question& q) { q.endpoint = "poems"; }, 404, "unknown_url"},
        {"relayed", [](Question& q) { q.endpoint = "files"; }, 404, "endpoint_not_supported"},
        {"endpoint", [](Question& q) { q.endpoint = "moderations", q.model = "/"; }, 403,
         "endpoint_not_allowed"},
        {"no model", [](Question& q) { q.model = ""; }, 400, "invalid_request"},
        {"bad model", [](Question& q) { q.model = "../gpt-5"; }, 400, "invalid_request"},
        {"model", [](Question& q) { q.model = "o4-mini"; }, 403, "model_not_allowed"},
        {"route", [](Question& q) { q.model = "unrouted"; }, 404, "model_not_found"},
    };
    for (const Refusal& refusal : refusals) {
        Question asked = question();
        refusal.change(asked);

        const Explanation found = explained(asked);

        EXPECT_FALSE(found.served) << refusal.what;
        EXPECT_EQ(found.status, refusal.status) << refusal.what;
        EXPECT_EQ(found.code, refusal.code) << refusal.what;
        EXPECT_NE(found.message, "") << refusal.what;
        EXPECT_TRUE(found.attempts.empty()) << refusal.what;
        EXPECT_FALSE(found.price) << refusal.what;
        EXPECT_FALSE(found.reservation) << refusal.what;
        EXPECT_TRUE(found.limits.empty()) << refusal.what;
    }
}

struct Failures {
    std::string model;
    std::string openai, azure, claude;
    int status;
    std::string code;
    std::string attempts;
};

TEST_F(ExamplePolicy, EndsAsTheAttemptsDid) {
    const Failures cases[] = {
        {"gpt-5", "400", "200", "200", 400, "", "openai/gpt-5=400"},
        {"gpt-5", "403", "200", "200", 403, "", "openai/gpt-5=403"},
        {"gpt-5", "401", "200", "200", 200, "", "openai/gpt-5=401 azure-eu/gpt-5=200"},
        {"gpt-5", "402", "404", "200", 404, "", "openai/gpt-5=402 azure-eu/gpt-5=404"},
        {"gpt-5", "timeout", "timeout", "timeout", 504, "upstream_timeout",
         "openai/gpt-5=timeout azure-eu/gpt-5=timeout claude/claude-sonnet-4-5=timeout"},
        {"gpt-5", "429", "429", "429", 429, "rate_limit_exceeded",
         "openai/gpt-5=429 azure-eu/gpt-5=429 claude/claude-sonnet-4-5=429"},
        {"gpt-5", "500", "cut", "connect", 503, "upstream_unavailable",
         "openai/gpt-5=500 azure-eu/gpt-5=cut claude/claude-sonnet-4-5=connect"},
        {"text-embedding-3-small", "429", "", "", 429, "", "openai/text-embedding-3-small=429"},
        {"text-embedding-3-small", "401", "", "", 502, "provider_auth_failed",
         "openai/text-embedding-3-small=401"},
        {"text-embedding-3-small", "402", "", "", 503, "provider_quota_exhausted",
         "openai/text-embedding-3-small=402"},
        {"text-embedding-3-small", "cut", "", "", 503, "upstream_unavailable",
         "openai/text-embedding-3-small=cut"},
    };
    for (const Failures& failures : cases) {
        Question asked = question(failures.model);
        asked.endpoint = failures.model == "gpt-5" ? "chat" : "embeddings";
        asked.providers["openai"] = *parse_supposed_answer(failures.openai);
        if (!failures.azure.empty()) {
            asked.providers["azure-eu"] = *parse_supposed_answer(failures.azure);
            asked.providers["claude"] = *parse_supposed_answer(failures.claude);
        }

        const Explanation found = explained(asked);

        EXPECT_EQ(attempts_of(found), failures.attempts);
        EXPECT_EQ(found.status, failures.status) << failures.attempts;
        EXPECT_EQ(found.code, failures.code) << failures.attempts;
        EXPECT_EQ(found.served, failures.status == 200) << failures.attempts;
    }
}

TEST_F(ExamplePolicy, PricesTheWorkedExample) {
    Question asked = question();
    asked.usage = providers::Usage{};
    asked.usage->input = Tokens{2'000'000};
    asked.usage->output = Tokens{500'000};

    const Explanation found = explained(asked);

    EXPECT_EQ(found.cost, *Money::parse("7.50"));
    ASSERT_TRUE(found.price);
    EXPECT_EQ(found.price->input, *Money::parse("1.25"));
    EXPECT_EQ(found.price->output, *Money::parse("10"));
    EXPECT_EQ(found.price->cached_input, *Money::parse("0.125"));
    EXPECT_EQ(found.price->source, "catalogue");
}

TEST_F(ExamplePolicy, PricesByTheTargetThatServedWithItsMultiplier) {
    Question asked = question();
    asked.providers["openai"] = *parse_supposed_answer("503");
    asked.usage = providers::Usage{};
    asked.usage->input = Tokens{1'000'000};

    const Explanation found = explained(asked);

    EXPECT_EQ(found.cost, *Money::parse("1.375"));
    EXPECT_EQ(found.price->output, *Money::parse("11"));
}

TEST_F(ExamplePolicy, CostsNothingKnownWhereNobodyServed) {
    Question asked = question();
    asked.providers["openai"] = *parse_supposed_answer("400");
    asked.usage = providers::Usage{};

    const Explanation found = explained(asked);

    EXPECT_FALSE(found.cost);
    EXPECT_EQ(found.price->input, *Money::parse("1.25"));  // of the first target
}

TEST_F(AskedPolicy, TellsTheImplicitRouteAsSuch) {
    const TemporaryFile file{with_basics("")};
    load(file.path());

    const Explanation found = explained(question());

    EXPECT_EQ(found.route, "default");
    ASSERT_EQ(found.routes.size(), 1U);
    EXPECT_EQ(found.routes[0].because,
              "the policy has no routes: every provider that serves gpt-5");
}

}  // namespace
}  // namespace headgate::policy
