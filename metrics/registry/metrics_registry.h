#pragma once

#include "metrics/registry/worker_counters.h"

#include <cstdint>
#include <memory>
#include <string>

namespace headgate::metrics {

struct BuildInfo {
    std::string version;
    std::string commit;
};

/// What `GET /metrics` answers (metrics.md). All of it is pulled at the scrape; nothing here stands
/// in the way of a request. Thread-safe.
class MetricsRegistry {
public:
    explicit MetricsRegistry(BuildInfo build);
    ~MetricsRegistry();
    MetricsRegistry(const MetricsRegistry&) = delete;
    MetricsRegistry& operator=(const MetricsRegistry&) = delete;

    /// `counters` must live until the last render(). Adding the same twice counts it twice.
    void add_worker(const WorkerCounters& counters);

    /// The generation of the policy in force: 1 for the first.
    void set_policy_generation(std::uint64_t generation);

    /// Prometheus text, version 0.0.4 (`text/plain; version=0.0.4; charset=utf-8`). A process
    /// figure that the system does not tell is left out.
    std::string render() const;

private:
    struct Sources;
    std::unique_ptr<Sources> sources_;
};

}  // namespace headgate::metrics
