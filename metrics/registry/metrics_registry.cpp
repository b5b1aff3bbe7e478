#include "metrics/registry/metrics_registry.h"

#include "metrics/registry/families.h"
#include "metrics/registry/money_collector.h"
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

/// The build and the policy in force.
class Installation final : public prometheus::Collectable {
public:
    explicit Installation(BuildInfo build) : build_{std::move(build)} {}

    void set_generation(std::uint64_t generation) {
        generation_.store(generation, std::memory_order_relaxed);
    }

    void count_failure() { failures_.fetch_add(1, std::memory_order_relaxed); }

    std::vector<MetricFamily> Collect() const override {
        const auto generation = static_cast<double>(generation_.load(std::memory_order_relaxed));
        return {{"headgate_build_info",
                 "Always 1; the labels tell the build.",
                 MetricType::Gauge,
                 {gauge(1, {{"version", build_.version}, {"commit", build_.commit}})}},
                {"headgate_policy_generation",
                 "Generation of the policy in force.",
                 MetricType::Gauge,
                 {gauge(generation)}},
                {"headgate_policy_reload_failures_total",
                 "New policies that were not taken into use.",
                 MetricType::Counter,
                 {counter(static_cast<double>(failures_.load(std::memory_order_relaxed)))}}};
    }

private:
    BuildInfo build_;
    std::atomic<std::uint64_t> generation_{0};
    std::atomic<std::uint64_t> failures_{0};
};

/// The health of the targets that were tried.
class Targets final : public prometheus::Collectable {
public:
    using Reports = std::function<std::vector<policy::TargetHealth::Report>()>;

    void set(Reports reports) { reports_ = std::move(reports); }

    std::vector<MetricFamily> Collect() const override {
        MetricFamily open{"headgate_breaker_open",
                          "1 while the breaker of the target is open or half-open.",
                          MetricType::Gauge,
                          {}};
        MetricFamily benched{"headgate_target_benched",
                             "1 while the target rests because of what its provider answered.",
                             MetricType::Gauge,
                             {}};
        for (const auto& target : reports_ ? reports_() : Reports::result_type{}) {
            const Labels labels{{"provider", target.provider}, {"model", target.model}};
            const bool is_open = target.breaker != policy::Breaker::State::closed;
            open.metric.push_back(gauge(is_open ? 1 : 0, labels));
            if (target.benched) {
                Labels with_reason = labels;
                with_reason.push_back({"reason", std::string{to_string(*target.benched)}});
                benched.metric.push_back(gauge(1, std::move(with_reason)));
            }
        }
        return {std::move(open), std::move(benched)};
    }

private:
    Reports reports_;
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
                 {counter(sum(&WorkerCounters::log_dropped), {{"sink", "access"}}),
                  counter(sum(&WorkerCounters::rows_dropped), {{"sink", "ledger"}})}},
                // A reservation that nobody settled is a bug of ours and cannot name its project:
                // `other` is the label of a value that does not come from the policy.
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
    Targets targets;
    MoneyCollector money;
    ProcessMetrics process;
};

MetricsRegistry::MetricsRegistry(BuildInfo build)
    : sources_{new Sources{Installation{std::move(build)}, {}, {}, {}, {}}} {}

MetricsRegistry::~MetricsRegistry() = default;

void MetricsRegistry::add_worker(const WorkerCounters& counters) {
    sources_->workers.add(counters);
}

void MetricsRegistry::count_reload_failure() {
    sources_->installation.count_failure();
}

void MetricsRegistry::set_targets(
    std::function<std::vector<policy::TargetHealth::Report>()> targets) {
    sources_->targets.set(std::move(targets));
}

void MetricsRegistry::set_money(MoneySources sources) {
    sources_->money.set(std::move(sources));
}

void MetricsRegistry::set_policy_generation(std::uint64_t generation) {
    sources_->installation.set_generation(generation);
}

std::string MetricsRegistry::render() const {
    const prometheus::Collectable* const sources[] = {&sources_->installation, &sources_->workers,
                                                      &sources_->targets, &sources_->money,
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
