#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headgate::metrics {

/// What is asked of a store beside the process.
enum class StoreOperation : std::uint8_t {
    redis_limits,
    redis_connect,
    redis_report,
    redis_heartbeat,
    records_append,
};

inline constexpr std::size_t kStoreOperations = 5;

/// How long the stores took: headgate_store_operation_seconds. One addition an operation, which
/// stands for many requests. Thread-safe.
class StoreTimes {
public:
    /// Upper bounds of the buckets, in seconds: 50 ms is what a request waits for Redis at most.
    static constexpr std::array<double, 12> kBounds{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                                                    0.01,   0.025,   0.05,   0.25,  1,      5};

    struct Reading {
        std::array<std::uint64_t, kBounds.size() + 1> counts{};  // by bucket; the last is unbounded
        double seconds = 0;                                      // in all
    };

    void observe(StoreOperation operation, std::chrono::nanoseconds took) noexcept;
    Reading read(StoreOperation operation) const;

    /// The labels of the metric: "redis" and "limits".
    static std::string_view store_of(StoreOperation operation);
    static std::string_view name_of(StoreOperation operation);

private:
    struct Times {
        std::array<std::atomic<std::uint64_t>, kBounds.size() + 1> counts{};
        std::atomic<std::int64_t> nanoseconds = 0;
    };

    std::array<Times, kStoreOperations> times_;
};

}  // namespace headgate::metrics
