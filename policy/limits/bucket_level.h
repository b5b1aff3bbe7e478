#pragma once

#include "policy/keys/limit_settings.h"
#include "policy/limits/bucket.h"
#include "policy/limits/limit_rules.h"
#include "providers/base/clock.h"

#include <chrono>

namespace headgate::policy {

/// How full a bucket is at a moment. A value: pure arithmetic in the doubles of Bucket.
struct BucketLevel {
    double limit = 0;      // this process' part of it
    double period_ms = 0;  // 0: it does not drain
    double now_ms = 0;
    Bucket bucket;    // as it was left
    double used = 0;  // by now; above the limit: in debt

    /// Negative: in debt.
    double remaining() const { return limit - used; }
    /// What is more than the limit fits into an empty bucket: see MemoryLimits on `share`.
    bool fits(double amount) const;
    /// When `amount` will fit if nothing else is taken: whole milliseconds, rounded up, 1 at least;
    /// of a bucket that does not drain 1 s.
    std::chrono::milliseconds fits_in(double amount) const;
    /// When all will have drained; 0 for a bucket that does not drain.
    std::chrono::milliseconds full_in() const;
};

/// With the mutex of the bucket's account held. The cell is not changed.
BucketLevel level_of(const BucketRule& rule, double share, double now_ms);

/// The milliseconds that buckets count in.
double bucket_time(providers::SteadyTime now);

}  // namespace headgate::policy
