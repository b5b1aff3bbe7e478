#pragma once

#include "policy/breaker/health_table.h"
#include "policy/config/snapshot.h"
#include "proxy/net/listener.h"
#include "proxy/net/resolver.h"

#include <atomic>
#include <functional>
#include <memory>
#include <string_view>

namespace headgate::proxy {

/// What the workers of one process share. Outlives them. All of it is immutable or thread-safe.
struct Process {
    Resolver resolver;
    ConnectionCounts connections;
    policy::HealthTable healths;
    /// Not ready for new work: readiness says so and connections are not kept alive.
    std::atomic<bool> is_draining = false;
    /// The operator's log. Thread-safe; the text holds no secrets.
    std::function<void(policy::LogLevel level, std::string_view text)> log;
};

}  // namespace headgate::proxy
