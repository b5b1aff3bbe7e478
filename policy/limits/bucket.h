#pragma once

#include <algorithm>
#include <cstdint>

namespace headgate::policy {

/// A token bucket, kept as what is used of it: `used` drains by limit ÷ period, so that a changed
/// limit takes effect at once and an edit never refills. All arithmetic is in doubles, exact for
/// whole tokens to 2^53, and the same that the Redis script does.
///
/// Times are milliseconds of one steady clock (in Redis: of the server's clock); a clock that goes
/// back drains nothing.
struct Bucket {
    double used = 0;
    double at_ms = 0;

    /// What is used at `now_ms`, for a bucket of `limit` a `period_ms`; a period of 0 never drains.
    double used_at(double now_ms, double limit, double period_ms) const {
        if (period_ms <= 0 || now_ms <= at_ms) {
            return used;
        }
        return std::max(0.0, used - (now_ms - at_ms) * limit / period_ms);
    }

    void drain_to(double now_ms, double limit, double period_ms) {
        used = used_at(now_ms, limit, period_ms);
        at_ms = std::max(at_ms, now_ms);
    }
};

}  // namespace headgate::policy
