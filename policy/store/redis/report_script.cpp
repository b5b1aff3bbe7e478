#include "policy/store/redis/script_parts.h"
#include "policy/store/redis/scripts.h"

namespace headgate::policy {

namespace {

// Replies 'r'; 's' where a later life of this instance has reported.
constexpr std::string_view kReport = R"lua(
-- KEYS: counters, holdings, leases, seen
local holdings, leases, seen = KEYS[2], KEYS[3], KEYS[4]
local head, instances, days, totals = unpack(cmsgpack.unpack(ARGV[1]))
local instance, life, has_records, is_last, needed, workers, lease, patience = unpack(head)
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

-- Of each instance and day the largest total counts, so that telling it twice changes nothing.
-- What was booked in full when its lease ended is covered by a larger total; where the instance
-- itself begins a new life, whose total has what the earlier one left open, all of it is.
for i = 1, #days do
    local field = 'c' .. instances[i] .. '|' .. days[i]
    local values = redis.call('HMGET', counters, field, days[i])
    local total, dead, spent, reserved = 0, 0, 0, 0
    if values[1] then
        total, dead = struct.unpack('<dd', values[1])
    end
    if values[2] then
        spent, reserved = struct.unpack('<dd', values[2])
    end
    local more = math.max(0, totals[i] - total)
    local covered = math.min(dead, more)
    local dropped = 0
    if has_records == 1 and is_new_life and instances[i] == instance then
        dropped = dead - covered
    end
    if more > 0 or dropped > 0 then
        local scope, day = days[i]:match('^m(.*)/(%d+)$')
        redis.call('HSET', counters, field,
                   struct.pack('<dd', total + more, dead - covered - dropped), days[i],
                   struct.pack('<dd', spent + more - covered - dropped, reserved))
        redis.call('HDEL', counters, 'x' .. scope)
        if not values[2] then
            extend_days(scope, tonumber(day))
        end
    end
end

if is_last == 1 then
    if is_new_life then
        dissolve(holdings, instance, 5000, has_records == 0)
        redis.call('HSET', counters, 'l' .. instance, struct.pack('<d', life) .. lives:sub(1, 56))
    end
    redis.call('ZADD', leases, now + lease, instance)
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
    static const std::string script = joined({kEpochParts, kDissolvePart, kReport});
    return script;
}

}  // namespace headgate::policy
