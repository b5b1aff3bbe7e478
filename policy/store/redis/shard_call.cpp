#include "policy/store/redis/shard_call.h"

#include <algorithm>
#include <iterator>

namespace headgate::policy {

namespace {

constexpr std::size_t kMostAdmissions = 64;
constexpr std::size_t kMostBuckets = 1024;
constexpr std::size_t kMostSettledBuckets = 512;
constexpr std::size_t kMostSettledDays = 256;

// Numbers of a bucket, a scope and a day: RATE, SPAN and SUM of the script.
constexpr std::size_t kRate = 5;
constexpr std::size_t kSpan = 6;
constexpr std::size_t kSum = 5;

/// Takes up to `most` off the front, calls `each` with them.
template <class Tally, class Each>
void take_front(std::vector<Tally*>& list, std::size_t most, const Each& each) {
    const std::size_t count = std::min(list.size(), most);
    for (std::size_t i = 0; i < count; ++i) {
        list[i]->is_dirty = false;
        each(*list[i]);
    }
    list.erase(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(count));
}

std::int64_t milliseconds_of(LimitKind kind) {
    const std::optional<std::chrono::milliseconds> period = period_of(kind);
    return period ? period->count() : 0;
}

bool is_same_budget(const Payment& a, const Payment& b) {
    return a.limit == b.limit && a.mode == b.mode && a.first == b.first && a.stop == b.stop;
}

}  // namespace

void ShardCall::clear() {
    number = probes = acked = 0;
    tells = begins = completes = false;
    buckets.clear();
    scopes.clear();
    days.clear();
    admissions.clear();
}

std::size_t ShardCall::place(BucketTally& bucket) {
    if (bucket.place.call != number) {
        bucket.place = {.call = number, .index = buckets.size()};
        buckets.push_back({.tally = &bucket,
                           .kind = bucket.kind,
                           .mode = bucket.mode,
                           .limit = bucket.limit,
                           .correction = std::exchange(bucket.correction, 0)});
    }
    return bucket.place.index;
}

std::size_t ShardCall::place(ScopeTally& scope) {
    if (scope.place.call != number) {
        scope.place = {.call = number, .index = scopes.size()};
        scopes.push_back({.tally = &scope, .budget = {}});
    }
    return scope.place.index;
}

std::size_t ShardCall::place(DayTally& day) {
    if (day.place.call != number) {
        const std::size_t scope = place(*day.scope);
        const bool folds = std::exchange(day.folds, false) && day.held == 0 && !tells;
        day.place = {.call = number, .index = days.size()};
        days.push_back({.tally = &day,
                        .scope = scope,
                        .tells_booked = std::exchange(day.tells_booked, false),
                        .folded = folds ? day.booked : 0});
    }
    return day.place.index;
}

void ShardCall::add_settles(Tallies& tallies) {
    take_front(tallies.dirty_buckets, kMostSettledBuckets, [&](BucketTally& b) { place(b); });
    take_front(tallies.dirty_days, kMostSettledDays, [&](DayTally& day) { place(day); });
}

void ShardCall::add_admissions(std::deque<QueuedAdmission>& queue) {
    while (!queue.empty() && admissions.size() < kMostAdmissions) {
        if (!queue.front().is_abandoned) {
            if (!may_join(queue.front())) {
                return;
            }
            join(std::move(queue.front()));
        }
        queue.pop_front();
    }
}

bool ShardCall::may_join(const QueuedAdmission& admission) const {
    if (!admissions.empty() && buckets.size() + admission.takes.size() > kMostBuckets) {
        return false;
    }
    const bool may_take = std::ranges::all_of(admission.takes, [this](const Take& take) {
        const CallPlace& place = take.bucket->place;
        if (place.call != number || !buckets[place.index].is_asked) {
            return true;
        }
        const BucketEntry& entry = buckets[place.index];
        return entry.limit == take.limit && entry.mode == take.mode;
    });
    const std::span payments{admission.payments.data(), admission.payment_count};
    return may_take && std::ranges::all_of(payments, [this](const Payment& payment) {
               const CallPlace& place = payment.day->scope->place;
               return place.call != number || !scopes[place.index].is_asked ||
                      is_same_budget(scopes[place.index].budget, payment);
           });
}

void ShardCall::join(QueuedAdmission&& admission) {
    for (const Take& take : admission.takes) {
        BucketEntry& entry = buckets[place(*take.bucket)];
        entry.kind = take.kind;
        entry.mode = take.mode;
        entry.limit = take.limit;
        entry.is_asked = true;
    }
    for (std::size_t i = 0; i < admission.payment_count; ++i) {
        const Payment& payment = admission.payments[i];
        ScopeEntry& entry = scopes[days[place(*payment.day)].scope];
        entry.budget = payment;
        entry.is_asked = true;
    }
    admissions.push_back(std::move(admission));
}

void ShardCall::take_back(Tallies& tallies, std::deque<QueuedAdmission>& queue) {
    for (const BucketEntry& entry : buckets) {
        entry.tally->correction += entry.correction;
        tallies.mark(*entry.tally);
    }
    for (const DayEntry& entry : days) {
        entry.tally->tells_booked |= entry.tells_booked;
        entry.tally->folds |= entry.folded > 0;
        tallies.mark(*entry.tally);
    }
    queue.insert(queue.begin(), std::make_move_iterator(admissions.begin()),
                 std::make_move_iterator(admissions.end()));
    admissions.clear();
}

void ShardCall::confirm(bool has_folded) const {
    for (const DayEntry& entry : days) {
        if (has_folded) {
            entry.tally->booked -= entry.folded;
            *entry.tally->untold -= entry.folded;
        }
    }
}

std::string ShardCall::payload(const RedisLimits::Settings& settings) const {
    MessagePack to;
    to.list(7);
    write_head(to, settings);
    write_fields(to, settings);
    write_buckets(to);
    write_money(to);
    write_admissions(to);
    return std::move(to).take();
}

void ShardCall::write_head(MessagePack& to, const RedisLimits::Settings& settings) const {
    to.list(10);
    to.text(settings.instance);
    to.number(static_cast<std::int64_t>(settings.worker));
    to.number(static_cast<std::int64_t>(settings.life));
    to.number(static_cast<std::int64_t>(number));
    to.number(static_cast<std::int64_t>(probes));
    to.number(static_cast<std::int64_t>(acked));
    to.flag(begins);
    to.flag(completes);
    to.number(settings.lease.count());
    to.number(settings.report_wait.count());
}

void ShardCall::write_fields(MessagePack& to, const RedisLimits::Settings& settings) const {
    const auto contributes = [](const DayEntry& day) { return day.tells_booked; };
    const auto holds_slots = [](const BucketEntry& bucket) {
        return bucket.kind == LimitKind::concurrent;
    };
    const auto contributions = static_cast<std::size_t>(std::ranges::count_if(days, contributes));
    to.list(2 + buckets.size() + scopes.size() + days.size() + contributions);
    to.text("e");
    to.text("l" + settings.instance);
    for (const BucketEntry& entry : buckets) {
        to.text(entry.tally->field);
    }
    for (const ScopeEntry& entry : scopes) {
        to.text(entry.tally->field);
    }
    for (const DayEntry& entry : days) {
        to.text(entry.tally->field);
    }
    for (const DayEntry& entry : days) {
        if (contributes(entry)) {
            to.text(entry.tally->contribution_field);
        }
    }
    const auto slots = static_cast<std::size_t>(std::ranges::count_if(buckets, holds_slots));
    to.list(1 + days.size() + slots);
    to.text("w" + std::to_string(settings.worker));
    for (const DayEntry& entry : days) {
        to.text(entry.tally->held_field);
    }
    for (const BucketEntry& entry : buckets) {
        if (holds_slots(entry)) {
            to.text(entry.tally->slots_field);
        }
    }
}

void ShardCall::write_buckets(MessagePack& to) const {
    to.list(buckets.size() * kRate);
    for (const BucketEntry& entry : buckets) {
        to.number(entry.limit);
        to.number(milliseconds_of(entry.kind));
        to.flag(entry.mode == EnforceMode::enforce);
        to.number(entry.correction);
        to.number(entry.tally->slots);
    }
}

std::int64_t ShardCall::how_told(const DayEntry& entry) const {
    if (!entry.tells_booked) {
        return -1;
    }
    if (entry.folded > 0) {
        return -2;
    }
    return tells ? entry.tally->scope->base_of(*entry.tally) : 0;
}

void ShardCall::write_money(MessagePack& to) const {
    to.list(scopes.size() * kSpan);
    for (const ScopeEntry& entry : scopes) {
        const bool is_enforced = entry.is_asked && entry.budget.mode == EnforceMode::enforce;
        to.number(is_enforced ? 2 : entry.is_asked ? 1 : 0);
        to.number(entry.budget.limit);
        to.number(entry.budget.first);
        to.number(entry.budget.stop);
        to.number(0);
        to.number(0);
    }
    to.list(days.size() * kSum);
    for (const DayEntry& entry : days) {
        to.number(static_cast<std::int64_t>(entry.scope * kSpan));
        const DayTally& day = *entry.tally;
        to.number(day.day.time_since_epoch().count());
        to.number(day.held);
        to.number(day.booked);
        to.number(how_told(entry));
    }
}

void ShardCall::write_admissions(MessagePack& to) const {
    std::size_t numbers = 0;
    for (const QueuedAdmission& admission : admissions) {
        numbers += 3 + 2 * admission.takes.size() + admission.payment_count;
    }
    to.list(numbers);
    for (const QueuedAdmission& admission : admissions) {
        to.number(static_cast<std::int64_t>(admission.takes.size()));
        to.number(static_cast<std::int64_t>(admission.payment_count));
        to.number(admission.worst);
        for (const Take& take : admission.takes) {
            to.number(static_cast<std::int64_t>(take.bucket->place.index * kRate));
            to.number(take.amount);
        }
        for (std::size_t i = 0; i < admission.payment_count; ++i) {
            const DayTally& day = *admission.payments[i].day;
            to.number(static_cast<std::int64_t>(day.place.index * kSum));
        }
    }
}

}  // namespace headgate::policy
