#pragma once

#include "policy/store/redis/redis_limits.h"
#include "policy/store/redis/resp.h"

#include <string>

namespace headgate::policy {

/// What an error of Redis means for who asked.
struct RedisOutcome {
    RedisLimits::Outcome outcome = RedisLimits::Outcome::faulty;
    std::string address;  // of `elsewhere`
    bool must_ask = false;
    std::string problem;  // of `unwilling` and `faulty`
};

/// Of a reply of kind `error`.
RedisOutcome outcome_of(const RespValue& error);

}  // namespace headgate::policy
