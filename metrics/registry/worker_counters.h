#pragma once

#include <atomic>
#include <cstdint>

namespace headgate::metrics {

/// A number that one thread writes and any thread reads. Cheaper than a shared counter: no locked
/// instruction, no line that cores fight over.
class OwnedCount {
public:
    /// By the owning thread only. Negative for what a gauge loses.
    void add(std::int64_t n) noexcept { set(value() + n); }
    /// By the owning thread only.
    void set(std::int64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }

    std::int64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::int64_t> value_{0};
};

/// What one worker counts. Written by its own thread, added up over workers at a scrape
/// (MetricsRegistry). The alignment keeps two workers' counters off one cache line.
struct alignas(64) WorkerCounters {
    // Gauges, headgate_in_flight by kind:
    OwnedCount requests_in_flight;
    OwnedCount streams_in_flight;
    OwnedCount client_connections;
    OwnedCount upstream_connections;

    // Counters, which only grow:
    OwnedCount unsettled;     // reservations that ended without being settled
    OwnedCount rows_dropped;  // rows without money that a full journal did not take
    OwnedCount log_dropped;   // access-log lines that were lost: set to AccessBuffer::dropped()
};

}  // namespace headgate::metrics
