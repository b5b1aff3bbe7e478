#include "metrics/registry/money_collector.h"

#include <array>
#include <limits>
#include <string>
#include <string_view>

namespace headgate::metrics {
namespace {

MetricFamily family(const char* name, const char* help, MetricType type) {
    return {name, help, type, {}};
}

Labels scope_labels(const std::string& project) {
    return {{"scope", project.empty() ? "organization" : "project"}, {"project", project}};
}

void add_limits(const std::vector<MoneySources::Limit>& limits, std::vector<MetricFamily>& out) {
    MetricFamily ratio = family("headgate_limit_remaining_ratio",
                                "What is left of a limit, 0 to 1.", MetricType::Gauge);
    for (const MoneySources::Limit& limit : limits) {
        ratio.metric.push_back(gauge(limit.remaining_ratio, {{"scope", limit.scope},
                                                             {"project", limit.project},
                                                             {"model", limit.model},
                                                             {"kind", limit.kind}}));
    }
    out.push_back(std::move(ratio));
}

void add_budgets(const std::vector<MoneySources::Budget>& budgets, std::vector<MetricFamily>& out) {
    MetricFamily limit =
        family("headgate_budget_usd", "The budget of the period.", MetricType::Gauge);
    MetricFamily spent =
        family("headgate_budget_spent_usd", "Spent of it so far.", MetricType::Gauge);
    MetricFamily reserved = family("headgate_budget_reserved_usd",
                                   "Reserved of it by requests that run.", MetricType::Gauge);
    MetricFamily ends = family("headgate_budget_period_end_timestamp_seconds",
                               "When the period ends.", MetricType::Gauge);
    for (const MoneySources::Budget& budget : budgets) {
        const Labels labels = scope_labels(budget.project);
        limit.metric.push_back(gauge(budget.limit_usd, labels));
        spent.metric.push_back(gauge(budget.spent_usd, labels));
        reserved.metric.push_back(gauge(budget.reserved_usd, labels));
        if (budget.ends) {
            ends.metric.push_back(gauge(*budget.ends, labels));
        }
    }
    out.insert(out.end(),
               {std::move(limit), std::move(spent), std::move(reserved), std::move(ends)});
}

ClientMetric histogram(const StoreTimes::Reading& reading, Labels labels) {
    ClientMetric metric;
    metric.label = std::move(labels);
    for (std::size_t i = 0; i < reading.counts.size(); ++i) {
        metric.histogram.sample_count += reading.counts[i];
        const bool is_last = i == StoreTimes::kBounds.size();
        metric.histogram.bucket.push_back(
            {metric.histogram.sample_count,
             is_last ? std::numeric_limits<double>::infinity() : StoreTimes::kBounds[i]});
    }
    metric.histogram.sample_sum = reading.seconds;
    return metric;
}

void add_stores(const MoneySources& sources, std::vector<MetricFamily>& out) {
    MetricFamily up =
        family("headgate_store_up", "1 while the store can be reached.", MetricType::Gauge);
    MetricFamily times =
        family("headgate_store_operation_seconds", "How long the store took, also where it failed.",
               MetricType::Histogram);
    for (const MoneySources::Store& store : sources.stores()) {
        up.metric.push_back(gauge(store.is_up ? 1 : 0, {{"store", store.name}}));
        for (std::size_t i = 0; i < kStoreOperations; ++i) {
            const auto operation = static_cast<StoreOperation>(i);
            if (StoreTimes::store_of(operation) == store.name) {
                times.metric.push_back(
                    histogram(sources.times->read(operation),
                              {{"store", store.name},
                               {"operation", std::string{StoreTimes::name_of(operation)}}}));
            }
        }
    }
    out.insert(out.end(), {std::move(up), std::move(times)});
    const std::optional<MoneySources::Records> records = sources.records();
    if (!records) {
        return;
    }
    MetricFamily rows = family("headgate_ledger_rows_total", "Rows that this process has stored.",
                               MetricType::Counter);
    rows.metric.push_back(counter(static_cast<double>(records->stored_rows)));
    MetricFamily queue = family("headgate_ledger_queue_rows",
                                "Rows in the journal that are not stored yet.", MetricType::Gauge);
    queue.metric.push_back(gauge(static_cast<double>(records->waiting_rows)));
    MetricFamily bytes =
        family("headgate_journal_bytes", "What the journal holds.", MetricType::Gauge);
    bytes.metric.push_back(gauge(static_cast<double>(records->open_bytes), {{"kind", "open"}}));
    bytes.metric.push_back(
        gauge(static_cast<double>(records->unstored_bytes), {{"kind", "unstored"}}));
    out.insert(out.end(), {std::move(rows), std::move(queue), std::move(bytes)});
}

/// The metric of a rare event, with the names of its labels behind `project`.
struct RareMetric {
    RareCounters::What what;
    const char* name;
    const char* help;
    const char* first_label;   // null: none
    const char* second_label;  // null: none
};

constexpr std::array kRareMetrics{
    RareMetric{RareCounters::What::refused, "headgate_refused_total", "Requests that were refused.",
               "reason", "kind"},
    RareMetric{RareCounters::What::shadow, "headgate_shadow_refusals_total",
               "Requests that a limit or budget in shadow mode would have refused.", "kind",
               nullptr},
    RareMetric{RareCounters::What::over_reserved, "headgate_over_reserved_total",
               "Exchanges that cost more than was reserved.", nullptr, nullptr},
    RareMetric{RareCounters::What::expired, "headgate_reservations_expired_total",
               "Reservations of ended processes that were booked in full.", nullptr, nullptr},
    RareMetric{RareCounters::What::alerts, "headgate_budget_alerts_total",
               "Thresholds of budgets that were passed.", "threshold", nullptr},
};

void add_rare(const RareCounters& counters, std::vector<MetricFamily>& out) {
    const auto counts = counters.read();
    for (const RareMetric& metric : kRareMetrics) {
        MetricFamily rare = family(metric.name, metric.help, MetricType::Counter);
        for (const auto& [key, count] : counts) {
            const auto& [what, project, first, second] = key;
            if (what != metric.what) {
                continue;
            }
            Labels labels{{"project", project}};
            if (metric.first_label != nullptr) {
                labels.push_back({metric.first_label, first});
            }
            if (metric.second_label != nullptr) {
                labels.push_back({metric.second_label, second});
            }
            rare.metric.push_back(counter(static_cast<double>(count), std::move(labels)));
        }
        out.push_back(std::move(rare));
    }
}

}  // namespace

std::vector<MetricFamily> MoneyCollector::Collect() const {
    std::vector<MetricFamily> families;
    if (!sources_.limits) {
        return families;
    }
    add_limits(sources_.limits(), families);
    add_budgets(sources_.budgets(), families);
    add_stores(sources_, families);
    add_rare(*sources_.rare, families);
    return families;
}

}  // namespace headgate::metrics
