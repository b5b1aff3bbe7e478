#include "policy/store/redis/script_parts.h"
#include "policy/store/redis/scripts.h"

namespace headgate::policy {

namespace {

// Replies the number of instances that were seen lately.
constexpr std::string_view kHeartbeat = R"lua(
-- KEYS: counters, leases, seen, what the keys of holdings begin with
local leases, seen, holdings = KEYS[2], KEYS[3], KEYS[4]
local instance, life, lease, lately =
    ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local day_ms = 86400000

redis.call('ZADD', leases, now + lease, holder(instance, life))
redis.call('ZADD', seen, now, instance)

-- What those held whose lease has ended: a bounded part of it a call. Of a life that another one
-- has followed '-' tells whether its records have what it left open.
for _, dead in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, 8)) do
    local key, followed = holdings .. dead, redis.call('HGET', holdings .. dead, '-')
    if dissolve(key, dead:match('^(.*):'), 500, followed ~= '1') then
        redis.call('ZREM', leases, dead)
        if followed then
            redis.call('DEL', key)
        end
    end
end

-- Instances that nobody has seen for a day are forgotten; what they spent is not.
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', seen, '-inf', now - day_ms, 'LIMIT', 0, 8)) do
    redis.call('ZREM', seen, gone)
    local lives = redis.call('HGET', counters, 'l' .. gone)
    if lives then
        redis.call('DEL', holdings .. holder(gone, struct.unpack('<d', lives)))
        redis.call('HDEL', counters, 'l' .. gone)
    end
end
)lua";

constexpr std::string_view kTidy = R"lua(
-- Buckets that must have drained, and days that no budget adds up and nobody will ask for again.
-- A slice a call; the next one goes on at the cursor.
local today = math.floor(now / day_ms)
local stale = {}
local function may_go(scope, day)
    if day >= today - 800 then
        return false
    end
    local cached = redis.call('HGET', counters, 'x' .. scope)
    return not cached or struct.unpack('<d', cached) > day
end
local page = redis.call('HSCAN', counters, redis.call('HGET', counters, 'g') or '0', 'COUNT', 100)
for i = 1, #page[2], 2 do
    local field, value = page[2][i], page[2][i + 1]
    local kind = field:sub(1, 1)
    if kind == 'b' then
        local used, at = struct.unpack('<dd', value)
        if used == 0 or (at < now - 8 * day_ms and not field:match('/concurrent$')) then
            stale[field] = true
        end
    elseif kind == 'm' or kind == 'c' then
        local scope, day = field:match('m([^|]*)/(%d+)$')
        if scope and may_go(scope, tonumber(day)) then
            stale[field] = true
        end
    end
end
for field in pairs(stale) do
    redis.call('HDEL', counters, field)
end
if redis.call('HEXISTS', counters, 'e') == 1 then
    redis.call('HSET', counters, 'g', page[1])
end
return redis.call('ZCOUNT', seen, now - lately, '+inf')
)lua";

}  // namespace

const std::string& heartbeat_script() {
    static const std::string kScript =
        joined({kEpochParts, kContributePart, kDissolvePart, kHeartbeat, kTidy});
    return kScript;
}

}  // namespace headgate::policy
