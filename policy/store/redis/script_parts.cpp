#include "policy/store/redis/script_parts.h"

#include "policy/store/redis/scripts.h"

#include <openssl/evp.h>

#include <array>
#include <new>

namespace headgate::policy {

const std::string_view kEpochParts = R"lua(
local counters = KEYS[1]

-- Who a lease is given to: a life of an instance. By that its holdings are called, too.
local function holder(instance, life)
    return instance .. string.format(':%.0f', life)
end

-- Longer than 64 bytes, by which the hash becomes a table: a list is slow to search.
local function pack_epoch(epoch, since, needed, ready)
    return struct.pack('<dddd', epoch, since, needed, ready) .. string.rep(' ', 40)
end

-- reports[instance] = {how many workers will tell what they hold, those that have}
local function has_all_reports(reports, needed)
    local reported = 0
    for _, report in pairs(reports) do
        if report[3] then
            local told = 0
            for _ in pairs(report[2]) do
                told = told + 1
            end
            if told < report[1] then
                return false
            end
            reported = reported + 1
        end
    end
    return reported >= needed
end

local function extend_days(scope, day)
    local stored = redis.call('HGET', counters, 'f' .. scope)
    local first, last = day, day
    if stored then
        first, last = struct.unpack('<dd', stored)
        if day >= first and day <= last then
            return
        end
        first, last = math.min(first, day), math.max(last, day)
    end
    redis.call('HSET', counters, 'f' .. scope, struct.pack('<dd', first, last))
end
)lua";

const std::string_view kContributePart = R"lua(
-- What one instance contributes to `spent` of a day is max(base + told, other):
--   base   what it spent before its present life, as it reported
--   told   what its workers have booked since, each in one absolute number; and what was booked in
--          full when its lease had ended, of which `dead` is not covered by what they told since
--   other  the largest total that others knew of it, or that it had come to in an earlier life
local function contribute(stored, more_told, least_base, folded)
    local base, told, dead, other = 0, 0, 0, 0
    if stored then
        base, told, dead, other = struct.unpack('<dddd', stored)
    end
    local before = math.max(base + told, other)
    local covered = math.max(0, math.min(dead, more_told))
    base, told = math.max(base, least_base) + folded, told + more_told - covered - folded
    dead = dead - covered
    return math.max(base + told, other) - before, struct.pack('<dddd', base, told, dead, other)
end
)lua";

const std::string_view kDissolvePart = R"lua(
local function free_slots(bucket, amount)
    local stored = redis.call('HGET', counters, bucket)
    if stored then
        local used, at = struct.unpack('<dd', stored)
        redis.call('HSET', counters, bucket, struct.pack('<dd', math.max(0, used - amount), at))
    end
end

-- `is_booked`: the reservation is spent from now on, as what `instance` left behind.
local function end_reservation(instance, day, amount, is_booked)
    local stored = redis.call('HGET', counters, day)
    if not stored then
        return
    end
    local spent, reserved = struct.unpack('<dd', stored)
    if is_booked then
        local field = 'c' .. instance .. '|' .. day
        local d_spent, value = contribute(redis.call('HGET', counters, field), amount, 0, 0)
        local base, told, dead, other = struct.unpack('<dddd', value)
        redis.call('HSET', counters, field, struct.pack('<dddd', base, told, dead + amount, other))
        spent = spent + d_spent
    end
    redis.call('HSET', counters, day, struct.pack('<dd', spent, math.max(0, reserved - amount)))
    redis.call('HDEL', counters, 'x' .. day:match('^m(.*)/'))
end

-- Ends about `most` of what is held; true once that is all. What remains is ended by later
-- heartbeats, which go on at the cursor. What its workers have booked stays: they may come back
-- and tell more. Their latest calls go: then they must tell anew what they hold.
local function dissolve(holdings, instance, most, is_booked)
    local cursor = redis.call('HGET', holdings, 'g') or '0'
    repeat
        local page = redis.call('HSCAN', holdings, cursor, 'COUNT', most)
        cursor = page[1]
        for i = 1, #page[2], 2 do
            local field, value = page[2][i], redis.call('HGET', holdings, page[2][i])
            local kind, target = field:sub(1, 1), field:match('|(.*)$')
            if value and kind == 's' then
                free_slots(target, struct.unpack('<d', value))
                redis.call('HDEL', holdings, field)
            elseif value and kind == 'h' then
                local amount, booked = struct.unpack('<dd', value)
                if amount > 0 then
                    end_reservation(instance, target, amount, is_booked)
                    redis.call('HSET', holdings, field, struct.pack('<dd', 0, booked))
                end
            elseif kind == 'w' then
                redis.call('HDEL', holdings, field)
            end
            most = most - 1
        end
    until cursor == '0' or most <= 0
    if cursor ~= '0' then
        redis.call('HSET', holdings, 'g', cursor)
        return false
    end
    redis.call('HDEL', holdings, 'g')
    return true
end
)lua";

std::string joined(std::initializer_list<std::string_view> parts) {
    std::string text;
    for (const std::string_view part : parts) {
        text += part;
    }
    return text;
}

std::string sha1_hex(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1) {
        throw std::bad_alloc{};
    }
    std::string hex;
    for (unsigned int i = 0; i < size; ++i) {
        hex.push_back(digits[digest[i] >> 4]);
        hex.push_back(digits[digest[i] & 15]);
    }
    return hex;
}

}  // namespace headgate::policy
