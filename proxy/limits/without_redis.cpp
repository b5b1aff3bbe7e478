// What SharedLimits decides by itself while Redis is away.
#include "proxy/limits/shared_limits.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <mutex>
#include <utility>

namespace headgate::proxy {
namespace {

using policy::BudgetSpan;
using policy::Decision;
using policy::Demand;
using policy::Refusal;
using policy::ScopeRules;
using policy::Settled;
using policy::Subject;

/// The budgets that may refuse: outermost first, null where there is none.
std::array<const ScopeRules*, 2> enforced_budgets(const Subject& subject) {
    std::array<const ScopeRules*, 2> scopes{subject.organization, subject.project};
    for (const ScopeRules*& scope : scopes) {
        if (scope != nullptr &&
            (scope->budget == nullptr || scope->budget->mode == policy::EnforceMode::shadow)) {
            scope = nullptr;
        }
    }
    return scopes;
}

std::int64_t nanos_from(providers::Money money) {
    return std::max<std::int64_t>(0, money.nanos());
}

std::int64_t saturating_sum(std::int64_t a, std::int64_t b) {
    std::int64_t sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<std::int64_t>::max() : sum;
}

/// Redis tells the share that is used. Only estimates are made of it, so that it may be rounded:
/// up, to leave less.
std::int64_t share_of(providers::Money limit, double used) {
    const double nanos = std::ceil(static_cast<double>(limit.nanos()) * used);
    constexpr double most = 9e18;
    return nanos >= most ? std::numeric_limits<std::int64_t>::max()
                         : static_cast<std::int64_t>(std::max(0.0, nanos));
}

int highest_reached(const policy::BudgetSettings& budget, std::int64_t used) {
    __extension__ using Wide = __int128;  // percents of 64 bits
    int highest = 0;
    for (const int percent : budget.alert_at) {
        if (Wide{used} * 100 >= Wide{budget.limit.nanos()} * percent) {
            highest = std::max(highest, percent);
        }
    }
    return highest;
}

}  // namespace

Decision SharedLimits::decide_without_redis(const Subject& subject,
                                            const Demand& demand,
                                            Grant& grant) {
    const policy::OnRedisFailure on_failure = process_.settings().on_failure;
    Decision decision;
    if (grant.by == Grant::By::open ||
        (grant.by != Grant::By::local && on_failure == policy::OnRedisFailure::open)) {
        if (grant.by == Grant::By::redis) {
            grant.not_held = grant.not_held + demand.worst_case;
        } else {
            grant.by = Grant::By::open;
        }
        return decision;
    }
    if (grant.by == Grant::By::redis || on_failure == policy::OnRedisFailure::closed) {
        decision.refusal = Refusal{.kind = Refusal::Kind::unavailable};
        return decision;
    }
    return decide_locally(subject, demand, grant);
}

Decision SharedLimits::decide_locally(const Subject& subject, const Demand& demand, Grant& grant) {
    const std::uint32_t outage = grant.by == Grant::By::local ? grant.outage : process_.outage();
    if (const int share = process_.replicas(); share != local_share_) {
        local_share_ = share;
        local_ = policy::MemoryLimits{static_cast<double>(share), process_.settings().tell};
    }
    Decision decision;
    decision.refusal = take_allowances(subject, demand, outage);
    if (decision.refusal) {
        return decision;
    }
    decision = local_.admit(subject, demand, reactor_.now());
    if (decision.refusal) {
        settle_allowances(subject, demand, {}, outage);
        return decision;
    }
    grant.by = Grant::By::local;
    grant.outage = outage;
    if (const policy::BudgetSettings* budget = subject.project->budget;
        budget != nullptr && budget->limit.nanos() > 0) {
        const std::int64_t used = known_use(*subject.project, span_of(*budget, demand.day));
        decision.budget_used =
            std::max(decision.budget_used,
                     static_cast<double>(used) / static_cast<double>(budget->limit.nanos()));
    }
    return decision;
}

/// All or none.
std::optional<Refusal> SharedLimits::take_allowances(const Subject& subject,
                                                     const Demand& demand,
                                                     std::uint32_t outage) {
    const std::int64_t needed = nanos_from(demand.worst_case);
    const ScopeRules* taken = nullptr;
    for (const ScopeRules* scope : enforced_budgets(subject)) {
        if (scope == nullptr || needed == 0) {
            continue;
        }
        const std::int64_t used = known_use(*scope, span_of(*scope->budget, demand.day));
        const std::int64_t allowed = KnownBudget::allowance(scope->budget->limit.nanos(), used);
        if (!remembered(*scope).budget->take(outage, needed, allowed)) {
            if (taken != nullptr) {
                remembered(*taken).budget->settle(outage, needed, 0);
            }
            return Refusal{.kind = Refusal::Kind::unavailable,
                           .scope = scope,
                           .needed = providers::Money::nanos(needed)};
        }
        taken = scope;
    }
    return std::nullopt;
}

void SharedLimits::settle_allowances(const Subject& subject,
                                     const Demand& held,
                                     providers::Money cost,
                                     std::uint32_t outage) {
    for (const ScopeRules* scope : enforced_budgets(subject)) {
        if (scope != nullptr) {
            KnownBudget& budget = *remembered(*scope).budget;
            budget.settle(outage, nanos_from(held.worst_case), nanos_from(cost));
            budget.add(span_of(*scope->budget, held.day).first, nanos_from(cost));
        }
    }
}

void SharedLimits::settle_locally(const Subject& subject,
                                  const Settled& settled,
                                  std::uint32_t outage) {
    local_.settle(subject, settled, reactor_.now());
    settle_allowances(subject, settled.held, settled.cost, outage);
}

/// Of a Redis that decides: what the next outage may give is a part of what is left now.
void SharedLimits::note_budgets(const Subject& subject,
                                const Demand& demand,
                                const Decision& decision) {
    if (const std::optional<Refusal>& refusal = decision.refusal) {
        if (refusal->kind == Refusal::Kind::budget && refusal->scope != nullptr &&
            refusal->scope->budget != nullptr) {
            const BudgetSpan span = span_of(*refusal->scope->budget, demand.day);
            remembered(*refusal->scope)
                .budget->note(span.first,
                              saturating_sum(refusal->spent.nanos(), refusal->reserved.nanos()));
        }
        return;
    }
    const auto note = [&](const ScopeRules* scope, double share) {
        if (scope != nullptr && scope->budget != nullptr) {
            const std::int64_t used = share_of(scope->budget->limit, share);
            remembered(*scope).budget->note(span_of(*scope->budget, demand.day).first, used);
            tell_alert(*scope, demand.day, used);
        }
    };
    note(subject.project, decision.budget_used);
    note(subject.organization, decision.organization_used);
}

/// The account remembers what was told of a period; it is asked, which takes its lock, only for a
/// threshold that this worker has not seen passed.
void SharedLimits::tell_alert(const ScopeRules& scope, policy::Day day, std::int64_t used) {
    const policy::BudgetSettings& budget = *scope.budget;
    const int reached = highest_reached(budget, used);
    if (reached == 0 || !process_.settings().tell) {
        return;
    }
    const BudgetSpan span = span_of(budget, day);
    Remembered& memory = remembered(scope);
    if (memory.alert_period == span.first && reached <= memory.alerted) {
        return;
    }
    memory.alert_period = span.first;
    memory.alerted = reached;
    const policy::SpentReserved all{.spent = providers::Money::nanos(used), .reserved = {}};
    std::optional<int> threshold;
    {
        const std::scoped_lock lock{scope.account->mutex()};
        threshold = scope.account->next_alert(budget, span, all);
    }
    if (threshold) {
        process_.settings().tell({.project = scope.id,
                                  .threshold = *threshold,
                                  .period = span,
                                  .per = budget.per,
                                  .limit = budget.limit,
                                  .spent = all.spent,
                                  .reserved = all.reserved});
    }
}

std::int64_t SharedLimits::known_use(const ScopeRules& scope, const BudgetSpan& span) {
    policy::SpentReserved own;
    {
        const std::scoped_lock lock{scope.account->mutex()};
        own = scope.account->sum(span);
    }
    KnownBudget& budget = *remembered(scope).budget;
    const std::int64_t told = budget.used(span.first);
    if (told >= 0) {
        return std::max(told, own.spent.nanos());
    }
    const std::int64_t used =
        saturating_sum(own.spent.nanos(), process_.spent_by_others(scope.id, span));
    budget.note(span.first, used);
    return used;
}

SharedLimits::Remembered& SharedLimits::remembered(const ScopeRules& scope) {
    Remembered& found = budgets_[scope.account.get()];
    if (found.budget == nullptr) {
        found.budget = &process_.budgets().of(scope.id);
    }
    return found;
}

}  // namespace headgate::proxy
