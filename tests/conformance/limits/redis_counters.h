#pragma once

#include "tests/conformance/limits/blocking_redis.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>

namespace headgate::policy::testing {

struct StoredMoney {
    std::int64_t spent = 0;
    std::int64_t reserved = 0;

    friend bool operator==(const StoredMoney&, const StoredMoney&) = default;
};

inline std::ostream& operator<<(std::ostream& to, const StoredMoney& money) {
    return to << "spent " << money.spent << ", reserved " << money.reserved;
}

/// Looks at what Redis keeps (policy/store/redis/scripts.h), past RedisLimits.
class RedisCounters {
public:
    RedisCounters(const std::string& address, std::string key_space)
        : redis_{address}, key_{"{hg:" + std::move(key_space) + "}:limits"} {}

    RedisConnection& redis() { return redis_; }

    StoredMoney money(const std::string& scope, Day day) {
        const RespValue stored = redis_.ask(
            {"HGET", key_, "m" + scope + "/" + std::to_string(day.time_since_epoch().count())});
        return {.spent = whole(stored.text, 0), .reserved = whole(stored.text, 1)};
    }

    /// Rounded up: as it was before the little that has drained since.
    std::int64_t used(const std::string& bucket) {
        return whole(redis_.ask({"HGET", key_, "b" + bucket}).text, 0);
    }

private:
    /// The nth packed double; 0 where there is none.
    static std::int64_t whole(const std::string& packed, std::size_t nth) {
        double number = 0;
        if (packed.size() >= (nth + 1) * sizeof number) {
            std::memcpy(&number, packed.data() + nth * sizeof number, sizeof number);
        }
        return static_cast<std::int64_t>(std::ceil(number));
    }

    RedisConnection redis_;
    std::string key_;
};

}  // namespace headgate::policy::testing
