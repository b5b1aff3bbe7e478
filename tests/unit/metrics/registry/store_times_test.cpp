#include "metrics/registry/store_times.h"

#include "metrics/registry/metrics_registry.h"

#include <gtest/gtest.h>

namespace headgate::metrics {
namespace {

using namespace std::chrono_literals;

TEST(StoreTimes, CountInTheBucketThatHoldsTheTime) {
    StoreTimes times;

    times.observe(StoreOperation::redis_limits, 100us);  // a bound belongs to its bucket
    times.observe(StoreOperation::redis_limits, 101us);
    times.observe(StoreOperation::redis_limits, 6s);

    const StoreTimes::Reading read = times.read(StoreOperation::redis_limits);
    EXPECT_EQ(read.counts.front(), 1U);
    EXPECT_EQ(read.counts[1], 1U);
    EXPECT_EQ(read.counts.back(), 1U);
    EXPECT_DOUBLE_EQ(read.seconds, 6.000201);
    EXPECT_EQ(times.read(StoreOperation::redis_report).seconds, 0);
}

TEST(StoreTimes, AreAHistogramOfTheStoresThatThereAre) {
    StoreTimes times;
    times.observe(StoreOperation::records_append, 2ms);
    times.observe(StoreOperation::records_append, 2s);
    times.observe(StoreOperation::redis_limits, 1ms);
    RareCounters rare;
    MetricsRegistry registry{{"1", "abc"}};
    registry.set_money(
        {.limits = [] { return std::vector<MoneySources::Limit>{}; },
         .budgets = [] { return std::vector<MoneySources::Budget>{}; },
         .stores = [] { return std::vector<MoneySources::Store>{{"records", true}}; },
         .records = [] { return std::optional<MoneySources::Records>{}; },
         .rare = &rare,
         .times = &times});

    const std::string text = registry.render();

    const auto has = [&text](const std::string& line) {
        return text.find("headgate_store_operation_seconds" + line) != std::string::npos;
    };
    EXPECT_TRUE(has(R"(_bucket{store="records",operation="append",le="0.0025"} 1)")) << text;
    EXPECT_TRUE(has(R"(_bucket{store="records",operation="append",le="5"} 2)")) << text;
    EXPECT_TRUE(has(R"(_bucket{store="records",operation="append",le="+Inf"} 2)")) << text;
    EXPECT_TRUE(has(R"(_count{store="records",operation="append"} 2)")) << text;
    EXPECT_TRUE(has(R"(_sum{store="records",operation="append"} 2.002)")) << text;
    EXPECT_EQ(text.find(R"(store="redis")"), std::string::npos) << text;
}

}  // namespace
}  // namespace headgate::metrics
