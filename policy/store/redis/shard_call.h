#pragma once

#include "policy/store/redis/message_pack.h"
#include "policy/store/redis/queued_admission.h"
#include "policy/store/redis/redis_limits.h"
#include "policy/store/redis/tallies.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace headgate::policy {

/// What one call says of a bucket. Its rule is that of the admissions in the call; where there are
/// none the latest.
struct BucketEntry {
    BucketTally* tally = nullptr;
    LimitKind kind = LimitKind::rpm;
    EnforceMode mode = EnforceMode::enforce;
    std::int64_t limit = 0;
    std::int64_t correction = 0;
    bool is_asked = false;
};

/// … of a scope's money.
struct ScopeEntry {
    ScopeTally* tally = nullptr;
    Payment budget;  // where is_asked: of the admissions in the call
    bool is_asked = false;
};

struct DayEntry {
    DayTally* tally = nullptr;
    std::size_t scope = 0;  // in ShardCall::scopes
    bool tells_booked = false;
    std::int64_t folded = 0;  // of what it has booked; part of the base once this is applied
};

/// One call to Redis, kept until its reply is known.
struct ShardCall {
    std::uint64_t number = 0;
    std::uint64_t probes = 0;  // the call that is asked for; 0: not a probe
    std::uint64_t acked = 0;   // the latest call whose reply came
    bool tells = false;        // all that the worker holds
    bool begins = false;       // … with this call
    bool completes = false;    // … and has told all with this call

    std::vector<BucketEntry> buckets;
    std::vector<ScopeEntry> scopes;
    std::vector<DayEntry> days;
    std::vector<QueuedAdmission> admissions;

    /// Settles that wait, in bounded number; what they say is taken out of the tallies.
    void add_settles(Tallies& tallies);
    /// The first of `queue` that may go together: at most 64, one rule a bucket, one budget a
    /// scope. What waits behind one that may not goes with the next call.
    void add_admissions(std::deque<QueuedAdmission>& queue);

    /// What the script reads: a list of
    ///   head          instance, worker, life, number, probed, acked, begins, completes, lease,
    ///   wait fields        of the counters: epoch, lives, buckets, sums of spans, days,
    ///   contributions of
    ///                 the days that book something or tell what was told before
    ///   held fields   of the holdings: the worker's latest call, days, buckets of slots
    ///   rates         a bucket: limit, period in ms (0: slots), enforced, correction, slots
    ///   spans         a scope: 2 enforced, 1 asked, 0 not asked; limit, first day, day after the
    ///                 last; two places for the script
    ///   sums          a day: its scope, day, held, booked; -1 where that is not told, -2 where it
    ///                 is to be folded into the base, else the base, if that is told
    ///   asked         an admission: number of takes, of payments, worst case; bucket and amount a
    ///                 take; a day a payment
    /// Scopes, buckets and days are named by where their group of numbers begins, from 0.
    std::string payload(const RedisLimits::Settings& settings) const;

    /// What it said goes back into the tallies, its admissions to the front of `queue`: it was not
    /// applied.
    void take_back(Tallies& tallies, std::deque<QueuedAdmission>& queue);

    /// It was applied. `has_folded`: what it folds was, too.
    void confirm(bool has_folded) const;

    void clear();

private:
    std::size_t place(BucketTally& bucket);
    std::size_t place(ScopeTally& scope);
    std::size_t place(DayTally& day);
    bool may_join(const QueuedAdmission& admission) const;
    void join(QueuedAdmission&& admission);

    void write_head(MessagePack& to, const RedisLimits::Settings& settings) const;
    void write_fields(MessagePack& to, const RedisLimits::Settings& settings) const;
    void write_buckets(MessagePack& to) const;
    void write_money(MessagePack& to) const;
    std::int64_t how_told(const DayEntry& entry) const;
    void write_admissions(MessagePack& to) const;
};

}  // namespace headgate::policy
