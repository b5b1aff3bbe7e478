#include "tests/unit/policy/config/route_policy.h"

namespace headgate::policy {
namespace {

using std::chrono::milliseconds;

TEST(Routes, AreReadWithAllTheirSettings) {
    const LoadResult result = load_routes(
        "  - name: tight\n"
        "    model: [gpt-5*, o4*]\n"
        "    when:\n"
        "      project: [search]\n"
        "      endpoint: [responses, chat]\n"
        "      stream: true\n"
        "      header: {X-Tier: bulk*}\n"
        "      budget_used: \">= 80%\"\n"
        "      input_tokens: \"<= 32k\"\n"
        "    strategy: weighted\n"
        "    affinity: prefix\n"
        "    targets:\n"
        "      - {provider: openai}\n"
        "      - {provider: azure-eu, model: gpt-5, weight: 2}\n"
        "    fallback_on: [429, 529, timeout]\n"
        "    retry: {attempts: 5, backoff: 1s, max_backoff: 1s}\n"
        "    timeouts: {connect: 1s, first_byte: 2s, first_event: 3s, idle: 4s, total: 5s, "
        "stream_total: 6s}\n"
        "    breaker: {failures: 7, window: 8s, open_for: 9s, probe: models}\n"
        "    keepalive: 0s\n"
        "    on_client_gone: finish\n");

    ASSERT_NE(result.snapshot, nullptr) << told(result);
    EXPECT_EQ(told(result), "");
    ASSERT_EQ(result.snapshot->routes.size(), 1U);
    const Route& route = *result.snapshot->routes.front();
    EXPECT_EQ(route.name, "tight");
    EXPECT_EQ(route.models, (std::vector<std::string>{"gpt-5*", "o4*"}));
    EXPECT_FALSE(route.is_implicit);
    EXPECT_EQ(route.when.projects,
              std::vector<const Project*>{result.snapshot->projects.front().get()});
    EXPECT_EQ(route.when.endpoints, (std::vector<std::string>{"chat", "responses"}));
    EXPECT_EQ(route.when.stream, true);
    ASSERT_EQ(route.when.headers.size(), 1U);
    EXPECT_EQ(route.when.headers[0].name, "x-tier");
    EXPECT_EQ(route.when.headers[0].glob, "bulk*");
    EXPECT_EQ(route.when.budget_used->is, Comparison::Is::at_least);
    EXPECT_DOUBLE_EQ(route.when.budget_used->value, 0.8);
    EXPECT_EQ(route.when.budget_used->text, ">= 80%");
    EXPECT_EQ(route.when.input_tokens->is, Comparison::Is::at_most);
    EXPECT_DOUBLE_EQ(route.when.input_tokens->value, 32'000);
    EXPECT_EQ(route.strategy, Strategy::weighted);
    EXPECT_TRUE(route.has_prefix_affinity);
    ASSERT_EQ(route.targets.size(), 2U);
    EXPECT_EQ(route.targets[0].provider, &result.snapshot->providers[0]->provider);
    EXPECT_EQ(route.targets[0].model, "");
    EXPECT_EQ(route.targets[0].weight, 1);
    EXPECT_EQ(route.targets[1].provider->name, "azure-eu");
    EXPECT_EQ(route.targets[1].model, "gpt-5");
    EXPECT_EQ(route.targets[1].weight, 2);
    EXPECT_EQ(route.fallback_on.statuses.count(), 2U);
    EXPECT_TRUE(route.fallback_on.statuses.test(429) && route.fallback_on.statuses.test(529));
    EXPECT_TRUE(route.fallback_on.timeout);
    EXPECT_FALSE(route.fallback_on.connect || route.fallback_on.cut || route.fallback_on.invalid);
    EXPECT_EQ(route.retry.attempts, 5);
    EXPECT_EQ(route.retry.backoff, milliseconds{1'000});
    EXPECT_EQ(route.retry.max_backoff, milliseconds{1'000});
    EXPECT_EQ(route.timeouts.connect, milliseconds{1'000});
    EXPECT_EQ(route.timeouts.first_byte, milliseconds{2'000});
    EXPECT_EQ(route.timeouts.first_event, milliseconds{3'000});
    EXPECT_EQ(route.timeouts.idle, milliseconds{4'000});
    EXPECT_EQ(route.timeouts.total, milliseconds{5'000});
    EXPECT_EQ(route.timeouts.stream_total, milliseconds{6'000});
    EXPECT_EQ(route.breaker, (BreakerSettings{.failures = 7,
                                              .window = milliseconds{8'000},
                                              .open_for = milliseconds{9'000},
                                              .probes_models = true}));
    EXPECT_EQ(route.keepalive, milliseconds{0});
    EXPECT_EQ(route.on_client_gone, OnClientGone::finish);
}

TEST(Routes, HaveTheDefaultsOfThePolicyReference) {
    const LoadResult result =
        load_routes("  {name: rest, model: \"*\", targets: {provider: openai}}\n");

    ASSERT_NE(result.snapshot, nullptr) << told(result);
    const Route& route = *result.snapshot->routes.front();
    EXPECT_EQ(route.models, std::vector<std::string>{"*"});
    EXPECT_EQ(route.strategy, Strategy::ordered);
    EXPECT_FALSE(route.has_prefix_affinity);
    EXPECT_EQ(route.fallback_on.statuses.count(), 6U);
    for (const std::size_t status : {429U, 500U, 502U, 503U, 504U, 529U}) {
        EXPECT_TRUE(route.fallback_on.statuses.test(status)) << status;
    }
    EXPECT_TRUE(route.fallback_on.connect && route.fallback_on.timeout && route.fallback_on.cut &&
                route.fallback_on.invalid);
    EXPECT_EQ(route.retry.attempts, 3);
    EXPECT_EQ(route.timeouts.first_byte, milliseconds{600'000});
    EXPECT_EQ(route.timeouts.stream_total, milliseconds{3'600'000});
    EXPECT_EQ(route.breaker, BreakerSettings{});
    EXPECT_EQ(route.keepalive, milliseconds{15'000});
    EXPECT_EQ(route.on_client_gone, OnClientGone::cancel);
}

TEST(Routes, KeepTheOrderOfTheFileAndTheirPosition) {
    const LoadResult result = load_routes(
        "  - {name: b, model: gpt-5, targets: {provider: openai}}\n"
        "  - {name: a, model: \"*\", targets: [{provider: openai}, {provider: azure-eu}]}\n");

    ASSERT_NE(result.snapshot, nullptr) << told(result);
    ASSERT_EQ(result.snapshot->routes.size(), 2U);
    EXPECT_EQ(result.snapshot->routes[0]->name, "b");
    EXPECT_EQ(result.snapshot->routes[1]->name, "a");
    EXPECT_EQ(result.snapshot->routes[1]->position, 1U);
}

TEST(Routes, AreOneImplicitOverAllProvidersWhereThePolicyHasNone) {
    const LoadResult result = load_text(
        "providers:\n"
        "  a: {kind: openai, api_key: upstream-key-of-the-test}\n"
        "  b: {kind: simulator}\n" +
        std::string(kProjects));

    ASSERT_NE(result.snapshot, nullptr) << told(result);
    ASSERT_EQ(result.snapshot->routes.size(), 1U);
    const Route& route = *result.snapshot->routes.front();
    EXPECT_EQ(route.name, "default");
    EXPECT_TRUE(route.is_implicit);
    EXPECT_EQ(route.models, std::vector<std::string>{"*"});
    ASSERT_EQ(route.targets.size(), 2U);
    EXPECT_EQ(route.targets[0].provider->name, "a");
    EXPECT_EQ(route.targets[1].provider->name, "b");
    EXPECT_EQ(route.targets[0].model, "");
}

TEST(Routes, MaySayThatNothingMovesOrRepeats) {
    const LoadResult result =
        load_routes("  {name: r, model: \"*\", targets: {provider: openai}, fallback_on: []}\n");

    ASSERT_NE(result.snapshot, nullptr) << told(result);
    EXPECT_TRUE(result.snapshot->routes.front()->fallback_on.is_empty());
    EXPECT_FALSE(FallbackOn{}.is_empty());
}

TEST(Routes, ThatHangOnAMissingReferenceAreLeftOutByCheckAlone) {
    const std::string policy = with_routes(
        "  - {name: a, model: gpt-5, targets: {provider: \"${REGION}\"}}\n"
        "  - {name: b, model: gpt-5, when: {project: \"${TEAM}\"}, targets: {provider: openai}}\n"
        "  - {name: c, model: \"${MODEL}\", targets: {provider: azure-eu}}\n");

    const LoadResult checked = load_text(policy, options_with({}, false));
    const LoadResult served = load_text(
        policy, options_with({{"REGION", "azure-eu"}, {"TEAM", "search"}, {"MODEL", "gpt-*"}}));

    ASSERT_NE(checked.snapshot, nullptr);
    EXPECT_EQ(told(checked), "");
    ASSERT_EQ(checked.snapshot->routes.size(), 1U);
    EXPECT_EQ(checked.snapshot->routes[0]->name, "c");
    ASSERT_NE(served.snapshot, nullptr) << told(served);
    EXPECT_EQ(served.snapshot->routes.size(), 3U);
}

TEST(Comparisons, HoldAsTheyRead) {
    struct Case {
        std::string_view text;
        double below;
        double same;
        double above;
    };
    for (const auto& [text, below, same, above] : std::vector<Case>{{"< 10", 1, 0, 0},
                                                                    {"<= 10", 1, 1, 0},
                                                                    {"= 10", 0, 1, 0},
                                                                    {"== 10", 0, 1, 0},
                                                                    {">= 10", 0, 1, 1},
                                                                    {">10", 0, 0, 1}}) {
        const LoadResult result = load_routes(
            "  {name: r, model: \"*\", targets: {provider: openai}, when: "
            "{input_tokens: \"" +
            std::string(text) + "\"}}\n");
        ASSERT_NE(result.snapshot, nullptr) << told(result);
        const Comparison& comparison = *result.snapshot->routes.front()->when.input_tokens;

        EXPECT_EQ(comparison.holds(9), below != 0) << text;
        EXPECT_EQ(comparison.holds(10), same != 0) << text;
        EXPECT_EQ(comparison.holds(11), above != 0) << text;
    }
}

}  // namespace
}  // namespace headgate::policy
