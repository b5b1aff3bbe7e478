#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>

namespace headgate::metrics {

/// Counters of what happens too seldom to need counters of a worker's own: refusals, thresholds,
/// corrections. Thread-safe; label values come from the policy.
class RareCounters {
public:
    enum class What : std::uint8_t {
        refused,        // headgate_refused_total: project, reason, kind
        shadow,         // headgate_shadow_refusals_total: project, kind
        over_reserved,  // headgate_over_reserved_total: project
        expired,        // headgate_reservations_expired_total: project
        alerts,         // headgate_budget_alerts_total: project, threshold
    };
    /// The values of the labels in the order above; those that a metric does not have are empty.
    using Key = std::tuple<What, std::string, std::string, std::string>;

    void add(What what,
             std::string_view project,
             std::string_view first = {},
             std::string_view second = {}) {
        const std::scoped_lock lock{mutex_};
        ++counts_[Key{what, project, first, second}];
    }
    std::map<Key, std::int64_t> read() const {
        const std::scoped_lock lock{mutex_};
        return counts_;
    }

private:
    mutable std::mutex mutex_;
    std::map<Key, std::int64_t> counts_;
};

}  // namespace headgate::metrics
