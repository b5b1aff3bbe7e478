#include "policy/store/redis/script_parts.h"
#include "policy/store/redis/scripts.h"

namespace headgate::policy {

namespace {

// Replies are one text. Its first byte tells what it is:
//   a  applied: '1' where budgets are still loading, else '0'; a '1' (granted) or '0' an admission;
//      then doubles: used of each bucket, and spent, reserved of each scope, after the settles and
//      before the admissions, from which the caller works out the rest
//   l  the data are lost, or this life of the instance has not reported yet: nothing was applied
//   t  what this worker holds is not known (any more): nothing was applied; tell it first
//   p  to a probe: the call that it asks for was applied; its reply follows
//   n  to a probe: it was not, and never will be
//   s  stale: a later call, or a later life of this instance, went before
constexpr std::string_view kReadCall = R"lua(
-- KEYS: counters, holdings, leases. ARGV[1]: see ShardCall::payload().
local holdings, leases = KEYS[2], KEYS[3]
local head, fields, held_fields, rates, spans, sums, asked = unpack(cmsgpack.unpack(ARGV[1]))
local instance, worker, life, seq, prior, acked, begins, completes, lease, patience = unpack(head)
local pack, parse = struct.pack, struct.unpack
local max, min = math.max, math.min
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000

-- The lists of numbers, and where in a group of them what stands. Groups become results in place.
local RATE, LIMIT, PERIOD, ENFORCED, USED, SLOTS = 5, 1, 2, 3, 4, 5  -- USED: first a correction
local SPAN, ASKED, MOST, FIRST, STOP, SUM_SPENT, SUM_RESERVED = 6, 1, 2, 3, 4, 5, 6
local SUM, SCOPE, DAY, HELD, SPENT, RESERVED = 5, 1, 2, 3, 4, 5  -- first booked, how it is told
local n_rates, n_spans, n_sums = #rates, #spans, #sums

-- What C may put on Lua's stack at once is bounded, hence the slices.
local function read(key, list)
    local n = #list
    if n <= 2000 then
        return redis.call('HMGET', key, unpack(list))
    end
    local all = {}
    for from = 1, n, 2000 do
        local slice = redis.call('HMGET', key, unpack(list, from, min(n, from + 1999)))
        for i = 1, #slice do
            all[from + i - 1] = slice[i]
        end
    end
    return all
end

local function write(command, key, list, n)
    for from = 1, n, 2000 do
        redis.call(command, key, unpack(list, from, min(n, from + 1999)))
    end
end

-- Epoch, lives, buckets, sums of spans, days, contributions; from where on each of them stands.
local known = read(counters, fields)
local bucket_at = 2
local span_at = bucket_at + n_rates / RATE
local day_at = span_at + n_spans / SPAN
local contribution_at = day_at + n_sums / SUM
-- This worker's latest call, its reservations, its slots.
local held = read(holdings, held_fields)
local slots_at = 1 + n_sums / SUM
)lua";

constexpr std::string_view kExactlyOnce = R"lua(
-- Whose call is it, and is it new?
local state, lives = known[1], known[2]
if not state or not lives then
    return 'l'
end
if parse('<d', lives) ~= life then
    for i = 9, #lives, 8 do
        if parse('<d', lives, i) == life then
            return 's'
        end
    end
    return 'l'
end
local epoch, since, needed, ready = parse('<dddd', state)

local last, answered, told, reply = 0, 0, 0, ''
if held[1] then
    last, answered, told = parse('<ddd', held[1])
    reply = held[1]:sub(25)
end
if prior > 0 then
    -- A probe: the reply to call `prior` was lost. From here on it can no longer be applied.
    if seq > last then
        redis.call('HSET', holdings, held_fields[1], pack('<ddd', seq, answered, told) .. reply)
    end
    if answered == prior then
        return 'p' .. reply
    end
    return told == epoch and 'n' or 't'
end
if seq <= last then
    return seq == answered and reply or 's'
end
if begins == 0 then
    if told ~= epoch then
        return 't'
    end
    if last < acked then
        return 'l'  -- an older state has come back: a restart, or a fail-over
    end
end

-- Budgets admit once the sums are known: when as many processes as were seen before have reported
-- in this epoch, with all that their workers hold, or when they have had time enough.
if ready == 0 then
    local reports = redis.call('HGET', counters, 'r')
    reports = reports and cmsgpack.unpack(reports) or {}
    if completes == 1 then
        local mine = reports[instance] or {0, {}}
        mine[2]['w' .. worker] = 1
        reports[instance] = mine
        redis.call('HSET', counters, 'r', cmsgpack.pack(reports))
    end
    if has_all_reports(reports, needed) or now >= since + patience then
        ready = 1
        redis.call('HSET', counters, 'e', pack_epoch(epoch, since, needed, ready))
        redis.call('HDEL', counters, 'r')
    end
end
)lua";

constexpr std::string_view kSettle = R"lua(
local changed, n_changed = {}, 0
local function change(field, value)
    changed[n_changed + 1], changed[n_changed + 2] = field, value
    n_changed = n_changed + 2
end

-- Buckets: drained to now, then corrected. Slots are told absolutely.
local touched, ahead = {}, {}  -- by bucket; ahead: last used later than now, a clock went back
local bucket, slot = bucket_at, slots_at
for r = 0, n_rates - 1, RATE do
    bucket = bucket + 1
    local period, correction = rates[r + PERIOD], rates[r + USED]
    local used = 0
    if known[bucket] then
        local at
        used, at = parse('<dd', known[bucket])
        if now <= at then
            ahead[bucket] = at
        elseif period > 0 then
            used = max(0, used - (now - at) * rates[r + LIMIT] / period)
        end
    end
    if period == 0 then
        slot = slot + 1
        correction = rates[r + SLOTS] - (held[slot] and parse('<d', held[slot]) or 0)
    end
    if correction ~= 0 then
        used = max(0, used + correction)
        touched[bucket] = true
    end
    rates[r + USED] = used
end

-- Sums over the spans that admissions ask for. A sum of another span is made anew from the days.
local span_changed = {}
local function sum_days(scope, first, stop)
    local spent, reserved = 0, 0
    local stored = redis.call('HGET', counters, 'f' .. scope)
    if stored then
        local from, to = parse('<dd', stored)
        from, to = max(from, first), min(to, stop - 1)
        for start = from, to, 1000 do
            local list, count = {}, 0
            for day = start, min(to, start + 999) do
                count = count + 1
                list[count] = string.format('m%s/%d', scope, day)
            end
            local values = redis.call('HMGET', counters, unpack(list, 1, count))
            for i = 1, count do
                if values[i] then
                    local s, r = parse('<dd', values[i])
                    spent, reserved = spent + s, reserved + r
                end
            end
        end
    end
    return spent, reserved
end
for s = 0, n_spans - 1, SPAN do
    local cached = known[span_at + s / SPAN + 1]
    local first, stop, spent, reserved
    if cached then
        first, stop, spent, reserved = parse('<dddd', cached)
    end
    if spans[s + ASKED] == 0 then
        spans[s + FIRST], spans[s + STOP] = first or 0, stop or 0
    elseif first ~= spans[s + FIRST] or stop ~= spans[s + STOP] then
        local scope = fields[span_at + s / SPAN + 1]:sub(2)
        spent, reserved = sum_days(scope, spans[s + FIRST], spans[s + STOP])
        span_changed[s] = true
    end
    spans[s + SUM_SPENT], spans[s + SUM_RESERVED] = spent or 0, reserved or 0
end

-- Days: what this worker holds, and has booked in its life, is told absolutely. What it folds goes
-- over from there to the base, once all have told what they had folded before a loss of data.
local day_changed, booked = {}, {}
local day, contribution = day_at, contribution_at
for d = 0, n_sums - 1, SUM do
    day = day + 1
    local now_booked, how = sums[d + SPENT], sums[d + RESERVED]
    local held_before, booked_before = 0, 0
    if held[day - day_at + 1] then
        held_before, booked_before = parse('<dd', held[day - day_at + 1])
    end
    local d_spent, d_reserved = 0, sums[d + HELD] - held_before
    booked[d] = booked_before
    if how ~= -1 then  -- else what it has booked is not told by this call
        contribution = contribution + 1
        booked[d] = now_booked
        local folded = 0
        if how == -2 and ready == 1 then
            folded, booked[d] = now_booked, 0
        end
        if now_booked ~= booked_before or how ~= 0 then
            local value
            d_spent, value =
                contribute(known[contribution], now_booked - booked_before, how, folded)
            change(fields[contribution], value)
            day_changed[d] = true
        end
    end
    local spent, reserved = 0, 0
    if known[day] then
        spent, reserved = parse('<dd', known[day])
    end
    sums[d + SPENT], sums[d + RESERVED] = spent + d_spent, reserved + d_reserved
    if d_spent ~= 0 or d_reserved ~= 0 then
        day_changed[d] = true
        local s = sums[d + SCOPE]
        if sums[d + DAY] >= spans[s + FIRST] and sums[d + DAY] < spans[s + STOP] then
            spans[s + SUM_SPENT] = spans[s + SUM_SPENT] + d_spent
            spans[s + SUM_RESERVED] = spans[s + SUM_RESERVED] + d_reserved
            span_changed[s] = true
        end
    end
end
)lua";

}  // namespace

const std::string& limits_script() {
    static const std::string kScript = joined(
        {kEpochParts, kContributePart, kReadCall, kExactlyOnce, kSettle, kAdmitPart, kWritePart});
    return kScript;
}

}  // namespace headgate::policy
