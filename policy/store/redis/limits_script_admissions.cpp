#include "policy/store/redis/script_parts.h"

namespace headgate::policy {

const std::string_view kAdmitPart = R"lua(
-- The counters as they are before the admissions: what the caller works the rest out from.
local numbers, n_numbers = {}, 0
for r = 0, n_rates - 1, RATE do
    n_numbers = n_numbers + 1
    numbers[n_numbers] = rates[r + USED]
end
for s = 0, n_spans - 1, SPAN do
    numbers[n_numbers + 1], numbers[n_numbers + 2] = spans[s + SUM_SPENT], spans[s + SUM_RESERVED]
    n_numbers = n_numbers + 2
end

-- Admissions, in order, each all or none: takes and payments by count, worst case, then pairs of
-- bucket and amount, then days; buckets and days by where their group of numbers begins.
local grants, n_grants, i, n_asked = {}, 0, 1, #asked
while i <= n_asked do
    local first_take, worst = i + 3, asked[i + 2]
    local first_payment = first_take + asked[i] * 2
    local after = first_payment + asked[i + 1]
    local is_granted = true
    for t = first_take, first_payment - 1, 2 do
        local r, amount = asked[t], asked[t + 1]
        if amount > 0 and rates[r + ENFORCED] == 1
                and rates[r + USED] + amount > rates[r + LIMIT] then
            is_granted = false
            break
        end
    end
    if is_granted then
        for p = first_payment, after - 1 do
            local s = sums[asked[p] + SCOPE]
            if spans[s + ASKED] == 2 and (ready == 0
                    or spans[s + SUM_SPENT] + spans[s + SUM_RESERVED] + worst > spans[s + MOST]) then
                is_granted = false
                break
            end
        end
    end
    if is_granted then
        for t = first_take, first_payment - 1, 2 do
            local r, amount = asked[t], asked[t + 1]
            if amount > 0 then
                rates[r + USED] = rates[r + USED] + amount
                rates[r + SLOTS] = rates[r + SLOTS] + amount
                touched[bucket_at + r / RATE + 1] = true
            end
        end
        if worst > 0 then
            for p = first_payment, after - 1 do
                local d = asked[p]
                local s = sums[d + SCOPE]
                sums[d + RESERVED] = sums[d + RESERVED] + worst
                sums[d + HELD] = sums[d + HELD] + worst
                spans[s + SUM_RESERVED] = spans[s + SUM_RESERVED] + worst
                day_changed[d], span_changed[s] = true, true
            end
        end
    end
    n_grants = n_grants + 1
    grants[n_grants] = is_granted and '1' or '0'
    i = after
end
)lua";

const std::string_view kWritePart = R"lua(
local kept, n_kept, freed, n_freed = {}, 0, {}, 0
local function hold(place, value)
    if value then
        kept[n_kept + 1], kept[n_kept + 2] = held_fields[place], value
        n_kept = n_kept + 2
    elseif held[place] then
        n_freed = n_freed + 1
        freed[n_freed] = held_fields[place]
    end
end
bucket, slot = bucket_at, slots_at
for r = 0, n_rates - 1, RATE do
    bucket = bucket + 1
    if rates[r + PERIOD] == 0 then
        slot = slot + 1
    end
    if touched[bucket] then
        change(fields[bucket], pack('<dd', rates[r + USED], ahead[bucket] or now))
        if rates[r + PERIOD] == 0 then
            hold(slot, rates[r + SLOTS] > 0 and pack('<d', rates[r + SLOTS]))
        end
    end
end
for s in pairs(span_changed) do
    change(fields[span_at + s / SPAN + 1], pack('<dddd', spans[s + FIRST], spans[s + STOP],
                                                spans[s + SUM_SPENT], spans[s + SUM_RESERVED]))
end
for d in pairs(day_changed) do
    day = day_at + d / SUM + 1
    if not known[day] then
        extend_days(fields[span_at + sums[d + SCOPE] / SPAN + 1]:sub(2), sums[d + DAY])
    end
    change(fields[day], pack('<dd', sums[d + SPENT], sums[d + RESERVED]))
    hold(day - day_at + 1, (sums[d + HELD] > 0 or booked[d] > 0)
                               and pack('<dd', sums[d + HELD], booked[d]))
end
write('HSET', counters, changed, n_changed)

reply = (ready == 0 and 'a1' or 'a0') .. table.concat(grants)
for from = 1, n_numbers, 2000 do
    local to = min(n_numbers, from + 1999)
    reply = reply .. pack('<' .. string.rep('d', to - from + 1), unpack(numbers, from, to))
end
if begins == 1 then
    told = epoch
    kept[n_kept + 1], kept[n_kept + 2] = '_', string.rep('_', 72)
    n_kept = n_kept + 2
    redis.call('ZADD', leases, 'NX', now + lease, holder(instance, life))
end
kept[n_kept + 1], kept[n_kept + 2] = held_fields[1], pack('<ddd', seq, seq, told) .. reply
write('HSET', holdings, kept, n_kept + 2)
write('HDEL', holdings, freed, n_freed)
return reply
)lua";

}  // namespace headgate::policy
