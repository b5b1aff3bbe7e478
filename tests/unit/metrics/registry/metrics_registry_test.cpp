#include "metrics/registry/metrics_registry.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <charconv>
#include <map>
#include <set>
#include <string>
#include <thread>

namespace headgate::metrics {
namespace {

/// Prometheus' text format 0.0.4, as far as we write it: values by `name{labels}`, types by name.
struct Scrape {
    std::map<std::string, double> values;
    std::map<std::string, std::string> types;
    std::set<std::string> helped;
};

Scrape scraped(std::string_view text) {
    Scrape scrape;
    EXPECT_TRUE(text.ends_with('\n'));
    while (!text.empty()) {
        const std::string line{text.substr(0, text.find('\n'))};
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (line.starts_with("# HELP ")) {
            scrape.helped.insert(line.substr(7, line.find(' ', 7) - 7));
        } else if (line.starts_with("# TYPE ")) {
            const std::size_t space = line.find(' ', 7);
            const bool is_new =
                scrape.types.emplace(line.substr(7, space - 7), line.substr(space + 1)).second;
            EXPECT_TRUE(is_new) << "two families of one name: " << line;
        } else {
            const std::size_t space = line.rfind(' ');
            double value = 0;
            const char* const end = line.data() + line.size();
            const auto parsed = std::from_chars(line.data() + space + 1, end, value);
            EXPECT_TRUE(parsed.ec == std::errc{} && parsed.ptr == end) << line;
            EXPECT_TRUE(scrape.values.emplace(line.substr(0, space), value).second) << line;
        }
    }
    return scrape;
}

MetricsRegistry registry() {
    return MetricsRegistry{{"1.2.3", "dd46df3c0ffe"}};
}

TEST(MetricsRegistry, TellsTheBuildAndTheGenerationOfThePolicy) {
    MetricsRegistry metrics = registry();
    metrics.set_policy_generation(7);

    const Scrape scrape = scraped(metrics.render());

    EXPECT_EQ(scrape.values.at(R"(headgate_build_info{version="1.2.3",commit="dd46df3c0ffe"})"), 1);
    EXPECT_EQ(scrape.values.at("headgate_policy_generation"), 7);
}

TEST(MetricsRegistry, AddsUpWhatTheWorkersCount) {
    WorkerCounters one;
    WorkerCounters two;
    MetricsRegistry metrics = registry();
    metrics.add_worker(one);
    metrics.add_worker(two);
    one.requests_in_flight.add(3);
    two.requests_in_flight.add(4);
    two.requests_in_flight.add(-1);
    one.streams_in_flight.add(2);
    two.client_connections.add(50);
    one.upstream_connections.add(8);
    one.log_dropped.set(5);
    two.log_dropped.set(6);
    two.unsettled.add(1);

    const Scrape scrape = scraped(metrics.render());

    EXPECT_EQ(scrape.values.at(R"(headgate_in_flight{kind="requests"})"), 6);
    EXPECT_EQ(scrape.values.at(R"(headgate_in_flight{kind="streams"})"), 2);
    EXPECT_EQ(scrape.values.at(R"(headgate_in_flight{kind="client_connections"})"), 50);
    EXPECT_EQ(scrape.values.at(R"(headgate_in_flight{kind="upstream_connections"})"), 8);
    EXPECT_EQ(scrape.values.at(R"(headgate_log_dropped_total{sink="access"})"), 11);
    EXPECT_EQ(scrape.values.at(R"(headgate_unsettled_total{project="other"})"), 1);
}

TEST(MetricsRegistry, HasEverySeriesFromTheFirstScrapeWithItsTypeAndHelp) {
    const std::map<std::string, std::string> types = {
        {"headgate_build_info", "gauge"},
        {"headgate_policy_generation", "gauge"},
        {"headgate_policy_reload_failures_total", "counter"},
        {"headgate_breaker_open", "gauge"},
        {"headgate_target_benched", "gauge"},
        {"headgate_in_flight", "gauge"},
        {"headgate_log_dropped_total", "counter"},
        {"headgate_unsettled_total", "counter"},
        {"process_cpu_seconds_total", "counter"},
        {"process_resident_memory_bytes", "gauge"},
        {"process_virtual_memory_bytes", "gauge"},
        {"process_open_fds", "gauge"},
        {"process_max_fds", "gauge"},
        {"process_start_time_seconds", "gauge"},
    };

    const Scrape scrape = scraped(registry().render());

    EXPECT_EQ(scrape.types, types);
    for (const auto& [name, type] : types) {
        EXPECT_TRUE(scrape.helped.contains(name)) << name;
    }
    EXPECT_EQ(scrape.values.at(R"(headgate_in_flight{kind="requests"})"), 0);
    EXPECT_EQ(scrape.values.at("headgate_policy_generation"), 0);
}

TEST(MetricsRegistry, TellsWhichTargetsRestAndWhy) {
    MetricsRegistry metrics = registry();
    metrics.set_targets([] {
        policy::TargetHealth::Report open;
        open.provider = "openai";
        open.model = "gpt-5";
        open.breaker = policy::Breaker::State::half_open;
        policy::TargetHealth::Report benched;
        benched.provider = "azure";
        benched.model = "gpt-5";
        benched.benched = policy::BenchReason::auth;
        return std::vector{open, benched};
    });
    metrics.count_reload_failure();

    const Scrape scrape = scraped(metrics.render());

    EXPECT_EQ(scrape.values.at(R"(headgate_breaker_open{provider="openai",model="gpt-5"})"), 1);
    EXPECT_EQ(scrape.values.at(R"(headgate_breaker_open{provider="azure",model="gpt-5"})"), 0);
    EXPECT_EQ(scrape.values.at(
                  R"(headgate_target_benched{provider="azure",model="gpt-5",reason="auth"})"),
              1);
    EXPECT_EQ(scrape.values.at("headgate_policy_reload_failures_total"), 1);
}

TEST(MetricsRegistry, KeepsTextsInsideTheirLabels) {
    const MetricsRegistry metrics{{"1\"} 2\n", "a\\b"}};

    const Scrape scrape = scraped(metrics.render());

    EXPECT_EQ(scrape.values.at(R"(headgate_build_info{version="1\"} 2\n",commit="a\\b"})"), 1);
}

TEST(MetricsRegistry, FollowsTheOpenDescriptorsOfTheProcess) {
    const MetricsRegistry metrics = registry();
    const double before = scraped(metrics.render()).values.at("process_open_fds");
    const int one_more = ::open("/dev/null", O_RDONLY | O_CLOEXEC);

    const double after = scraped(metrics.render()).values.at("process_open_fds");

    ::close(one_more);
    EXPECT_EQ(after, before + 1);
}

TEST(MetricsRegistry, MayBeScrapedWhileWorkersJoinAndCount) {
    std::array<WorkerCounters, 8> workers;
    MetricsRegistry metrics = registry();
    {
        const std::jthread joining{[&] {
            for (WorkerCounters& worker : workers) {
                metrics.add_worker(worker);
                worker.requests_in_flight.add(1);
            }
        }};
        for (int i = 0; i < 20; ++i) {
            EXPECT_LE(scraped(metrics.render()).values.at(R"(headgate_in_flight{kind="requests"})"),
                      8);
        }
    }

    EXPECT_EQ(scraped(metrics.render()).values.at(R"(headgate_in_flight{kind="requests"})"), 8);
}

TEST(WorkerCounters, OfTwoWorkersShareNoCacheLine) {
    std::array<WorkerCounters, 2> workers;

    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&workers[1]) % 64, 0U);
    EXPECT_GE(sizeof(WorkerCounters), 64U);
}

}  // namespace
}  // namespace headgate::metrics
