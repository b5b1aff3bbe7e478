#include "policy/store/redis/script_parts.h"

#include "policy/store/redis/scripts.h"

#include <openssl/evp.h>

#include <array>
#include <new>

namespace headgate::policy {

const std::string_view kEpochParts = R"lua(
local counters = KEYS[1]

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

const std::string_view kDissolvePart = R"lua(
local function free_slots(bucket, amount)
    local stored = redis.call('HGET', counters, bucket)
    if stored then
        local used, at = struct.unpack('<dd', stored)
        redis.call('HSET', counters, bucket, struct.pack('<dd', math.max(0, used - amount), at))
    end
end

-- `booked`: the reservation is spent from now on, as what `instance` left behind.
local function end_reservation(instance, day, amount, booked)
    local stored = redis.call('HGET', counters, day)
    if not stored then
        return
    end
    local spent, reserved = struct.unpack('<dd', stored)
    if booked then
        local field = 'c' .. instance .. '|' .. day
        local total, dead = 0, 0
        local contributed = redis.call('HGET', counters, field)
        if contributed then
            total, dead = struct.unpack('<dd', contributed)
        end
        redis.call('HSET', counters, field, struct.pack('<dd', total, dead + amount))
        spent = spent + amount
    end
    redis.call('HSET', counters, day, struct.pack('<dd', spent, math.max(0, reserved - amount)))
    redis.call('HDEL', counters, 'x' .. day:match('^m(.*)/'))
end

-- Ends at most about `most` of what is held; true once nothing is left. What remains is dissolved
-- by later heartbeats. The workers' latest calls go first: a worker that comes back must tell
-- anew what it holds.
local function dissolve(holdings, instance, most, booked)
    local cursor, ended = '0', {}
    repeat
        local page = redis.call('HSCAN', holdings, cursor, 'COUNT', most)
        cursor = page[1]
        for i = 1, #page[2], 2 do
            local field, value = page[2][i], page[2][i + 1]
            local kind, target = field:sub(1, 1), field:match('|(.*)$')
            if not ended[field] then
                ended[field] = true
                most = most - 1
                if kind == 's' then
                    free_slots(target, struct.unpack('<d', value))
                elseif kind == 'h' then
                    end_reservation(instance, target, struct.unpack('<d', value), booked)
                end
                if kind ~= '_' then
                    redis.call('HDEL', holdings, field)
                end
            end
        end
    until cursor == '0' or most <= 0
    if cursor == '0' then
        redis.call('DEL', holdings)
    end
    return cursor == '0'
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
