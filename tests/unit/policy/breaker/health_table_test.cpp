#include "policy/breaker/health_table.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

namespace headgate::policy {
namespace {

using namespace std::chrono_literals;
using providers::SteadyTime;

constexpr SteadyTime kStart{1000s};
constexpr BreakerSettings kAsking{
    .failures = 1, .window = 10s, .open_for = 5s, .probes_models = true};

void attempt(TargetHealth& health) {
    const auto permit = AttemptPermit::acquire(health, AttemptPermit::Why::first, kStart);
    EXPECT_TRUE(permit.has_value());
}

TEST(HealthTable, GivesTheSameHealthForTheSameTarget) {
    HealthTable table;

    const auto first = table.of("openai", "gpt-5");
    const auto again = table.of("openai", "gpt-5");
    const auto other_model = table.of("openai", "o4-mini");
    const auto other_provider = table.of("azure", "gpt-5");

    EXPECT_EQ(first, again);
    EXPECT_NE(first, other_model);
    EXPECT_NE(first, other_provider);
    EXPECT_EQ(first->provider(), "openai");
    EXPECT_EQ(first->model(), "gpt-5");
}

/// As many models as fit, all of which have answered.
void fill_with_good_models(HealthTable& table) {
    for (std::size_t i = 0; i < HealthTable::kMaxModels; ++i) {
        const auto health = table.of("openai", "model-" + std::to_string(i));
        auto permit = AttemptPermit::acquire(*health, AttemptPermit::Why::first, kStart);
        permit->record({.kind = AttemptReport::Kind::success}, {}, kStart);
    }
}

TEST(HealthTable, GivesThePlaceOfAnInventedModelToTheNext) {
    HealthTable table;
    for (std::size_t i = 0; i < HealthTable::kMaxModels; ++i) {
        table.of("openai", "invented-" + std::to_string(i));
    }

    const auto real = table.of("openai", "gpt-5");

    EXPECT_EQ(real->model(), "gpt-5");
    EXPECT_EQ(table.of("openai", "gpt-5"), real);
}

TEST(HealthTable, FindsWithoutMakingAnEntry) {
    HealthTable table;
    const auto known = table.of("openai", "gpt-5");

    EXPECT_EQ(table.find("openai", "gpt-5"), known);
    EXPECT_EQ(table.find("openai", "gpt-4"), nullptr);
    EXPECT_EQ(table.find("azure", "gpt-5"), nullptr);
}

TEST(HealthTable, ForgivesAProviderWhoseCredentialWasReplaced) {
    HealthTable table;
    const auto health = table.of("openai", "gpt-5");
    auto permit = AttemptPermit::acquire(*health, AttemptPermit::Why::first, kStart);
    permit->record({.kind = AttemptReport::Kind::auth, .status = 401}, {}, kStart);
    ASSERT_FALSE(health->availability(kStart).may_be_tried());

    table.forgive("openai");

    EXPECT_TRUE(health->availability(kStart).may_be_tried());
}

TEST(HealthTable, SharesOneEntryAmongModelsBeyondTheLimit) {
    HealthTable table;
    fill_with_good_models(table);

    const auto known = table.of("openai", "model-0");
    const auto one = table.of("openai", "one-too-many");
    const auto another = table.of("openai", "two-too-many");
    const auto elsewhere = table.of("azure", "one-too-many");

    EXPECT_EQ(known->model(), "model-0");
    EXPECT_EQ(one, another);
    EXPECT_EQ(one->model(), "*");
    EXPECT_EQ(elsewhere->model(), "one-too-many");
}

TEST(HealthTable, ForgetsProvidersThatThePolicyNoLongerHas) {
    HealthTable table;
    const auto kept = table.of("openai", "gpt-5");
    const auto forgotten = table.of("azure", "gpt-5");

    table.keep_only({"openai", "new"});

    EXPECT_EQ(table.of("openai", "gpt-5"), kept);
    EXPECT_NE(table.of("azure", "gpt-5"), forgotten);
    EXPECT_EQ(forgotten->provider(), "azure");  // who still holds it may go on
}

TEST(HealthTable, ReportsTheTargetsThatWereTriedInOrder) {
    HealthTable table;
    attempt(*table.of("openai", "o4-mini"));
    attempt(*table.of("openai", "gpt-5"));
    attempt(*table.of("azure", "gpt-5"));
    table.of("azure", "never-tried");

    const auto reports = table.report(kStart);

    ASSERT_EQ(reports.size(), 3u);
    EXPECT_EQ(reports[0].provider + " " + reports[0].model, "azure gpt-5");
    EXPECT_EQ(reports[1].provider + " " + reports[1].model, "openai gpt-5");
    EXPECT_EQ(reports[2].provider + " " + reports[2].model, "openai o4-mini");
}

TEST(HealthTable, GivesEachActiveProbeToOneCaller) {
    HealthTable table;
    table.of("openai", "closed");
    table.of("openai", "down")->breaker().note_failure(kAsking, kStart);

    const auto early = table.claim_active_probes(kStart + 4s);
    const auto claimed = table.claim_active_probes(kStart + 5s);
    const auto meanwhile = table.claim_active_probes(kStart + 6s);
    ASSERT_EQ(claimed.size(), 1u);
    claimed.front()->breaker().end_active_probe(false, kStart + 6s);
    const auto later = table.claim_active_probes(kStart + 11s);

    EXPECT_TRUE(early.empty());
    EXPECT_EQ(claimed.front()->model(), "down");
    EXPECT_TRUE(meanwhile.empty());
    EXPECT_EQ(later.size(), 1u);
}

TEST(HealthTable, MayBeAskedByManyThreads) {
    HealthTable table;
    std::vector<std::jthread> threads;

    for (int worker = 0; worker < 4; ++worker) {
        threads.emplace_back([&table] {
            for (int i = 0; i < 200; ++i) {
                attempt(*table.of("openai", "model-" + std::to_string(i % 10)));
                table.report(kStart);
            }
        });
    }
    threads.clear();

    std::uint64_t attempts = 0;
    for (const auto& report : table.report(kStart)) {
        attempts += report.attempts;
        EXPECT_EQ(report.in_flight, 0);
    }
    EXPECT_EQ(attempts, 800u);
}

}  // namespace
}  // namespace headgate::policy
