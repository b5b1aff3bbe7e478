#include "policy/routing/router.h"

#include "tests/unit/policy/routing/policy_in_code.h"

namespace headgate::policy {
namespace {

using providers::ProviderKind;
using std::chrono::milliseconds;
using std::chrono::seconds;

class RouterTest : public testing::Test {
protected:
    std::string told_for(std::string_view model, std::string_view path = kChat) {
        return told(policy_.plan(policy_.facts(model, path)), model);
    }

    std::string message_for(std::string_view model) {
        const auto plan = policy_.plan(policy_.facts(model));
        return plan ? "planned" : plan.error().message;
    }

    static constexpr std::string_view kChat = "/v1/chat/completions";
    static constexpr std::string_view kModerations = "/v1/moderations";

    PolicyInCode policy_;
};

TEST_F(RouterTest, TakesWithoutRoutesAllProvidersThatServeTheModelInTheOrderOfTheFile) {
    policy_.provider("local", {"llama3*"}, ProviderKind::openai_compatible);
    policy_.provider("first");
    policy_.provider("second", {"gpt-5*", "x"}, ProviderKind::openai_compatible);
    policy_.implicit_route();

    const auto plan = policy_.plan(policy_.facts("gpt-5"));

    EXPECT_EQ(told(plan, "gpt-5"), "first second");
    EXPECT_EQ(told_for("llama3.1"), "local first");
    EXPECT_EQ(plan->route->name, "default");
    EXPECT_EQ(plan->targets[1].health, &policy_.health("second", "gpt-5"));
}

TEST_F(RouterTest, UsesASimulatorWithoutRoutesOnlyWhereThePolicyHasNothingElse) {
    policy_.provider("rehearsal", {}, ProviderKind::simulator);
    Route& route = policy_.implicit_route();
    EXPECT_EQ(told_for("gpt-5"), "rehearsal");
    EXPECT_EQ(told_for("no-such-model"), "model_not_found");

    providers::Provider& real = policy_.provider("real", {"llama3*", "gpt-5"});
    route.targets.push_back({.provider = &real, .model = {}});
    EXPECT_EQ(told_for("gpt-5"), "real | rehearsal:simulator");
    EXPECT_EQ(told_for("gpt-4o"), "model_not_found");

    real.enabled = false;
    EXPECT_EQ(told_for("gpt-5"), "model_not_found");
}

TEST_F(RouterTest, LetsASimulatorServeWhereARouteNamesIt) {
    policy_.provider("real");
    policy_.provider("rehearsal", {}, ProviderKind::simulator);
    policy_.route("both");

    EXPECT_EQ(told_for("gpt-5"), "real rehearsal");
}

TEST_F(RouterTest, AsksEachTargetForItsOwnModel) {
    providers::Provider& openai = policy_.provider("openai");
    providers::Provider& local = policy_.provider("local", {"llama3*"});
    policy_.route("cheap", {"gpt-5*"}).targets = {{.provider = &openai, .model = {}},
                                                  {.provider = &openai, .model = "gpt-5-mini"},
                                                  {.provider = &local, .model = "llama3.1"}};

    EXPECT_EQ(told_for("gpt-5"), "openai openai/gpt-5-mini local/llama3.1");
    // Both targets of openai come down to the same.
    EXPECT_EQ(told_for("gpt-5-mini"), "openai local/llama3.1");
}

TEST_F(RouterTest, SkipsWhatCanNeverServeAndSaysWhy) {
    policy_.provider("off").enabled = false;
    policy_.provider("narrow", {"llama3*"});
    policy_.provider("azure").wire = providers::WireFormat::azure;
    policy_.provider("on");
    policy_.route("all");

    EXPECT_EQ(told_for("omni-moderation-latest", kModerations),
              "on | off:disabled | narrow:model | azure:endpoint");
    EXPECT_EQ(told_for("gpt-5"), "azure on | off:disabled | narrow:model");
}

TEST_F(RouterTest, SkipsTargetsThatHaveToRestWhileAnotherCanServe) {
    policy_.provider("broken");
    policy_.provider("limited");
    policy_.provider("unpaid");
    policy_.provider("refused");
    policy_.provider("well");
    policy_.route("all");
    policy_.record("broken", "gpt-5", failure());
    policy_.record("limited", "gpt-5", rate_limited(seconds{3}));
    policy_.record("unpaid", "gpt-5", {.kind = AttemptReport::Kind::quota, .retry_after = {}});
    policy_.record("refused", "gpt-5", {.kind = AttemptReport::Kind::auth, .retry_after = {}});

    EXPECT_EQ(told_for("gpt-5"),
              "well | broken:breaker_open | limited:rate_limit | unpaid:quota | refused:auth");
    // Health is a target's, not a provider's.
    EXPECT_EQ(told_for("gpt-4o"), "broken limited unpaid refused well");
}

TEST_F(RouterTest, PutsAHalfOpenTargetBackInItsPlace) {
    policy_.provider("broken");
    policy_.provider("well");
    policy_.route("all");
    policy_.record("broken", "gpt-5", failure());
    EXPECT_EQ(told_for("gpt-5"), "well | broken:breaker_open");

    policy_.pass(seconds{11});

    EXPECT_EQ(told_for("gpt-5"), "broken well");
}

TEST_F(RouterTest, LeavesTheOneThatRestsShortestAsTheLastResort) {
    policy_.provider("broken");  // for ten seconds
    policy_.provider("limited");
    policy_.provider("too");
    policy_.provider("off").enabled = false;
    policy_.route("all");
    policy_.record("broken", "gpt-5", failure());
    policy_.record("limited", "gpt-5", rate_limited(seconds{4}));
    policy_.record("too", "gpt-5", rate_limited(seconds{4}));

    EXPECT_EQ(told_for("gpt-5"), "!limited | broken:breaker_open | too:rate_limit | off:disabled");
}

TEST_F(RouterTest, TakesTheFirstRouteThatMatches) {
    policy_.provider("openai");
    policy_.route("streams", {"gpt-5*"}).when.stream = true;
    policy_.route("flagship", {"gpt-5*"});
    policy_.route("rest");
    Facts facts = policy_.facts("gpt-5");

    EXPECT_EQ(policy_.plan(facts)->route->name, "flagship");
    facts.stream = true;
    EXPECT_EQ(policy_.plan(facts)->route->name, "streams");
    facts.model = "o4-mini";
    EXPECT_EQ(policy_.plan(facts)->route->name, "rest");
}

TEST_F(RouterTest, ChecksTheEndpointThenTheModelThenTheRoute) {
    policy_.provider("openai", {"gpt-4o"});
    policy_.implicit_route();
    Project& project = *policy_.snapshot().projects.front();
    project.endpoints = {"embeddings"};
    project.models = {"gpt-5*"};

    const auto endpoint = policy_.plan(policy_.facts("gpt-4o"));
    project.endpoints = {"embeddings", "chat"};
    const auto model = policy_.plan(policy_.facts("gpt-4o"));
    const auto target = policy_.plan(policy_.facts("gpt-5"));

    ASSERT_EQ(told(endpoint, ""), "endpoint_not_allowed");
    EXPECT_EQ(endpoint.error().message,
              "Project \"search\" may not use the endpoint family \"chat\"; it may use: "
              "embeddings.");
    ASSERT_EQ(told(model, ""), "model_not_allowed");
    EXPECT_EQ(model.error().param, "model");
    EXPECT_EQ(model.error().message,
              "Project \"search\" may not use the model \"gpt-4o\"; it may use: gpt-5*.");
    ASSERT_EQ(told(target, ""), "model_not_found");
    EXPECT_EQ(target.error().param, "model");
    EXPECT_EQ(target.error().message,
              "The model \"gpt-5\" is not available here: no provider of the policy serves it. "
              "`GET /v1/models` lists what is.");
}

TEST_F(RouterTest, ListsAFewAllowedNamesAtMost) {
    policy_.implicit_route();
    policy_.snapshot().projects.front()->models = {"a", "b", "c", "d", "e", "f"};

    EXPECT_NE(message_for("gpt-5").find("it may use: a, b, c, d, e and others."),
              std::string::npos);
}

TEST_F(RouterTest, TellsWhyNothingCanServe) {
    policy_.provider("off").enabled = false;
    Route& narrow = policy_.route("narrow", {"gpt-5*"});
    const std::string skipped = message_for("gpt-5");
    const std::string unrouted = message_for("o4-mini");
    narrow.when.stream = true;
    const std::string conditional = message_for("gpt-5");
    policy_.snapshot().routes.clear();
    policy_.implicit_route();
    const std::string disabled = message_for("gpt-5");

    EXPECT_NE(skipped.find("no target of the route \"narrow\" can serve it (off/gpt-5: disabled)"),
              std::string::npos);
    EXPECT_NE(unrouted.find("no route of the policy takes it"), std::string::npos);
    EXPECT_NE(conditional.find("set conditions that this request does not meet"),
              std::string::npos);
    EXPECT_NE(disabled.find("none is in use (off: disabled)"), std::string::npos);
}

TEST_F(RouterTest, TellsWhatItNeedsToKnow) {
    policy_.provider("openai");
    policy_.route("plain");
    const Router plain{policy_.snapshot()};
    Route& tight = policy_.route("tight");
    tight.when.headers = {{.name = "x-tier", .glob = "bulk"}, {.name = "x-a", .glob = "*"}};
    tight.has_prefix_affinity = true;
    policy_.route("again").when.headers = {{.name = "x-tier", .glob = "gold"}};
    const Router affine{policy_.snapshot()};
    policy_.route("cheap").strategy = Strategy::cheapest;
    const Router cheap{policy_.snapshot()};

    EXPECT_TRUE(plain.needs().headers.empty());
    EXPECT_FALSE(plain.needs().prefix);
    EXPECT_EQ(affine.needs().headers, (std::vector<std::string>{"x-a", "x-tier"}));
    EXPECT_TRUE(affine.needs().prefix);
    EXPECT_FALSE(affine.needs().input_tokens);
    EXPECT_TRUE(cheap.needs().input_tokens);
}

}  // namespace
}  // namespace headgate::policy
