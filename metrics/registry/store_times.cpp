#include "metrics/registry/store_times.h"

#include <algorithm>
#include <utility>

namespace headgate::metrics {

void StoreTimes::observe(StoreOperation operation, std::chrono::nanoseconds took) noexcept {
    Times& times = times_[static_cast<std::size_t>(operation)];
    const double seconds = std::chrono::duration<double>(took).count();
    const auto bucket =
        static_cast<std::size_t>(std::ranges::lower_bound(kBounds, seconds) - kBounds.begin());
    times.counts[bucket].fetch_add(1, std::memory_order_relaxed);
    times.nanoseconds.fetch_add(took.count(), std::memory_order_relaxed);
}

StoreTimes::Reading StoreTimes::read(StoreOperation operation) const {
    const Times& times = times_[static_cast<std::size_t>(operation)];
    Reading reading;
    std::ranges::transform(times.counts, reading.counts.begin(),
                           [](const auto& count) { return count.load(std::memory_order_relaxed); });
    reading.seconds = static_cast<double>(times.nanoseconds.load(std::memory_order_relaxed)) / 1e9;
    return reading;
}

std::string_view StoreTimes::store_of(StoreOperation operation) {
    return operation == StoreOperation::records_append ? "records" : "redis";
}

std::string_view StoreTimes::name_of(StoreOperation operation) {
    switch (operation) {
        case StoreOperation::redis_limits:
            return "limits";
        case StoreOperation::redis_connect:
            return "connect";
        case StoreOperation::redis_report:
            return "report";
        case StoreOperation::redis_heartbeat:
            return "heartbeat";
        case StoreOperation::records_append:
            return "append";
    }
    std::unreachable();
}

}  // namespace headgate::metrics
