#include "policy/store/redis/script_parts.h"
#include "policy/store/redis/scripts.h"

namespace headgate::policy {

namespace {

// Replies 'r'; 's' where a later life of this instance has reported; 'i' where an earlier slice of
// the report is not there (any more): begin again.
constexpr std::string_view kReport = R"lua(
-- KEYS: counters, what the keys of holdings begin with, leases, seen
local holdings, leases, seen = KEYS[2], KEYS[3], KEYS[4]
local head, instances, days, totals = unpack(cmsgpack.unpack(ARGV[1]))
local instance, life, report, slice, is_last, has_records, needed, workers, lease, patience =
    unpack(head)
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000

local lives = redis.call('HGET', counters, 'l' .. instance) or ''
for i = 9, #lives, 8 do
    if struct.unpack('<d', lives, i) == life then
        return 's'
    end
end
local is_new_life = lives == '' or struct.unpack('<d', lives) ~= life

local epoch, since, awaited, ready
local state = redis.call('HGET', counters, 'e')
if state then
    epoch, since, awaited, ready = struct.unpack('<dddd', state)
else
    epoch, since, awaited, ready = time[1] * 1000000 + time[2], now, 1, 0
end
if not state or (ready == 0 and needed > awaited) then
    awaited = math.max(awaited, needed)
    redis.call('HSET', counters, 'e', pack_epoch(epoch, since, awaited, ready))
end

-- All slices, or the report does not count.
local so_far = redis.call('HGET', counters, 'p' .. instance)
if slice > 0 and so_far ~= struct.pack('<dd', report, slice) then
    return 'i'
end
if is_last == 1 then
    redis.call('HDEL', counters, 'p' .. instance)
else
    redis.call('HSET', counters, 'p' .. instance, struct.pack('<dd', report, slice + 1))
end
)lua";

constexpr std::string_view kTotals = R"lua(
-- Of the instance itself: what it spent before its present life. A new life brings a new base; what
-- the earlier one had come to stays the least. What was booked in full is not part of that where
-- the base, from its records, has what the earlier life left open. Of others: their totals.
local function stored_anew(stored, of_itself, total)
    local base, told, dead, other = 0, 0, 0, 0
    if stored then
        base, told, dead, other = struct.unpack('<dddd', stored)
    end
    local before = math.max(base + told, other)
    if not of_itself then
        other = math.max(other, total)
    elseif is_new_life then
        other = math.max(other, base + told - (has_records == 1 and dead or 0))
        base, told, dead = total, 0, 0
    else
        base = math.max(base, total)
    end
    return math.max(base + told, other) - before, struct.pack('<dddd', base, told, dead, other)
end

for i = 1, #days do
    local field = 'c' .. instances[i] .. '|' .. days[i]
    local values = redis.call('HMGET', counters, field, days[i])
    local d_spent, value = stored_anew(values[1], instances[i] == instance, totals[i])
    local spent, reserved = 0, 0
    if values[2] then
        spent, reserved = struct.unpack('<dd', values[2])
    end
    local scope, day = days[i]:match('^m(.*)/(%d+)$')
    redis.call('HSET', counters, field, value, days[i],
               struct.pack('<dd', spent + d_spent, reserved))
    redis.call('HDEL', counters, 'x' .. scope)
    if not values[2] then
        extend_days(scope, tonumber(day))
    end
end

if is_last == 1 then
    if is_new_life then
        if lives ~= '' then
            -- What the earlier life held ends now; were it too much for one call, by heartbeats.
            local earlier = holder(instance, struct.unpack('<d', lives))
            if dissolve(holdings .. earlier, instance, 5000, has_records == 0) then
                redis.call('DEL', holdings .. earlier)
                redis.call('ZREM', leases, earlier)
            else
                redis.call('HSET', holdings .. earlier, '-', has_records)
                redis.call('ZADD', leases, now, earlier)
            end
        end
        redis.call('HSET', counters, 'l' .. instance, struct.pack('<d', life) .. lives:sub(1, 56))
    end
    redis.call('ZADD', leases, now + lease, holder(instance, life))
    redis.call('ZADD', seen, now, instance)
    if ready == 0 then
        local reports = redis.call('HGET', counters, 'r')
        reports = reports and cmsgpack.unpack(reports) or {}
        local mine = reports[instance] or {0, {}}
        mine[1], mine[3] = workers, 1
        reports[instance] = mine
        redis.call('HSET', counters, 'r', cmsgpack.pack(reports))
        if has_all_reports(reports, awaited) or now >= since + patience then
            redis.call('HSET', counters, 'e', pack_epoch(epoch, since, awaited, 1))
            redis.call('HDEL', counters, 'r')
        end
    end
end
return 'r'
)lua";

}  // namespace

const std::string& report_script() {
    static const std::string kScript =
        joined({kEpochParts, kContributePart, kDissolvePart, kReport, kTotals});
    return kScript;
}

}  // namespace headgate::policy
