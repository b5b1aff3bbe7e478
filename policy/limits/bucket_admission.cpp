#include "policy/limits/bucket_admission.h"

#include "policy/limits/accounts.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace headgate::policy {

namespace {

bool counts_tokens(LimitKind kind) {
    return kind == LimitKind::tpm || kind == LimitKind::tpd;
}

bool counts_requests(LimitKind kind) {
    return kind == LimitKind::rpm || kind == LimitKind::rpd;
}

double count_from(std::int64_t amount) {
    return static_cast<double>(std::max<std::int64_t>(0, amount));
}

/// 0: the bucket is not asked.
double amount_of(LimitKind kind, const Demand& demand) {
    if (counts_tokens(kind)) {
        return count_from(demand.tokens);
    }
    return kind == LimitKind::ipm ? count_from(demand.images) : 1.0;
}

/// What an exchange has used more than was taken at its admission.
double correction_of(LimitKind kind, const Settled& settled) {
    const double held = amount_of(kind, settled.held);
    if (settled.is_withdrawn || kind == LimitKind::concurrent) {
        return -held;
    }
    if (counts_tokens(kind)) {
        return count_from(settled.tokens) - held;
    }
    return kind == LimitKind::ipm ? count_from(settled.images) - held : 0.0;
}

/// Rounded down, from 0 on; below 2^63 also where the limit was the largest count there is.
std::int64_t whole_from(double count) {
    return static_cast<std::int64_t>(std::clamp(count, 0.0, 9e18));
}

int rank(const Refusal& refusal) {
    switch (refusal.kind) {
        case Refusal::Kind::too_large:
            return 2;
        case Refusal::Kind::budget:
            return 1;
        default:
            return 0;
    }
}

/// Calls `each` with the buckets that the demand meets: those of the entries that match its model,
/// none where only money is asked for.
template <class Each>
void for_buckets(const ScopeRules& scope, const Demand& demand, const Each& each) {
    if (demand.only_money) {
        return;
    }
    for (const EntryRules& entry : scope.entries) {
        if (entry.matches(demand.model)) {
            std::ranges::for_each(entry.buckets, each);
        }
    }
}

}  // namespace

void add_refusal(Decision& decision, const Refusal& refusal) {
    if (!decision.refusal || rank(refusal) > rank(*decision.refusal) ||
        (rank(refusal) == rank(*decision.refusal) &&
         refusal.retry_after > decision.refusal->retry_after)) {
        decision.refusal = refusal;
    }
}

void BucketAdmission::ask(const ScopeRules& scope, Decision& decision) const {
    for_buckets(scope, demand_, [&](const BucketRule& rule) { ask_bucket(scope, rule, decision); });
}

void BucketAdmission::ask_bucket(const ScopeRules& scope,
                                 const BucketRule& rule,
                                 Decision& decision) const {
    const double amount = amount_of(rule.kind, demand_);
    if (amount == 0) {
        return;
    }
    const bool is_too_large = amount > static_cast<double>(rule.limit);
    const BucketLevel level = level_of(rule, share_, now_ms_);
    if (!is_too_large && level.fits(amount)) {
        return;
    }
    if (rule.mode == EnforceMode::shadow) {
        decision.shadow_kinds |= static_cast<std::uint8_t>(1U << static_cast<unsigned>(rule.kind));
    } else if (is_too_large) {
        add_refusal(decision, {.kind = Refusal::Kind::too_large, .bucket = &rule, .scope = &scope});
    } else {
        add_refusal(decision, {.kind = Refusal::Kind::limit,
                               .bucket = &rule,
                               .scope = &scope,
                               .retry_after = level.fits_in(amount)});
    }
}

void BucketAdmission::take(const ScopeRules& scope, Decision& decision) {
    const bool is_admitted = !decision.refusal;
    for_buckets(scope, demand_, [&](const BucketRule& rule) {
        BucketLevel level = level_of(rule, share_, now_ms_);
        if (is_admitted) {
            level.used += amount_of(rule.kind, demand_);
            rule.cell->bucket = {.used = level.used,
                                 .at_ms = std::max(rule.cell->bucket.at_ms, now_ms_)};
        }
        if (rule.mode == EnforceMode::enforce) {
            note_headroom(rule, level, decision);
        }
    });
}

void BucketAdmission::note_headroom(const BucketRule& rule,
                                    const BucketLevel& level,
                                    Decision& decision) {
    if (!counts_tokens(rule.kind) && !counts_requests(rule.kind)) {
        return;
    }
    const bool is_tokens = counts_tokens(rule.kind);
    double& least = is_tokens ? tokens_left_ : requests_left_;
    const double left = level.remaining() / level.limit;
    if (left < least) {
        least = left;
        (is_tokens ? decision.tokens : decision.requests) =
            Headroom{.limit = whole_from(level.limit),
                     .remaining = whole_from(level.remaining()),
                     .resets_in = level.full_in()};
    }
}

void correct_buckets(const ScopeRules& scope, const Settled& settled, double share, double now_ms) {
    for_buckets(scope, settled.held, [&](const BucketRule& rule) {
        const double correction = correction_of(rule.kind, settled);
        if (correction == 0) {
            return;
        }
        const double used = level_of(rule, share, now_ms).used;
        rule.cell->bucket = {.used = std::max(0.0, used + correction),
                             .at_ms = std::max(rule.cell->bucket.at_ms, now_ms)};
    });
}

}  // namespace headgate::policy
