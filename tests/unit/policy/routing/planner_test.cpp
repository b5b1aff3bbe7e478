#include "policy/routing/planner.h"

namespace headgate::policy {
namespace {

using providers::ProviderKind;

class PlannerTest : public testing::Test {
protected:
    PlannerTest() { project_.id = "search"; }

    providers::Provider& add(std::string name,
                             ProviderKind kind,
                             std::vector<std::string> models = {}) {
        auto settings = std::make_unique<ProviderSettings>();
        settings->provider.name = std::move(name);
        settings->provider.kind = kind;
        settings->provider.models = std::move(models);
        snapshot_.providers.push_back(std::move(settings));
        return snapshot_.providers.back()->provider;
    }

    providers::Result<Plan> plan_for(std::string_view model, std::string_view path = kChat) {
        request_.endpoint = providers::classify(providers::Method::post, path).endpoint;
        request_.model = model;
        return plan(snapshot_, project_, request_);
    }

    /// "a b" of the targets' providers, then "| c:reason" of the skipped ones.
    static std::string told(const providers::Result<Plan>& plan) {
        if (!plan) {
            return std::string(to_string(plan.error().code));
        }
        std::string text;
        for (const providers::Target& target : plan->targets) {
            text += target.provider->name + " ";
        }
        for (const SkippedTarget& skipped : plan->skipped) {
            text += "| " + std::string(skipped.provider) + ":" + std::string(skipped.reason);
        }
        return text;
    }

    static constexpr std::string_view kChat = "/v1/chat/completions";

    Snapshot snapshot_;
    Project project_;
    providers::ApiRequest request_;
};

TEST_F(PlannerTest, TakesAllProvidersThatServeTheModelInTheOrderOfTheFile) {
    add("local", ProviderKind::openai_compatible, {"llama3*"});
    add("first", ProviderKind::openai);
    add("second", ProviderKind::openai_compatible, {"gpt-5*", "x"});

    EXPECT_EQ(told(plan_for("gpt-5")), "first second ");
    EXPECT_EQ(told(plan_for("llama3.1")), "local first ");
    EXPECT_EQ(plan_for("gpt-5")->route, "default");
    EXPECT_EQ(plan_for("gpt-5")->targets[1].model, "gpt-5");
}

TEST_F(PlannerTest, SkipsDisabledProvidersAndSaysSo) {
    add("off", ProviderKind::openai).enabled = false;
    add("on", ProviderKind::openai);

    EXPECT_EQ(told(plan_for("gpt-5")), "on | off:disabled");
}

TEST_F(PlannerTest, UsesASimulatorOnlyWhereThePolicyHasNothingElse) {
    add("rehearsal", ProviderKind::simulator);
    EXPECT_EQ(told(plan_for("gpt-5")), "rehearsal ");

    providers::Provider& real = add("real", ProviderKind::openai_compatible, {"llama3*", "gpt-5"});
    EXPECT_EQ(told(plan_for("gpt-5")), "real | rehearsal:simulator");
    EXPECT_EQ(told(plan_for("gpt-4o")), "model_not_found");

    real.enabled = false;
    EXPECT_EQ(told(plan_for("gpt-5")), "model_not_found");
}

TEST_F(PlannerTest, LetsASimulatorServeTheCataloguesOpenAiModelsOnly) {
    add("rehearsal", ProviderKind::simulator);

    EXPECT_EQ(told(plan_for("gpt-5")), "rehearsal ");
    EXPECT_EQ(told(plan_for("no-such-model")), "model_not_found");
    EXPECT_EQ(told(plan_for("claude-sonnet-4-5")), "model_not_found");

    snapshot_.providers[0]->provider.models = {"no-such-*"};
    EXPECT_EQ(told(plan_for("no-such-model")), "rehearsal ");
    EXPECT_EQ(told(plan_for("gpt-5")), "model_not_found");
}

TEST_F(PlannerTest, ChecksTheEndpointThenTheModelThenTheTargets) {
    project_.endpoints = {"embeddings"};
    project_.models = {"gpt-5*"};

    const auto endpoint = plan_for("gpt-4o");
    project_.endpoints = {"embeddings", "chat"};
    const auto model = plan_for("gpt-4o");
    const auto target = plan_for("gpt-5");

    ASSERT_EQ(told(endpoint), "endpoint_not_allowed");
    EXPECT_EQ(endpoint.error().message,
              "Project \"search\" may not use the endpoint family \"chat\"; it may use: "
              "embeddings.");
    ASSERT_EQ(told(model), "model_not_allowed");
    EXPECT_EQ(model.error().param, "model");
    EXPECT_EQ(model.error().message,
              "Project \"search\" may not use the model \"gpt-4o\"; it may use: gpt-5*.");
    ASSERT_EQ(told(target), "model_not_found");
    EXPECT_EQ(target.error().param, "model");
    EXPECT_NE(target.error().message.find("no provider of the policy serves it"),
              std::string::npos);
}

TEST_F(PlannerTest, ListsAFewAllowedNamesAtMost) {
    project_.models = {"a", "b", "c", "d", "e", "f"};

    const auto refused = plan_for("gpt-5");

    EXPECT_NE(refused.error().message.find("it may use: a, b, c, d, e and others."),
              std::string::npos);
}

TEST_F(PlannerTest, TellsThatTheOnlyProviderIsDisabled) {
    add("off", ProviderKind::openai).enabled = false;

    const auto refused = plan_for("gpt-5");

    EXPECT_NE(refused.error().message.find("off: disabled"), std::string::npos);
}

TEST_F(PlannerTest, ListsUsableModelsSortedAndOnce) {
    add("first", ProviderKind::openai, {"gpt-5", "gpt-5-mini", "own-model"});
    add("second", ProviderKind::openai_compatible, {"gpt-5", "zz*"});
    project_.models = {"gpt-5", "own-*", "zz-top", "absent"};

    EXPECT_EQ(usable_models(snapshot_, project_),
              (std::vector<std::string_view>{"gpt-5", "own-model", "zz-top"}));
}

TEST_F(PlannerTest, ListsTheCatalogueOfAProviderWithoutAList) {
    add("openai", ProviderKind::openai);
    project_.models = {"gpt-5*"};

    const std::vector<std::string_view> models = usable_models(snapshot_, project_);

    EXPECT_TRUE(std::ranges::is_sorted(models));
    EXPECT_NE(std::ranges::find(models, "gpt-5"), models.end());
    EXPECT_EQ(std::ranges::find(models, "gpt-4o"), models.end());
    for (const std::string_view model : models) {
        EXPECT_EQ(told(plan_for(model)), "openai ") << model;
    }
}

TEST_F(PlannerTest, ListsNothingThatIsSwitchedOff) {
    add("off", ProviderKind::openai).enabled = false;
    add("rehearsal", ProviderKind::simulator);

    EXPECT_TRUE(usable_models(snapshot_, project_).empty());
}

}  // namespace
}  // namespace headgate::policy
