#include "policy/explain/explain.h"

#include "policy/explain/match_reason.h"
#include "policy/explain/question_checks.h"
#include "policy/explain/supposed_admission.h"
#include "policy/explain/supposed_attempts.h"

#include <stdexcept>

namespace headgate::policy {
namespace {

using providers::ApiError;
using providers::ErrorCode;
using providers::Money;

void refuse(Explanation& explanation, const ApiError& error) {
    explanation.served = false;
    explanation.status = providers::traits(error.code).status;
    explanation.code = providers::to_string(error.code);
    explanation.message = error.message;
}

/// The fields that some route asks for: those that serving looks at.
std::vector<HeaderFact> header_facts(const Router& router, const Question& question) {
    std::vector<HeaderFact> facts;
    for (const auto& [name, value] : question.headers) {
        if (std::ranges::binary_search(router.needs().headers, name)) {
            facts.push_back({.name = name, .value = value});
        }
    }
    return facts;
}

/// Up to and with the one that is taken; all where none is.
void list_routes(const Router& router, const Facts& facts, Explanation& explanation) {
    const Route* const taken = router.match(facts);
    for (const auto& route : router.snapshot().routes) {
        const bool is_taken = route.get() == taken;
        explanation.routes.push_back(
            {.name = route->name,
             .matched = is_taken,
             .because = is_taken ? match_reason(*route, facts) : mismatch(*route, facts)});
        if (is_taken) {
            explanation.route = route->name;
            return;
        }
    }
}

/// What a million tokens cost there, by the arithmetic that charges them.
std::optional<Explanation::PriceLine> price_line(const TargetPrice& price,
                                                 const Question& question) {
    if (!price.is_known()) {
        return std::nullopt;
    }
    const providers::Tokens input =
        question.usage ? question.usage->total_input() : providers::Tokens{question.input_tokens};
    const providers::Price& standard = price.standard(input);
    const auto million_of = [&](providers::Tokens providers::Usage::* kind) {
        providers::Usage usage;
        usage.*kind = {1'000'000};
        return providers::cost(usage, standard, price.factor);
    };
    return Explanation::PriceLine{.input = million_of(&providers::Usage::input),
                                  .output = million_of(&providers::Usage::output),
                                  .cached_input = million_of(&providers::Usage::cached_input),
                                  .source = std::string(to_string(price.source))};
}

/// nullopt: more than can be counted.
std::optional<Money> cost_of_usage(const providers::Usage& usage, const TargetPrice& price) {
    try {
        return cost_of(usage, price, {});
    } catch (const std::overflow_error&) {
        return std::nullopt;
    }
}

/// Of the target that served (null: none did), else of the first.
void tell_price(const World& world,
                const Plan& plan,
                const PlannedTarget* served,
                const Question& question,
                Explanation& explanation) {
    const providers::Target& target = (served != nullptr ? *served : plan.targets.front()).target;
    const TargetPrice price = world.router.prices().find(*target.provider, target.model);
    explanation.price = price_line(price, question);
    if (served != nullptr && question.usage) {
        explanation.cost = cost_of_usage(*question.usage, price);
    }
}

/// Of the project's budget, as a route's condition asks for it.
double budget_used(const World& world, const Question& question, const Project& project) {
    if (!world.used) {
        return question.budget_used;
    }
    const ScopeRules& scope = *world.limits.rules_for(project, nullptr).project;
    if (scope.budget == nullptr) {
        return 0;
    }
    const SpentReserved used = world.used(scope);
    const auto limit = static_cast<double>(scope.budget->limit.nanos());
    return limit <= 0 ? 1
                      : (static_cast<double>(used.spent.nanos()) +
                         static_cast<double>(used.reserved.nanos())) /
                            limit;
}

/// Step 5. nullopt, and refused, where there is no plan.
std::optional<Plan> plan_of(const World& world,
                            const Question& question,
                            const Facts& facts,
                            Explanation& explanation) {
    auto plan = world.router.plan(
        facts, {.healths = world.healths, .random = Random{question.seed}, .now = world.now});
    if (plan || plan.error().code == ErrorCode::model_not_found) {
        list_routes(world.router, facts, explanation);
    }
    if (!plan) {
        refuse(explanation, plan.error());
        return std::nullopt;
    }
    for (const SkippedTarget& skipped : plan->skipped) {
        explanation.skipped.push_back({.provider = std::string(skipped.provider),
                                       .model = std::string(skipped.model),
                                       .reason = std::string(skipped.reason)});
    }
    return std::move(*plan);
}

}  // namespace

Explanation explain(const World& world, const Question& question) {
    Explanation explanation;
    const providers::Result<CheckedQuestion> found = checked(question, world);
    if (!found) {
        refuse(explanation, found.error());
        return explanation;
    }
    const std::vector<HeaderFact> headers = header_facts(world.router, question);
    const Facts facts{.project = found->project,
                      .endpoint = found->endpoint,
                      .model = question.model,
                      .stream = question.stream && found->endpoint->may_stream,
                      .headers = headers,
                      .input_tokens = question.input_tokens,
                      .output_tokens = question.max_output.value_or(0),
                      .budget_used = budget_used(world, question, *found->project),
                      .prefix = 0};
    const std::optional<Plan> plan = plan_of(world, question, facts, explanation);
    if (!plan) {
        return explanation;
    }
    const Asking asking{.question = question,
                        .project = *found->project,
                        .key = found->key,
                        .endpoint = *found->endpoint,
                        .plan = *plan,
                        .max_cost = found->max_cost};
    SupposedAdmission admission{world, asking};
    const PlannedTarget* served = nullptr;
    if (const std::optional<ApiError> refusal = admission.admit(explanation)) {
        refuse(explanation, *refusal);
    } else {
        served = play_attempts(*plan, question, facts.stream, admission, explanation);
    }
    tell_price(world, *plan, served, question, explanation);
    return explanation;
}

}  // namespace headgate::policy
