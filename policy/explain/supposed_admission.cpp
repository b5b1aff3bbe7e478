#include "policy/explain/supposed_admission.h"

#include "policy/budget/refusal_words.h"
#include "policy/budget/request_bound.h"
#include "policy/limits/bucket_level.h"

#include <cmath>

namespace headgate::policy {
namespace {

using providers::ApiError;
using providers::ErrorCode;
using providers::Money;

constexpr int kMostCaps = 3;  // as in serving

/// The request as far as a question tells it.
providers::ApiRequest request_of(const Asking& asking) {
    providers::ApiRequest request;
    request.endpoint = &asking.endpoint;
    request.model = asking.question.model;
    request.stream = asking.question.stream && asking.endpoint.may_stream;
    if (meter_of(asking.endpoint) == Meter::tokens) {
        request.max_completion_tokens = asking.question.max_output;
    }
    request.imposed_cap = project_cap(request, asking.project);
    return request;
}

ApiError error_of(ErrorCode code, std::string message) {
    return {.code = code, .message = std::move(message), .param = {}, .allow = {}};
}

std::int64_t amount_of(LimitKind kind, const Demand& demand) {
    switch (kind) {
        case LimitKind::tpm:
        case LimitKind::tpd:
            return demand.tokens;
        case LimitKind::ipm:
            return demand.images;
        default:
            return 1;
    }
}

/// Without what the request takes.
Explanation::LimitLine line_of(const BucketRule& rule, providers::SteadyTime now) {
    const double remaining = level_of(rule, 1, bucket_time(now)).remaining();
    return {.scope = rule.scope,
            .model = rule.models,
            .label = rule.label,
            .kind = rule.kind,
            .limit = rule.limit,
            .remaining = static_cast<std::int64_t>(std::clamp(std::floor(remaining), 0.0, 9e18)),
            .takes = 0,
            .is_shadow = rule.mode == EnforceMode::shadow};
}

std::array<const ScopeRules*, 3> scopes_of(const Subject& subject) {
    return {subject.organization, subject.project, subject.key};
}

}  // namespace

SupposedAdmission::SupposedAdmission(const World& world, const Asking& asking)
    : world_{world},
      asking_{asking},
      scopes_{world, asking.question, asking.project, asking.key},
      request_{request_of(asking)},
      input_{.guess = {asking.question.input_tokens},
             .at_most = {asking.question.input_tokens},
             .is_bounded = true} {}

std::optional<ApiError> SupposedAdmission::admit(Explanation& explanation) {
    tell_budgets(explanation);
    Problem problem;
    if (has_enforced_budget(scopes_.subject()) && !world_.knows_sums) {
        problem = error_of(ErrorCode::records_unavailable,
                           "What was spent so far is not known yet: the record store is away.");
    }
    Problem unbounded = bound_cost();
    problem = problem ? problem : unbounded;
    problem = problem ? problem : exceeded_cost();
    make_demand();
    tell_limits(explanation);
    problem = problem ? problem : reserve();
    for (Explanation::LimitLine& line : explanation.limits) {
        line.takes = amount_of(line.kind, demand_);  // a lowered cap takes less
    }
    tell_reservation(explanation);
    return problem;
}

WorstCaseInput SupposedAdmission::asked(std::optional<std::int64_t> cap,
                                        bool must_be_priced) const {
    return {.request = request_,
            .project = asking_.project,
            .plan = asking_.plan,
            .prices = world_.router.prices(),
            .output_cap = cap,
            .must_be_priced = must_be_priced,
            .estimate = &input_};
}

/// Whether every target has a price, or nothing is charged.
bool SupposedAdmission::is_priced() const {
    return meter_of(asking_.endpoint) == Meter::none ||
           std::ranges::all_of(asking_.plan.targets, [this](const PlannedTarget& planned) {
               const providers::Target& target = planned.target;
               return world_.router.prices().find(*target.provider, target.model).is_known();
           });
}

/// What the request costs at most. Where a bound is missing worst_ still tells the tokens.
SupposedAdmission::Problem SupposedAdmission::bound_cost() {
    auto strict = worst_case(asked(lowered_cap_, true));
    has_bound_ = strict.has_value() && (has_budget(scopes_.subject()) || is_priced());
    if (strict) {
        worst_ = *strict;
        return std::nullopt;
    }
    worst_ = worst_case(asked(lowered_cap_, false)).value_or(WorstCase{});
    const bool is_asked = has_enforced_budget(scopes_.subject()) || asking_.max_cost;
    return is_asked ? Problem{std::move(strict.error())} : std::nullopt;
}

SupposedAdmission::Problem SupposedAdmission::exceeded_cost() const {
    if (!asking_.max_cost || worst_.cost <= *asking_.max_cost) {
        return std::nullopt;
    }
    return error_of(ErrorCode::max_cost_exceeded, words_for_cost(worst_, *asking_.max_cost));
}

void SupposedAdmission::make_demand() {
    demand_ = {};
    demand_.model = request_.model;
    demand_.day = scopes_.day();
    demand_.worst_case = has_budget(scopes_.subject()) ? worst_.cost : Money{};
    demand_.images = meter_of(asking_.endpoint) == Meter::pictures ? request_.choices() : 0;
    demand_.tokens = guess_tokens();
}

/// The input as it was given and, where the endpoint answers in tokens, the output: the cap, or
/// what this project usually gets from that model.
std::int64_t SupposedAdmission::guess_tokens() const {
    const Meter meter = meter_of(asking_.endpoint);
    if (meter == Meter::none) {
        return 0;
    }
    const std::int64_t input = asking_.question.input_tokens;
    if (meter != Meter::tokens) {
        return input;
    }
    std::optional<std::int64_t> output = request_.output_cap();
    output = output ? output : request_.imposed_cap;
    return input + (output ? *output : scopes_.expected_output(request_.model));
}

SupposedAdmission::Problem SupposedAdmission::reserve() {
    for (int tries = 0;; ++tries) {
        const Decision decision = limits_.admit(scopes_.subject(), demand_, world_.now);
        if (!decision.refusal) {
            return std::nullopt;
        }
        if (tries == kMostCaps || !lower_cap(*decision.refusal)) {
            return problem_of(*decision.refusal);
        }
    }
}

/// `when_tight: cap`: the largest output cap that what is left pays for.
bool SupposedAdmission::lower_cap(const Refusal& refusal) {
    if (refusal.kind != Refusal::Kind::budget ||
        refusal.scope->budget->when_tight != WhenTight::cap) {
        return false;
    }
    const std::optional<Money> left = left_of(refusal);
    const auto cap = left ? affordable_cap(asked({}, true), *left) : std::nullopt;
    if (!cap) {
        return false;
    }
    lowered_cap_ = cap;
    request_.imposed_cap = cap;
    if (bound_cost()) {
        return false;
    }
    make_demand();
    return true;
}

SupposedAdmission::Problem SupposedAdmission::problem_of(const Refusal& refusal) const {
    switch (refusal.kind) {
        case Refusal::Kind::limit:
            return error_of(ErrorCode::rate_limit_exceeded, words_for_limit(refusal));
        case Refusal::Kind::too_large:
            return error_of(ErrorCode::tokens_exceeded, words_for_size(refusal, demand_));
        case Refusal::Kind::budget:
            return error_of(ErrorCode::insufficient_quota, words_for_budget(refusal, worst_));
        case Refusal::Kind::unavailable:
        case Refusal::Kind::loading:
            break;  // limits in this object's own counters are never away
    }
    return error_of(ErrorCode::limits_unavailable, "The store of limits and budgets is away.");
}

bool SupposedAdmission::top_up() {
    if (!has_budget(scopes_.subject())) {
        return true;
    }
    Demand more = demand_;
    more.only_money = true;
    return !limits_.admit(scopes_.subject(), more, world_.now).refusal;
}

/// Every bucket of the entries that match the model, as full as it is before the request.
void SupposedAdmission::tell_limits(Explanation& explanation) const {
    for (const ScopeRules* scope : scopes_of(scopes_.subject())) {
        if (scope == nullptr) {
            continue;
        }
        for (const EntryRules& entry : scope->entries) {
            if (!entry.matches(request_.model)) {
                continue;
            }
            for (const BucketRule& rule : entry.buckets) {
                explanation.limits.push_back(line_of(rule, world_.now));
            }
        }
    }
}

void SupposedAdmission::tell_budgets(Explanation& explanation) const {
    for (const ScopeRules* scope : scopes_of(scopes_.subject())) {
        if (scope == nullptr || scope->budget == nullptr) {
            continue;
        }
        const BudgetSettings& budget = *scope->budget;
        const SpentReserved used = scope->account->sum(span_of(budget, scopes_.day()));
        explanation.budgets.push_back({.scope = name_of(*scope),
                                       .limit = budget.limit,
                                       .per = budget.per,
                                       .spent = used.spent,
                                       .reserved = used.reserved,
                                       .is_shadow = budget.mode == EnforceMode::shadow});
    }
}

void SupposedAdmission::tell_reservation(Explanation& explanation) const {
    const providers::Target& dearest =
        (worst_.dearest != nullptr ? *worst_.dearest : asking_.plan.targets.front()).target;
    explanation.reservation = {.input_tokens = worst_.input_tokens,
                               .output_tokens = worst_.output_tokens,
                               .images = worst_.images,
                               .usd = has_bound_ ? std::optional{worst_.cost} : std::nullopt,
                               .target = dearest.provider->name + "/" + std::string(dearest.model),
                               .lowered_cap = lowered_cap_,
                               .is_held = has_budget(scopes_.subject())};
}

}  // namespace headgate::policy
