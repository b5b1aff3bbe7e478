#include "metrics/registry/metrics_registry.h"

#include "metrics/registry/process_figures.h"

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <mutex>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

namespace headgate::metrics {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

ClientMetric gauge(double value, Labels labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.gauge.value = value;
    return metric;
}

ClientMetric counter(double value, Labels labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.counter.value = value;
    return metric;
}

/// The build and the policy in force.
class Installation final : public prometheus::Collectable {
public:
    explicit Installation(BuildInfo build) : build_{std::move(build)} {}

    void set_generation(std::uint64_t generation) {
        generation_.store(generation, std::memory_order_relaxed);
    }

    std::vector<MetricFamily> Collect() const override {
        const auto generation = static_cast<double>(generation_.load(std::memory_order_relaxed));
        return {{"headgate_build_info",
                 "Always 1; the labels tell the build.",
                 MetricType::Gauge,
                 {gauge(1, {{"version", build_.version}, {"commit", build_.commit}})}},
                {"headgate_policy_generation",
                 "Generation of the policy in force.",
                 MetricType::Gauge,
                 {gauge(generation)}}};
    }

private:
    BuildInfo build_;
    std::atomic<std::uint64_t> generation_{0};
};

/// What the workers count, added up.
class Workers final : public prometheus::Collectable {
public:
    void add(const WorkerCounters& counters) {
        const std::scoped_lock lock{mutex_};
        workers_.push_back(&counters);
    }

    std::vector<MetricFamily> Collect() const override {
        return {{"headgate_in_flight",
                 "What is being served now.",
                 MetricType::Gauge,
                 {gauge(sum(&WorkerCounters::requests_in_flight), {{"kind", "requests"}}),
                  gauge(sum(&WorkerCounters::streams_in_flight), {{"kind", "streams"}}),
                  gauge(sum(&WorkerCounters::client_connections), {{"kind", "client_connections"}}),
                  gauge(sum(&WorkerCounters::upstream_connections),
                        {{"kind", "upstream_connections"}})}},
                {"headgate_log_dropped_total",
                 "Log lines that were lost.",
                 MetricType::Counter,
                 {counter(sum(&WorkerCounters::log_dropped), {{"sink", "access"}})}},
                // A reservation that nobody settled is a bug of ours and cannot name its project:
                // `other` is what metrics.md has for a value that does not come from the policy.
                {"headgate_unsettled_total",
                 "Reservations that ended without being settled.",
                 MetricType::Counter,
                 {counter(sum(&WorkerCounters::unsettled), {{"project", "other"}})}}};
    }

private:
    double sum(OwnedCount WorkerCounters::* count) const {
        const std::scoped_lock lock{mutex_};
        std::int64_t total = 0;
        for (const WorkerCounters* worker : workers_) {
            total += (worker->*count).value();
        }
        return static_cast<double>(total);
    }

    mutable std::mutex mutex_;
    std::vector<const WorkerCounters*> workers_;
};

/// The process_* metrics under the names of Prometheus' own clients.
class ProcessMetrics final : public prometheus::Collectable {
public:
    std::vector<MetricFamily> Collect() const override {
        const ProcessFigures now = read_process_figures(boot_time_);
        struct Line {
            const char* name = "";
            const char* help = "";
            MetricType type = MetricType::Gauge;
            std::optional<double> value;
        };
        const Line lines[] = {
            {"process_cpu_seconds_total", "User and system CPU time.", MetricType::Counter,
             now.cpu_seconds},
            {"process_resident_memory_bytes", "Resident memory.", MetricType::Gauge,
             now.resident_bytes},
            {"process_virtual_memory_bytes", "Virtual memory.", MetricType::Gauge,
             now.virtual_bytes},
            {"process_open_fds", "Open file descriptors.", MetricType::Gauge, now.open_descriptors},
            {"process_max_fds", "Most file descriptors that may be open.", MetricType::Gauge,
             now.max_descriptors},
            {"process_start_time_seconds", "Start of the process since 1970.", MetricType::Gauge,
             now.start_time_seconds},
        };
        std::vector<MetricFamily> families;
        for (const Line& line : lines) {
            if (line.value) {
                const bool is_counter = line.type == MetricType::Counter;
                families.push_back({line.name,
                                    line.help,
                                    line.type,
                                    {is_counter ? counter(*line.value) : gauge(*line.value)}});
            }
        }
        return families;
    }

private:
    std::optional<std::uint64_t> boot_time_ = read_boot_time();
};

}  // namespace

struct MetricsRegistry::Sources {
    Installation installation;
    Workers workers;
    ProcessMetrics process;
};

MetricsRegistry::MetricsRegistry(BuildInfo build)
    : sources_{new Sources{Installation{std::move(build)}, {}, {}}} {}

MetricsRegistry::~MetricsRegistry() = default;

void MetricsRegistry::add_worker(const WorkerCounters& counters) {
    sources_->workers.add(counters);
}

void MetricsRegistry::set_policy_generation(std::uint64_t generation) {
    sources_->installation.set_generation(generation);
}

std::string MetricsRegistry::render() const {
    const prometheus::Collectable* const sources[] = {&sources_->installation, &sources_->workers,
                                                      &sources_->process};
    std::vector<MetricFamily> families;
    for (const prometheus::Collectable* source : sources) {
        std::ranges::move(source->Collect(), std::back_inserter(families));
    }
    std::ostringstream text;
    prometheus::TextSerializer{}.Serialize(text, families);
    return std::move(text).str();
}

}  // namespace headgate::metrics
