#include "tests/unit/policy/config/route_policy.h"

namespace headgate::policy {
namespace {

struct Case {
    std::string_view routes;
    std::string_view problem;  // "LINE:COLUMN: …" as told() has it
};

void expect_problems(const std::vector<Case>& cases) {
    for (const auto& [routes, problem] : cases) {
        const LoadResult result = load_routes(routes);

        EXPECT_EQ(told(result), std::string(problem) + "\n") << routes;
        EXPECT_EQ(result.snapshot == nullptr, problem.contains(": error: ")) << routes;
    }
}

/// A route of which only `more` can be at fault.
std::string route_with(std::string_view more) {
    return "  - {name: r, model: \"*\", targets: [{provider: openai}],\n" + std::string(more) +
           "}\n";
}

struct SettingCase {
    std::string_view setting;  // line 17
    std::string_view problem;  // of it, "COLUMN: …"
};

void expect_setting_problems(const std::vector<SettingCase>& cases) {
    for (const auto& [setting, problem] : cases) {
        const LoadResult result = load_routes(route_with(setting));

        EXPECT_EQ(told(result), "17:" + std::string(problem) + "\n") << setting;
        EXPECT_EQ(result.snapshot == nullptr, problem.contains(": error: ")) << setting;
    }
}

TEST(RouteProblems, TellWhatARouteNeeds) {
    expect_problems({
        {"  []\n",
         "16:3: error: \"routes\" is an empty list; leave it out for one route over all providers"},
        {"", "15:1: error: \"routes\" has no value"},
        {"  - rest\n", "16:5: error: \"routes[0]\" must be a map of settings (`name: value`)"},
        {"  - {model: \"*\", targets: {provider: openai}}\n",
         "16:5: error: \"routes[0].name\" is missing; write for example `name: flagship`"},
        {"  - {name: a b, model: \"*\", targets: {provider: openai}}\n",
         "16:12: error: \"routes[0].name\" must be a name of 1 to 64 letters, digits, `_`, `.` and "
         "`-`"},
        {"  - {name: r, targets: {provider: openai}}\n",
         "16:5: error: \"routes[0].model\" is missing; write for example `model: \"*\"`"},
        {"  - {name: r, model: [], targets: {provider: openai}}\n",
         "16:22: error: \"routes[0].model\" must hold at least one model or pattern such as "
         "gpt-5*"},
        {"  - {name: r, model: \"gpt 5\", targets: {provider: openai}}\n",
         "16:22: error: \"routes[0].model\" must be a model's name or a pattern such as gpt-5*"},
        {"  - {name: r, model: \"*\"}\n",
         "16:5: error: \"routes[0].targets\" is missing; write for example `targets: [{provider: "
         "openai}]`"},
        {"  - {name: r, model: \"*\", targets: []}\n",
         "16:36: error: \"routes[0].targets\" must hold at least one target such as {provider: "
         "openai}"},
        {"  - {name: r, model: \"*\", targets: openai}\n",
         "16:36: error: \"routes[0].targets\" must be a map of settings (`name: value`)"},
        {"  - {name: r, model: \"*\", targets: {provider: openai}, tagrets: 1}\n",
         "16:56: error: \"routes[0].tagrets\" is not a setting that Headgate knows (did you mean "
         "`targets`?)"},
        {"  - {name: r, model: a, targets: {provider: openai}}\n"
         "  - {name: r, model: b, targets: {provider: openai}}\n",
         "17:12: error: \"routes[1].name\" stands twice; the first is in line 16"},
    });
}

TEST(RouteProblems, FindTargetsThatAreNone) {
    expect_problems({
        {"  - {name: r, model: \"*\", targets: [{model: gpt-5}]}\n",
         "16:37: error: \"routes[0].targets[0].provider\" is missing; write for example `provider: "
         "openai`"},
        {"  - {name: r, model: \"*\", targets: [{provider: opanai}]}\n",
         "16:48: error: \"routes[0].targets[0].provider\" names no provider of this policy (did "
         "you mean `openai`?)"},
        {"  - {name: r, model: \"*\", targets: [{provider: openai, model: gpt-5*}]}\n",
         "16:63: error: \"routes[0].targets[0].model\" must be the name of one model, without a "
         "pattern; leave it out to ask for the client's"},
        {"  - {name: r, model: \"*\", targets: [{provider: openai, model: ../x}]}\n",
         "16:63: error: \"routes[0].targets[0].model\" must be the name of one model, without a "
         "pattern; leave it out to ask for the client's"},
        {"  - {name: r, model: \"*\", strategy: weighted, targets: [{provider: openai, weight: 0}]}"
         "\n",
         "16:84: error: \"routes[0].targets[0].weight\" must be above 0; leave the target out "
         "instead"},
        {"  - {name: r, model: \"*\", targets: [{provider: openai, weight: 1000001}]}\n",
         "16:64: error: \"routes[0].targets[0].weight\" must be a whole number from 1 to 1000000"},
        {"  - {name: r, model: \"*\", targets: [{provider: openai, model: a}, {provider: openai},\n"
         "     {provider: openai, model: a}]}\n",
         "17:6: error: \"routes[0].targets[2]\" stands twice; the first is in line 16"},
    });
}

TEST(RouteProblems, FindConditionsThatNothingMeets) {
    expect_setting_problems({
        {"when: {project: saerch}",
         "17: error: \"routes[0].when.project\" names no project of this policy (did you mean "
         "`search`?)"},
        {"when: {project: []}",
         "17: error: \"routes[0].when.project\" is an empty list, which nothing meets; leave the "
         "condition out"},
        {"when: {endpoint: []}",
         "18: error: \"routes[0].when.endpoint\" is an empty list, which nothing meets; leave the "
         "condition out"},
        {"when: {stream: 1}", "16: error: \"routes[0].when.stream\" must be true or false"},
        {"when: {budget_used: 80%}",
         "21: error: \"routes[0].when.budget_used\" must be one of < <= = >= > and a number, such "
         "as \">= 80%\""},
        {"when: {budget_used: '>= 80'}",
         "21: error: \"routes[0].when.budget_used\" must be one of < <= = >= > and a number, such "
         "as \">= 80%\""},
        {"when: {input_tokens: '<= 32K'}",
         "22: error: \"routes[0].when.input_tokens\" must be one of < <= = >= > and a number, such "
         "as \"<= 32k\""},
        {"when: {input_tokens: '!= 32'}",
         "22: error: \"routes[0].when.input_tokens\" must be one of < <= = >= > and a number, such "
         "as \"<= 32k\""},
        {"when: {modle: a}",
         "8: error: \"routes[0].when.modle\" is not a setting that Headgate knows"},
    });
}

TEST(RouteProblems, RefuseHeadersThatCanBeNoCondition) {
    expect_setting_problems({
        {"when: {header: x}",
         "16: error: \"routes[0].when.header\" must be a map of header fields (`name: value`)"},
        {"when: {header: {a b: x}}",
         "17: error: \"routes[0].when.header\" has a name that is no header field: 1 to 64 "
         "letters, digits and !#$%&'*+-.^_`|~"},
        {"when: {header: {X-A: x, x-a: y}}",
         "25: error: \"routes[0].when.header.x-a\" stands twice; the first is in line 17"},
        {"when: {header: {x-a: }}", "17: error: \"routes[0].when.header.x-a\" has no value"},
        {"when: {header: {x-a: ''}}",
         "22: error: \"routes[0].when.header.x-a\" must be a value or a pattern such as bulk*, of "
         "at most 256 visible ASCII characters"},
    });
    for (const std::string name : {"Authorization", "api-key", "x-api-key", "cookie",
                                   "proxy-authorization", "x-auth-token"}) {
        EXPECT_EQ(told(load_routes(route_with("when: {header: {" + name + ": x}}"))),
                  "17:17: error: \"routes[0].when.header." + name +
                      "\" is a credential and can be no condition; use `project`\n");
    }
}

TEST(RouteProblems, RefuseFailuresThatNoFallbackIsFor) {
    expect_setting_problems({
        {"fallback_on: [429, 500, 429]", "25: error: \"routes[0].fallback_on[2]\" is listed twice"},
        {"fallback_on: [cut, cut]", "20: error: \"routes[0].fallback_on[1]\" is listed twice"},
        {"fallback_on: 399",
         "14: error: \"routes[0].fallback_on\" must be a status from 400 to 599 or one of connect, "
         "timeout, cut, invalid"},
        {"fallback_on: [600]",
         "15: error: \"routes[0].fallback_on[0]\" must be a status from 400 to 599 or one of "
         "connect, timeout, cut, invalid"},
        {"fallback_on: ", "1: error: \"routes[0].fallback_on\" has no value"},
    });
    for (const std::string status : {"400", "403", "404", "409", "413", "422"}) {
        EXPECT_EQ(told(load_routes(route_with("fallback_on: [429, " + status + "]"))),
                  "17:20: error: \"routes[0].fallback_on[1]\" is a status that the client has to "
                  "fix; it always passes as it is\n");
    }
}

TEST(RouteProblems, BoundAttemptsAndTimeouts) {
    expect_setting_problems({
        {"retry: {attempts: 0}",
         "19: error: \"routes[0].retry.attempts\" must be a whole number from 1 to 20"},
        {"retry: {attempts: 21}",
         "19: error: \"routes[0].retry.attempts\" must be a whole number from 1 to 20"},
        {"retry: {backoff: 6s}",
         "18: error: \"routes[0].retry.backoff\" must keep `backoff` at or below `max_backoff`, "
         "which is 5000ms"},
        {"retry: {max_backoff: 100ms}",
         "22: error: \"routes[0].retry.max_backoff\" must keep `backoff` at or below "
         "`max_backoff`, which is 100ms"},
        {"timeouts: {idle: 0s}",
         "18: error: \"routes[0].timeouts.idle\" must be longer than 0, such as 10s"},
        {"timeouts: {connect: 10s, first_byte: 5s}",
         "21: warning: \"routes[0].timeouts.connect\" is longer than `first_byte` (5000ms), which "
         "ends the attempt before"},
        {"timeouts: {first_byte: 20m}",
         "24: warning: \"routes[0].timeouts.first_byte\" is longer than `total` (900000ms), which "
         "ends the attempt before"},
        {"breaker: {failures: 0}",
         "21: error: \"routes[0].breaker.failures\" must be a whole number from 1 to 100"},
        {"breaker: {failures: 101}",
         "21: error: \"routes[0].breaker.failures\" must be a whole number from 1 to 100"},
        {"breaker: {open_for: 0s}",
         "21: error: \"routes[0].breaker.open_for\" must be longer than 0, such as 10s"},
        {"breaker: {window: 0s}",
         "19: error: \"routes[0].breaker.window\" must be longer than 0, such as 10s"},
        {"breaker: {probe: head}",
         "18: error: \"routes[0].breaker.probe\" must be one of none, models"},
        {"keepalive: never",
         "12: error: \"routes[0].keepalive\" must be a duration such as 200ms, 30s, 10m, 1h or "
         "1d"},
        {"on_client_gone: stop",
         "17: error: \"routes[0].on_client_gone\" must be one of cancel, finish"},
        {"strategy: orderd",
         "11: error: \"routes[0].strategy\" must be one of ordered, weighted, least_busy, fastest, "
         "cheapest (did you mean `ordered`?)"},
        {"affinity: key", "11: error: \"routes[0].affinity\" must be one of none, prefix"},
    });
    EXPECT_EQ(told(load_routes(route_with("timeouts: {total: 1m}"))), "");
}

}  // namespace
}  // namespace headgate::policy
