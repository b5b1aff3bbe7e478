#pragma once

#include "metrics/registry/money_metrics.h"
#include "metrics/registry/worker_counters.h"
#include "policy/breaker/target_health.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace headgate::metrics {

struct BuildInfo {
    std::string version;
    std::string commit;
};

/// What `GET /metrics` answers (docs/operations.md, Metrics). All of it is pulled at the scrape;
/// nothing here stands in the way of a request. Thread-safe.
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
    /// A new policy was not taken into use.
    void count_reload_failure();
    /// Where the health of all targets is asked at a scrape. Before the first render().
    void set_targets(std::function<std::vector<policy::TargetHealth::Report>()> targets);

    /// Where limits, budgets and stores are asked. Before the first render().
    void set_money(MoneySources sources);

    /// Prometheus text, version 0.0.4 (`text/plain; version=0.0.4; charset=utf-8`). A process
    /// figure that the system does not tell is left out.
    std::string render() const;

private:
    struct Sources;
    std::unique_ptr<Sources> sources_;
};

}  // namespace headgate::metrics
