#pragma once

#include "policy/explain/question.h"
#include "policy/explain/world.h"
#include "policy/keys/budget_settings.h"
#include "policy/limits/limit_rules.h"
#include "providers/base/money.h"

#include <cstdint>
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
    struct LimitLine {  // a bucket of an entry that matches the model
        Scope scope = Scope::project;
        std::string model;  // the entry's globs
        std::string label;  // how refusals call it: "search/gpt-5*/tpm"
        LimitKind kind = LimitKind::rpm;
        std::int64_t limit = 0;
        std::int64_t remaining = 0;  // before the request, rounded down; a debt is 0
        std::int64_t takes = 0;      // by our guess; 0: the request does not ask it
        bool is_shadow = false;
    };
    struct BudgetLine {
        std::string scope;  // the project's id, or "organization"
        providers::Money limit;
        BudgetPeriod per = BudgetPeriod::month;
        providers::Money spent;
        providers::Money reserved;  // by requests that run
        bool is_shadow = false;
    };
    /// The request at its dearest target, whether or not it is admitted.
    struct ReservationLine {
        std::int64_t input_tokens = 0;
        std::int64_t output_tokens = 0;
        std::int64_t images = 0;
        std::optional<providers::Money> usd;      // absent: some target has no price or no bound
        std::string target;                       // the dearest, "openai/gpt-5"
        std::optional<std::int64_t> lowered_cap;  // `when_tight: cap` has lowered the output cap
        bool is_held = false;                     // a budget applies; else nothing is reserved
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
    std::vector<LimitLine> limits;               // the organization's, the project's, the key's
    std::vector<BudgetLine> budgets;             // the organization's, the project's
    std::optional<ReservationLine> reservation;  // absent: there is no plan
    std::optional<PriceLine> price;              // absent: there is no price
    std::optional<providers::Money> cost;        // of Question::usage, where a target served it
};

/// With the planner, the admission and the walk that serve. Nothing is sent, and nothing of the
/// world changes. An unknown project, key, endpoint or a model that is no model name is told as the
/// refusal that it would be. What differs from serving, since a question has no body, is told at
/// SupposedAdmission.
Explanation explain(const World& world, const Question& question);

/// docs/cli.md, `explain --json`: one object, one line. `reservation` is told also where no budget
/// applies, so that nothing is reserved.
std::string to_json(const Explanation& explanation);

/// For people: what happens in one sentence, then a table each of routes, attempts and limits.
std::string to_table(const Explanation& explanation, const Question& question);

}  // namespace headgate::policy
