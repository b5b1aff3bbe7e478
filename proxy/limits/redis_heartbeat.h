#pragma once

#include "policy/store/redis/redis_limits.h"
#include "proxy/limits/redis_nodes.h"
#include "proxy/limits/shared_limits_process.h"
#include "proxy/net/reactor.h"
#include "proxy/net/task.h"

#include <chrono>
#include <functional>

namespace headgate::proxy {

/// Keeps the process' lease in Redis, on a connection of its own: every 5 s. Reports all that the
/// process has spent at start and where that was asked for. One a process, on one worker's thread;
/// must outlive its coroutine, which ends after finish() or by cancellation.
class RedisHeartbeat {
public:
    static constexpr std::chrono::seconds kEvery{5};
    static constexpr std::chrono::seconds kAgain{1};  // after a failure

    /// `observe` is told how long each beat took.
    RedisHeartbeat(Reactor& reactor,
                   SharedLimitsProcess& process,
                   std::function<void(std::chrono::nanoseconds)> observe);

    void begin();
    void finish();

private:
    Task<void> run();
    Task<RedisResult<void>> beat_once(Flow& flow);

    Reactor& reactor_;
    SharedLimitsProcess& process_;
    std::function<void(std::chrono::nanoseconds)> observe_;
    policy::RedisLimits reporter_;  // only for its reports: it admits nothing
    RedisNodes nodes_;
    Flow* sleeping_ = nullptr;
    bool is_finishing_ = false;
};

}  // namespace headgate::proxy
