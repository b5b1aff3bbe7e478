#pragma once

#include "metrics/registry/rare_counters.h"
#include "metrics/registry/store_times.h"
#include "policy/breaker/health_table.h"
#include "policy/config/snapshot.h"
#include "policy/limits/memory_limits.h"
#include "proxy/bookkeeping/bookkeeping.h"
#include "proxy/limits/shared_limits.h"
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
    metrics::RareCounters rare;
    metrics::StoreTimes store_times;
    /// Set before the first worker is made.
    std::unique_ptr<Bookkeeping> bookkeeping;
    /// Limits and budgets of this process; while a shared store is away it has others.
    policy::MemoryLimits limits{
        1.0, [this](const policy::BudgetAlert& alert) { bookkeeping->tell(alert); }};
    /// Null: limits live in this process.
    std::unique_ptr<SharedLimitsProcess> shared_limits;
    bool is_durable = false;  // `durability: durable`
    std::size_t workers = 1;
    /// Not ready for new work: readiness says so and connections are not kept alive.
    std::atomic<bool> is_draining = false;
    /// The operator's log. Thread-safe; the text holds no secrets.
    std::function<void(policy::LogLevel level, std::string_view text)> log;
};

}  // namespace headgate::proxy
