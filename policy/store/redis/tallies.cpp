#include "policy/store/redis/tallies.h"

#include <algorithm>
#include <mutex>
#include <ranges>

namespace headgate::policy {

namespace {

constexpr std::chrono::days kKeptDays{2};

bool is_idle(const BucketTally& bucket) {
    return bucket.slots == 0 && bucket.correction == 0 && !bucket.is_dirty;
}

bool is_idle(const DayTally& day) {
    return day.held == 0 && day.booked == 0 && !day.is_dirty;
}

/// Read before what is untold of it: what is settled meanwhile makes the difference too small.
std::int64_t spent_on(Account& account, Day day) {
    const std::lock_guard lock{account.mutex()};
    const std::vector<DayMoney>& all = account.days();
    const auto found = std::find_if(all.rbegin(), all.rend(),
                                    [day](const DayMoney& money) { return money.day <= day; });
    return found == all.rend() || found->day != day
               ? 0
               : std::clamp<std::int64_t>(found->spent, 0, kMostExact);
}

}  // namespace

std::int64_t ScopeTally::base_of(const DayTally& day) const {
    return std::clamp<std::int64_t>(spent_on(*account, day.day) - day.untold->load(), 0,
                                    kMostExact);
}

BucketTally& Tallies::bucket(const BucketRule& rule) {
    auto found = buckets_.find(std::string_view{rule.name});
    if (found == buckets_.end()) {
        found = buckets_.emplace(rule.name, BucketTally{}).first;
        found->second.field = "b" + rule.name;
        found->second.slots_field = "s" + worker_ + "|b" + rule.name;
    }
    BucketTally& bucket = found->second;
    bucket.kind = rule.kind;
    bucket.limit = rule.limit;
    bucket.mode = rule.mode;
    return bucket;
}

DayTally& Tallies::day(const ScopeRules& rules, Day day) {
    auto found = scopes_.find(std::string_view{rules.id});
    if (found == scopes_.end()) {
        found = scopes_.emplace(rules.id, ScopeTally{}).first;
        found->second.field = "x" + rules.id;
    }
    ScopeTally& scope = found->second;
    scope.account = rules.account;
    for (const std::unique_ptr<DayTally>& known : scope.days | std::views::reverse) {
        if (known->day == day) {
            return *known;
        }
    }
    fold_before(scope, day - kKeptDays);
    auto tally = std::make_unique<DayTally>();
    tally->scope = &scope;
    tally->day = day;
    tally->untold = untold_->of(rules.id, day);
    tally->field = "m" + rules.id + "/" + std::to_string(day.time_since_epoch().count());
    tally->held_field = "h" + worker_ + "|" + tally->field;
    tally->contribution_field = "c" + instance_ + "|" + tally->field;
    ++days_;
    return *scope.days.emplace_back(std::move(tally));
}

/// Days long past are settled: what was booked there is to become part of the base, so that the
/// tally may go. Where Redis does not do so now, the next day asks it again.
void Tallies::fold_before(ScopeTally& scope, Day day) {
    for (const std::unique_ptr<DayTally>& tally : scope.days) {
        if (tally->day < day && tally->held == 0 && tally->booked > 0) {
            tally->tells_booked = true;
            tally->folds = true;
            mark(*tally);
        }
    }
}

void Tallies::mark(BucketTally& bucket) {
    if (!bucket.is_dirty) {
        bucket.is_dirty = true;
        dirty_buckets.push_back(&bucket);
    }
}

void Tallies::mark(DayTally& day) {
    if (!day.is_dirty) {
        day.is_dirty = true;
        dirty_days.push_back(&day);
    }
}

void Tallies::mark_all() {
    for (auto& [name, bucket] : buckets_) {
        if (bucket.kind == LimitKind::concurrent) {
            mark(bucket);
        }
    }
    for (auto& [name, scope] : scopes_) {
        for (const std::unique_ptr<DayTally>& day : scope.days) {
            day->tells_booked = true;
            mark(*day);
        }
    }
}

void Tallies::prune() {
    if (buckets_.size() + scopes_.size() + days_ < prune_at_) {
        return;
    }
    std::erase_if(buckets_, [](const auto& entry) { return is_idle(entry.second); });
    prune_days();
    prune_at_ = 2 * (buckets_.size() + scopes_.size() + days_) + 4096;
}

void Tallies::prune_days() {
    days_ = 0;
    for (auto scope = scopes_.begin(); scope != scopes_.end();) {
        std::vector<std::unique_ptr<DayTally>>& days = scope->second.days;
        std::erase_if(days, [](const auto& day) { return is_idle(*day); });
        days_ += days.size();
        scope = days.empty() ? scopes_.erase(scope) : std::next(scope);
    }
}

}  // namespace headgate::policy
