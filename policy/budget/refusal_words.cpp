#include "policy/budget/refusal_words.h"

#include <chrono>

namespace headgate::policy {
namespace {

/// "12s", "1.5s": as a person reads it, rounded up.
std::string seconds_text(std::chrono::milliseconds time) {
    const std::int64_t tenths = (time.count() + 99) / 100;
    const std::string whole = std::to_string(tenths / 10);
    return tenths % 10 == 0 ? whole + "s" : whole + "." + std::to_string(tenths % 10) + "s";
}

std::string limit_text(const BucketRule& bucket) {
    return bucket.label + " of " + std::to_string(bucket.limit);
}

}  // namespace

std::string name_of(const ScopeRules& scope) {
    return scope.scope == Scope::organization ? "organization" : scope.id;
}

std::string reason_of(const Refusal& refusal) {
    switch (refusal.kind) {
        case Refusal::Kind::limit:
        case Refusal::Kind::too_large: {
            const std::string limit = "limit=" + refusal.bucket->label +
                                      "; limit-is=" + std::to_string(refusal.bucket->limit);
            return refusal.kind == Refusal::Kind::limit
                       ? limit + "; resets=" + seconds_text(refusal.retry_after)
                       : limit;
        }
        case Refusal::Kind::budget:
            return "budget=" + name_of(*refusal.scope) +
                   "; limit=" + refusal.scope->budget->limit.to_string() +
                   "; spent=" + refusal.spent.to_string() +
                   "; reserved=" + refusal.reserved.to_string() +
                   "; needed=" + refusal.needed.to_string();
        case Refusal::Kind::unavailable:
        case Refusal::Kind::loading:
            break;
    }
    return {};
}

std::string words_for_limit(const Refusal& refusal) {
    return "Rate limit " + limit_text(*refusal.bucket) + " " +
           std::string(to_string(refusal.bucket->kind)) + " is used up: try again in " +
           seconds_text(refusal.retry_after) + ".";
}

std::string words_for_size(const Refusal& refusal, const Demand& demand) {
    return "The request asks for about " + std::to_string(demand.tokens) +
           " tokens, more than the limit " + limit_text(*refusal.bucket) +
           " can ever hold. Shorten the input or lower max_completion_tokens.";
}

std::string words_for_cost(const WorstCase& worst, providers::Money most) {
    return "The request could cost up to $" + worst.cost.to_string() +
           ", more than its x-headgate-max-cost-usd of $" + most.to_string() +
           ". A lower max_completion_tokens lowers it.";
}

std::optional<providers::Money> left_of(const Refusal& refusal) {
    __extension__ using Wide = __int128;
    const Wide left = Wide{refusal.scope->budget->limit.nanos()} - refusal.spent.nanos() -
                      refusal.reserved.nanos();
    if (left < 0) {
        return std::nullopt;
    }
    return providers::Money::nanos(static_cast<std::int64_t>(left));
}

std::string words_for_budget(const Refusal& refusal, const WorstCase& worst) {
    const BudgetSettings& budget = *refusal.scope->budget;
    const std::string per = budget.per == BudgetPeriod::total
                                ? " in total"
                                : " a " + std::string(to_string(budget.per));
    return "The budget of " + name_of(*refusal.scope) + " of $" + budget.limit.to_string() + per +
           " does not hold the $" + refusal.needed.to_string() +
           " that this request may cost: " + std::to_string(worst.input_tokens) +
           " tokens in and " + std::to_string(worst.output_tokens) + " out at most. $" +
           refusal.spent.to_string() + " are spent, $" + refusal.reserved.to_string() +
           " reserved by requests that run. A lower max_completion_tokens, or the project's "
           "max_output, lowers what is reserved.";
}

}  // namespace headgate::policy
