#include "policy/store/redis/queued_admission.h"

#include <algorithm>

namespace headgate::policy {

namespace {

std::array<const ScopeRules*, 3> scopes_of(const Subject& subject) {
    return {subject.organization, subject.project, subject.key};
}

std::int64_t exact_from(std::int64_t amount) {
    return std::clamp<std::int64_t>(amount, 0, kMostExact);
}

std::int64_t bounded_sum(std::int64_t a, std::int64_t b) {
    return std::clamp(a + b, -kMostExact, kMostExact);  // each is within it
}

std::int64_t amount_of(LimitKind kind, std::int64_t tokens, std::int64_t images) {
    switch (kind) {
        case LimitKind::tpm:
        case LimitKind::tpd:
            return exact_from(tokens);
        case LimitKind::ipm:
            return exact_from(images);
        default:
            return 1;
    }
}

/// Calls `each(scope, rule)` with the buckets of one scope that the demand meets.
template <class Each>
void for_buckets_of(const ScopeRules& scope, const Demand& demand, const Each& each) {
    for (const EntryRules& entry : scope.entries) {
        if (entry.matches(demand.model)) {
            std::ranges::for_each(entry.buckets,
                                  [&](const BucketRule& rule) { each(scope, rule); });
        }
    }
}

/// … with those of all scopes.
template <class Each>
void for_buckets(const Subject& subject, const Demand& demand, const Each& each) {
    if (demand.only_money) {
        return;
    }
    for (const ScopeRules* scope : scopes_of(subject)) {
        if (scope != nullptr) {
            for_buckets_of(*scope, demand, each);
        }
    }
}

/// Calls `each(scope)` with the scopes that have a budget.
template <class Each>
void for_budgets(const Subject& subject, const Each& each) {
    for (const ScopeRules* scope : {subject.organization, subject.project}) {
        if (scope != nullptr && scope->budget != nullptr) {
            each(*scope);
        }
    }
}

Payment payment_of(const ScopeRules& scope, Day day, Tallies& tallies) {
    // No day before `first` is ever stored, and none from `stop` on: the ends of `total`.
    constexpr std::int64_t before_all = -1;
    constexpr std::int64_t after_all = std::int64_t{1} << 40;
    const BudgetSpan span = span_of(*scope.budget, day);
    return {.day = &tallies.day(scope, day),
            .scope = &scope,
            .mode = scope.budget->mode,
            .limit = std::clamp(scope.budget->limit.nanos(), -kMostExact, kMostExact),
            .first = std::max<std::int64_t>(before_all, span.first.time_since_epoch().count()),
            .stop = span.end ? span.end->time_since_epoch().count() : after_all,
            .is_projects = scope.scope == Scope::project};
}

void book(DayTally& day, providers::Money cost, Tallies& tallies) {
    const std::int64_t nanos = exact_from(cost.nanos());
    day.booked = bounded_sum(day.booked, nanos);
    *day.untold += nanos;
    day.tells_booked = true;
    tallies.mark(day);
}

void correct(BucketTally& bucket, std::int64_t correction, Tallies& tallies) {
    if (correction != 0) {
        bucket.correction = bounded_sum(bucket.correction, correction);
        tallies.mark(bucket);
    }
}

}  // namespace

QueuedAdmission queued(RedisLimits::Ticket ticket,
                       const Subject& subject,
                       const Demand& demand,
                       Tallies& tallies) {
    QueuedAdmission admission{.ticket = ticket,
                              .worst = exact_from(demand.worst_case.nanos()),
                              .takes = {},
                              .payments = {}};
    admission.takes.reserve(8);
    for_buckets(subject, demand, [&](const ScopeRules& scope, const BucketRule& rule) {
        admission.takes.push_back({.bucket = &tallies.bucket(rule),
                                   .rule = &rule,
                                   .scope = &scope,
                                   .kind = rule.kind,
                                   .mode = rule.mode,
                                   .limit = exact_from(rule.limit),
                                   .amount = amount_of(rule.kind, demand.tokens, demand.images)});
    });
    for_budgets(subject, [&](const ScopeRules& scope) {
        admission.payments[admission.payment_count++] = payment_of(scope, demand.day, tallies);
    });
    return admission;
}

void add_settled(const Subject& subject, const Settled& settled, Tallies& tallies) {
    const Demand& held = settled.held;
    for_buckets(subject, held, [&](const ScopeRules&, const BucketRule& rule) {
        BucketTally& bucket = tallies.bucket(rule);
        if (rule.kind == LimitKind::concurrent) {
            bucket.slots = std::max<std::int64_t>(0, bucket.slots - 1);
            tallies.mark(bucket);
            return;
        }
        const std::int64_t taken = amount_of(rule.kind, held.tokens, held.images);
        const std::int64_t used =
            settled.is_withdrawn ? 0 : amount_of(rule.kind, settled.tokens, settled.images);
        correct(bucket, used - taken, tallies);
    });
    for_budgets(subject, [&](const ScopeRules& scope) {
        DayTally& day = tallies.day(scope, held.day);
        day.held = std::max<std::int64_t>(0, day.held - exact_from(held.worst_case.nanos()));
        book(day, settled.cost, tallies);
    });
}

void add_cost(const Subject& subject, Day date, providers::Money cost, Tallies& tallies) {
    for_budgets(subject,
                [&](const ScopeRules& scope) { book(tallies.day(scope, date), cost, tallies); });
}

void hold(const QueuedAdmission& admission) {
    for (const Take& take : admission.takes) {
        if (take.kind == LimitKind::concurrent) {
            ++take.bucket->slots;
        }
    }
    for (std::size_t i = 0; i < admission.payment_count; ++i) {
        DayTally& day = *admission.payments[i].day;
        day.held = bounded_sum(day.held, admission.worst);
    }
}

void withdraw(const QueuedAdmission& admission, Tallies& tallies) {
    for (const Take& take : admission.takes) {
        if (take.kind == LimitKind::concurrent) {
            tallies.mark(*take.bucket);  // the slots that are told are without this one
        } else {
            correct(*take.bucket, -take.amount, tallies);
        }
    }
    for (std::size_t i = 0; i < admission.payment_count; ++i) {
        tallies.mark(*admission.payments[i].day);
    }
}

}  // namespace headgate::policy
