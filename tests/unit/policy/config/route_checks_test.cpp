#include "tests/unit/policy/config/route_policy.h"

namespace headgate::policy {
namespace {

struct Case {
    std::string_view routes;
    std::string_view problem;  // as told() has it; empty: none
};

void expect_problems(const std::vector<Case>& cases) {
    for (const auto& [routes, problem] : cases) {
        const LoadResult result = load_routes(routes);

        EXPECT_EQ(told(result), problem.empty() ? "" : std::string(problem) + "\n") << routes;
        EXPECT_EQ(result.snapshot == nullptr, problem.contains(": error: ")) << routes;
    }
}

TEST(RouteChecks, FindTargetsThatCanNeverServe) {
    expect_problems({
        {"  {name: r, model: gpt-5*, targets: [{provider: azure-eu, model: gpt-5}]}\n", ""},
        {"  {name: r, model: gpt-5*, targets: [{provider: azure-eu, model: gtp-5}]}\n",
         "16:66: error: \"routes.targets[0].model\" can never serve: provider `azure-eu` (line 4) "
         "does not have this model (did you mean `gpt-5`?)"},
        {"  {name: r, model: gpt-*, targets: [{provider: azure-eu}]}\n", ""},
        {"  {name: r, model: gpt-4*, targets: [{provider: azure-eu}]}\n",
         "16:38: error: \"routes.targets[0]\" can never serve: provider `azure-eu` (line 4) has "
         "none of the route's models; name one of its own as `model`"},
        {"  {name: r, model: \"*-70b\", targets: [{provider: local}]}\n", ""},
        {"  {name: r, model: [gpt-5, llama2], targets: [{provider: openai}, {provider: local}]}\n",
         "16:67: error: \"routes.targets[1]\" can never serve: provider `local` (line 9) has none "
         "of the route's models; name one of its own as `model`"},
        {"  {name: r, model: a, targets: [{provider: openai}, {provider: local, model: gpt-5}]}\n",
         "16:78: error: \"routes.targets[1].model\" can never serve: provider `local` (line 9) "
         "does not have this model"},
        {"  {name: r, model: gpt-4o, targets: [{provider: openai}, {provider: spare}]}\n", ""},
        {"  {name: r, model: my-own, targets: [{provider: openai}, {provider: spare}]}\n",
         "16:58: error: \"routes.targets[1]\" can never serve: provider `spare` (line 10) has none "
         "of the route's models; name one of its own as `model`"},
    });
}

TEST(RouteChecks, FindTargetsWhoseWireHasNoSuchEndpoint) {
    expect_problems({
        {"  {name: r, model: \"*\", when: {endpoint: moderations},\n"
         "   targets: [{provider: openai}, {provider: azure-eu}]}\n",
         "17:34: error: \"routes.targets[1]\" can never serve: provider `azure-eu` (line 4) has no "
         "moderations endpoint, and `when` asks for no other"},
        {"  {name: r, model: \"*\", when: {endpoint: [moderations, chat]},\n"
         "   targets: [{provider: azure-eu}]}\n",
         ""},
    });
}

TEST(RouteChecks, WarnOfRoutesThatAnEarlierOneShadows) {
    constexpr std::string_view to = ", targets: {provider: openai}";
    struct Pair {
        std::string_view earlier;
        std::string_view later;
        bool is_shadowed;
    };
    for (const auto& [earlier, later, is_shadowed] : std::vector<Pair>{
             {"model: \"*\"", "model: gpt-5*", true},
             {"model: gpt-5*", "model: [gpt-5, gpt-5-mini*]", true},
             {"model: [o4*, gpt-5*]", "model: [gpt-5-mini, o4-mini]", true},
             {"model: gpt-5*", "model: [gpt-5-mini, o4-mini]", false},
             {"model: gpt-5*", "model: gpt-*", false},
             {"model: \"*\", when: {stream: true}", "model: \"*\"", false},
             {"model: \"*\", when: {stream: true}", "model: a, when: {stream: true}", true},
             {"model: \"*\", when: {stream: true}", "model: a, when: {stream: false}", false},
             {"model: \"*\", when: {project: search}", "model: a", false},
             {"model: \"*\", when: {endpoint: [chat, responses]}",
              "model: a, when: {endpoint: chat}", true},
             {"model: \"*\", when: {endpoint: chat}",
              "model: a, when: {endpoint: [chat, responses]}", false},
             {"model: \"*\", when: {header: {x-t: b*}}", "model: a, when: {header: {X-T: bulk}}",
              true},
             {"model: \"*\", when: {header: {x-t: bulk}}", "model: a, when: {header: {x-t: b*}}",
              false},
             {"model: \"*\", when: {input_tokens: \"< 10\"}",
              "model: a, when: {input_tokens: \"<= 9\"}", true},
             {"model: \"*\", when: {input_tokens: \"< 10\"}",
              "model: a, when: {input_tokens: \"<= 10\"}", false},
             {"model: \"*\", when: {budget_used: \">= 50%\"}",
              "model: a, when: {budget_used: \"= 80%\"}", true},
             {"model: \"*\", when: {budget_used: \"> 80%\"}",
              "model: a, when: {budget_used: \">= 80%\"}", false},
         }) {
        const std::string routes = "  - {name: one, " + std::string(earlier) + std::string(to) +
                                   "}\n  - {name: two, " + std::string(later) + std::string(to) +
                                   "}\n";

        const LoadResult result = load_routes(routes);

        EXPECT_EQ(told(result),
                  is_shadowed ? "17:5: warning: \"routes[1]\" is never taken: route `one` in line "
                                "16 takes all that it matches\n"
                              : "")
            << routes;
    }
}

TEST(RouteChecks, WarnOfModelsThatNoRouteTakes) {
    const std::string policy =
        std::string(kProviders) +
        "projects:\n"
        "  a: {models: [gpt-5, o4-mini, o3*, \"*-embed\", mistral], keys: []}\n"
        "  b: {models: [special, mistral], keys: []}\n"
        "routes:\n"
        "  - {name: r, model: [gpt-5*, o4-mini], targets: {provider: openai}}\n"
        "  - {name: b, model: [special], when: {project: b}, targets: {provider: openai}}\n";

    const LoadResult result = load_text(policy);

    ASSERT_NE(result.snapshot, nullptr) << told(result);
    std::string warnings;
    for (const Problem& problem : result.problems) {
        if (!problem.message.contains("has no key")) {
            warnings += std::to_string(problem.line) + ": " + problem.message + "\n";
        }
    }
    EXPECT_EQ(warnings,
              "4: \"projects.a.models[2]\" matches no model that a route takes: its requests are "
              "refused\n"
              "4: \"projects.a.models[4]\" is a model that no route takes: its requests are "
              "refused\n"
              "5: \"projects.b.models[1]\" is a model that no route takes: its requests are "
              "refused\n");
}

TEST(RouteChecks, WarnOfSettingsThatDoNothing) {
    expect_problems({
        {"  {name: r, model: a, targets: [{provider: openai, weight: 2}]}\n",
         "16:60: warning: \"routes.targets[0].weight\" has no effect under `strategy: ordered` "
         "(`weighted` and `least_busy` look at weights)"},
        {"  {name: r, model: a, strategy: weighted, targets: [{provider: openai, weight: 2}]}\n",
         ""},
        {"  {name: r, model: a, affinity: prefix, targets: [{provider: openai, weight: 2}]}\n", ""},
        {"  {name: r, model: gpt-4o, targets: {provider: spare}}\n",
         "16:37: warning: \"routes.targets\" leads to disabled providers only: the route's "
         "requests fail"},
        {"  {name: r, model: a, when: {project: [search, idle]}, targets: {provider: openai}}\n",
         "16:48: warning: \"routes.when.project[1]\" names the disabled project `idle`, of which "
         "no request comes"},
    });
}

/// Every third project has a route of its own, and all of them a model that only those take.
std::string large_policy(int projects) {
    std::string text = std::string(kProviders) + "projects:\n";
    for (int i = 0; i < projects; ++i) {
        const std::string number = std::to_string(i);
        const std::string digest = number + std::string(64 - number.size(), 'a');
        text += "  p" + number + ": {models: [m" + number +
                "-x, gpt-5*], keys: [{name: k, sha256: " + digest + "}]}\n";
    }
    text += "routes:\n";
    for (int i = 0; i < projects; i += 3) {
        const std::string number = std::to_string(i);
        text += "  - {name: r" + number + ", model: [m" + number +
                "-*, gpt-5*], when: {project: p" + number + "}, targets: [{provider: openai}]}\n";
    }
    return text + "  - {name: rest, model: \"m*\", targets: [{provider: openai}]}\n";
}

TEST(RouteChecks, TellRoutesOfAThousandProjectsApart) {
    const LoadResult result = load_text(large_policy(900));

    ASSERT_NE(result.snapshot, nullptr) << told(result).substr(0, 500);
    EXPECT_EQ(result.snapshot->routes.size(), 301U);
    ASSERT_EQ(result.problems.size(), 600U);
    EXPECT_EQ(result.problems[0].message,
              "\"projects.p1.models[1]\" matches no model that a route takes: its requests are "
              "refused");
}

}  // namespace
}  // namespace headgate::policy
