#include "policy/limits/bucket_level.h"

#include "policy/limits/accounts.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace headgate::policy {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSlotWait{1'000};

/// Rounded up; what passes the range of milliseconds (a huge debt at a small rate) is cut.
milliseconds milliseconds_from(double ms) {
    constexpr double most = 1e15;  // 30,000 years
    return milliseconds{static_cast<milliseconds::rep>(std::ceil(std::clamp(ms, 0.0, most)))};
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
    const double excess = used + std::min(amount, limit) - limit;
    const milliseconds wait =
        std::max(milliseconds{1}, milliseconds_from(excess * period_ms / limit));
    // The division may have been rounded down to a whole millisecond that is just too early.
    const Bucket bucket{.used = used, .at_ms = 0};
    const BucketLevel then{
        .limit = limit,
        .period_ms = period_ms,
        .used = bucket.used_at(static_cast<double>(wait.count()), limit, period_ms)};
    return then.fits(amount) ? wait : wait + milliseconds{1};
}

milliseconds BucketLevel::full_in() const {
    return period_ms <= 0 ? milliseconds{0} : milliseconds_from(used * period_ms / limit);
}

BucketLevel level_of(const BucketRule& rule, double share, double now_ms) {
    const std::optional<milliseconds> period = period_of(rule.kind);
    BucketLevel level{.limit = part_of(rule.limit, share),
                      .period_ms = period ? static_cast<double>(period->count()) : 0};
    level.used = rule.cell->bucket.used_at(now_ms, level.limit, level.period_ms);
    return level;
}

double bucket_time(providers::SteadyTime now) {
    return std::chrono::duration<double, std::milli>(now.time_since_epoch()).count();
}

}  // namespace headgate::policy
