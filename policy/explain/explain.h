#pragma once

#include "policy/explain/question.h"
#include "policy/routing/router.h"
#include "providers/base/clock.h"
#include "providers/base/money.h"

#include <optional>
#include <string>
#include <vector>

namespace headgate::policy {

/// What would happen to a Question, and why. Money is exact.
struct Explanation {
    struct RouteLine {
        std::string name;
        bool matched = false;
        std::string because;
    };
    struct AttemptLine {
        std::string provider;
        std::string model;
        std::string result;      // "200", "429", "connect", "timeout" or "cut"
        std::string deployment;  // what Azure calls the model, where that is another name
    };
    struct SkippedLine {
        std::string provider;
        std::string model;
        std::string reason;
    };
    struct PriceLine {  // USD a million tokens, of the target that answers, else of the first
        providers::Money input;
        providers::Money output;
        providers::Money cached_input;
        std::string source;  // "policy", "catalogue"
    };

    bool served = false;
    int status = 0;
    std::string code;               // of our own error; empty: none
    std::string message;            // of our own error
    std::string route;              // empty: none matched
    std::vector<RouteLine> routes;  // up to and with the one that matched
    std::vector<AttemptLine> attempts;
    std::vector<SkippedLine> skipped;
    std::optional<PriceLine> price;        // absent: there is no price
    std::optional<providers::Money> cost;  // of Question::usage, where a target served it
};

/// With the planner and the walk that serve. Nothing is sent and no health changes. An unknown
/// project, key, endpoint or a model that is no model name is told as the refusal that it would be.
Explanation explain(const Router& router,
                    TargetHealths& healths,
                    const Question& question,
                    providers::SteadyTime now);

/// cli.md, `explain --json`: one object, one line.
std::string to_json(const Explanation& explanation);

/// For people: what happens in one sentence, then a table each of routes and attempts.
std::string to_table(const Explanation& explanation, const Question& question);

}  // namespace headgate::policy
