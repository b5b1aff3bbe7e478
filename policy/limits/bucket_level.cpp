#include "policy/limits/bucket_level.h"

#include "policy/limits/accounts.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace headgate::policy {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSlotWait{1'000};

/// Rounded down; what passes the range of milliseconds (a huge debt at a small rate) is cut.
milliseconds whole_from(double ms) {
    constexpr double most = 1e15;  // 30,000 years
    return milliseconds{static_cast<milliseconds::rep>(std::clamp(ms, 0.0, most))};
}

double part_of(std::int64_t limit, double share) {
    const auto whole = static_cast<double>(limit);
    return share > 1 ? std::max(1.0, std::floor(whole / share)) : whole;
}

}  // namespace

bool BucketLevel::fits(double amount) const {
    return used + std::min(amount, limit) <= limit;
}

milliseconds BucketLevel::fits_in(double amount) const {
    if (period_ms <= 0) {
        return kSlotWait;
    }
    // Another thread may have looked at the clock later and come here first.
    const double from_ms = std::max(now_ms, bucket.at_ms);
    const auto fits_after = [&](milliseconds wait) {
        BucketLevel then = *this;
        then.used = bucket.used_at(from_ms + static_cast<double>(wait.count()), limit, period_ms);
        return then.fits(amount);
    };
    const double excess = used + std::min(amount, limit) - limit;
    // Rounding may make the quotient fall short of a whole millisecond or just pass it.
    milliseconds wait = std::max(milliseconds{1}, whole_from(excess * period_ms / limit));
    for (int step = 0; step < 2 && !fits_after(wait); ++step) {
        wait += milliseconds{1};
    }
    return wait;
}

milliseconds BucketLevel::full_in() const {
    return period_ms <= 0 ? milliseconds{0} : whole_from(std::ceil(used * period_ms / limit));
}

BucketLevel level_of(const BucketRule& rule, double share, double now_ms) {
    const std::optional<milliseconds> period = period_of(rule.kind);
    BucketLevel level{.limit = part_of(rule.limit, share),
                      .period_ms = period ? static_cast<double>(period->count()) : 0,
                      .now_ms = now_ms,
                      .bucket = rule.cell->bucket};
    level.used = level.bucket.used_at(now_ms, level.limit, level.period_ms);
    return level;
}

double bucket_time(providers::SteadyTime now) {
    return std::chrono::duration<double, std::milli>(now.time_since_epoch()).count();
}

}  // namespace headgate::policy
