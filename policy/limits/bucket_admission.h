#pragma once

#include "policy/limits/bucket_level.h"
#include "policy/limits/demand.h"

#include <limits>

namespace headgate::policy {

/// Puts `refusal` into the decision where it goes before the one that is there (see Refusal).
void add_refusal(Decision& decision, const Refusal& refusal);

/// The buckets' part of one admission: every scope is asked first, then every scope is told the
/// decision. With the mutexes of the scopes' accounts held.
class BucketAdmission {
public:
    /// `demand` must outlive it.
    BucketAdmission(const Demand& demand, double share, double now_ms)
        : demand_{demand}, share_{share}, now_ms_{now_ms} {}

    /// Adds what the scope's buckets refuse. Changes none.
    void ask(const ScopeRules& scope, Decision& decision) const;
    /// Takes what is asked for, where nothing refused it, and notes what is left.
    void take(const ScopeRules& scope, Decision& decision);

private:
    void ask_bucket(const ScopeRules& scope, const BucketRule& rule, Decision& decision) const;
    void note_headroom(const BucketRule& rule, const BucketLevel& level, Decision& decision);

    const Demand& demand_;
    double share_;
    double now_ms_;
    // Shares left of the tightest buckets so far.
    double requests_left_ = std::numeric_limits<double>::infinity();
    double tokens_left_ = std::numeric_limits<double>::infinity();
};

/// Gives back or adds, in every bucket of the scope that was asked, what the exchange used less or
/// more than was held.
void correct_buckets(const ScopeRules& scope, const Settled& settled, double share, double now_ms);

}  // namespace headgate::policy
