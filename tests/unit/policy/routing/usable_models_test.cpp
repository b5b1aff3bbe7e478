#include "policy/routing/router.h"
#include "tests/unit/policy/routing/policy_in_code.h"

namespace headgate::policy {
namespace {

using Names = std::vector<std::string_view>;
using providers::ProviderKind;

class UsableModelsTest : public testing::Test {
protected:
    Names usable() {
        router_.emplace(policy_.snapshot());
        return router_->usable_models(*policy_.snapshot().projects.front());
    }
    void allow(std::vector<std::string> models) {
        policy_.snapshot().projects.front()->models = std::move(models);
    }

    PolicyInCode policy_;
    std::optional<Router> router_;
};

TEST_F(UsableModelsTest, AreSortedAndOnce) {
    policy_.provider("first", {"gpt-5", "gpt-5-mini", "own-model"});
    policy_.provider("second", {"gpt-5", "zz*"}, ProviderKind::openai_compatible);
    policy_.implicit_route();
    allow({"gpt-5", "own-*", "zz-top", "absent"});

    EXPECT_EQ(usable(), (Names{"gpt-5", "own-model", "zz-top"}));
}

TEST_F(UsableModelsTest, AreTheCataloguesWhereAProviderHasNoList) {
    policy_.provider("openai");
    policy_.implicit_route();
    allow({"gpt-5*"});

    const Names models = usable();

    EXPECT_TRUE(std::ranges::is_sorted(models));
    EXPECT_NE(std::ranges::find(models, "gpt-5"), models.end());
    EXPECT_EQ(std::ranges::find(models, "gpt-4o"), models.end());
    for (const std::string_view model : models) {
        EXPECT_EQ(told(policy_.plan(policy_.facts(model)), model), "openai") << model;
    }
}

TEST_F(UsableModelsTest, LeaveOutWhatIsSwitchedOff) {
    policy_.provider("off").enabled = false;
    policy_.provider("rehearsal", {}, ProviderKind::simulator);
    policy_.implicit_route();

    EXPECT_TRUE(usable().empty());
}

TEST_F(UsableModelsTest, AreThoseThatSomeRouteLeadsSomewhere) {
    providers::Provider& openai = policy_.provider("openai", {"gpt-5", "gpt-4o", "o4-mini"});
    policy_.route("fast", {"fast", "faster*"}).targets = {{.provider = &openai, .model = "gpt-5"}};
    policy_.route("wrong", {"slow"}).targets = {{.provider = &openai, .model = "gpt-3"}};
    policy_.route("some", {"gpt-*"});

    EXPECT_EQ(usable(), (Names{"fast", "gpt-4o", "gpt-5"}));
}

TEST_F(UsableModelsTest, LeaveOutWhatAnEarlierRouteTakesWithoutServingIt) {
    providers::Provider& openai = policy_.provider("openai", {"gpt-5", "gpt-4o"});
    Route& dead = policy_.route("dead", {"gpt-5"});
    dead.targets = {{.provider = &openai, .model = "gpt-3"}};
    policy_.route("rest");
    const Names hidden = usable();
    dead.when.stream = true;
    const Names open = usable();

    EXPECT_EQ(hidden, (Names{"gpt-4o"}));
    EXPECT_EQ(open, (Names{"gpt-4o", "gpt-5"}));
}

TEST_F(UsableModelsTest, AreOfAzureItsDeployments) {
    policy_.provider("azure", {}, ProviderKind::azure).deployments = {
        {.model = "gpt-5", .name = "prod"}, {.model = "own-tuned", .name = "tuned"}};
    policy_.implicit_route();

    EXPECT_EQ(usable(), (Names{"gpt-5", "own-tuned"}));
    EXPECT_EQ(told(policy_.plan(policy_.facts("own-tuned")), "own-tuned"), "azure");
    EXPECT_EQ(told(policy_.plan(policy_.facts("tuned")), "tuned"), "model_not_found");
}

TEST_F(UsableModelsTest, AreThoseOfTheRoutesForTheProject) {
    policy_.provider("openai", {"gpt-5", "gpt-4o"});
    policy_.route("others", {"gpt-5"}).when.projects = {&policy_.project("other")};
    policy_.route("all", {"gpt-4o"});

    EXPECT_EQ(usable(), (Names{"gpt-4o"}));
}

}  // namespace
}  // namespace headgate::policy
