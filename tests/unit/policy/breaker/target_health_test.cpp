#include "policy/breaker/target_health.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <vector>

namespace headgate::policy {
namespace {

using namespace std::chrono_literals;
using providers::SteadyTime;
using Kind = AttemptReport::Kind;
using State = TargetHealth::Availability::State;
using Why = AttemptPermit::Why;

constexpr SteadyTime kStart{1000s};
constexpr BreakerSettings kSettings{.failures = 2, .window = 10s, .open_for = 5s};

void record(TargetHealth& health, const AttemptReport& report, SteadyTime now = kStart) {
    auto permit = AttemptPermit::acquire(health, Why::last_resort, now);
    ASSERT_TRUE(permit.has_value());
    permit->record(report, kSettings, now);
}

AttemptReport failure() {
    return {.kind = Kind::failure, .status = 500, .reason = "status"};
}

AttemptReport limited(std::optional<std::chrono::milliseconds> retry_after = {},
                      bool is_daily = false) {
    return {.kind = Kind::rate_limited,
            .status = 429,
            .reason = "status",
            .retry_after = retry_after,
            .is_daily = is_daily};
}

AttemptReport success(std::optional<std::chrono::microseconds> first_byte = {}) {
    return {.kind = Kind::success, .status = 200, .reason = "", .first_byte = first_byte};
}

TEST(TargetHealth, IsAvailableAtFirst) {
    const TargetHealth health{"openai", "gpt-5"};

    const auto availability = health.availability(kStart);

    EXPECT_EQ(availability.state, State::available);
    EXPECT_TRUE(availability.may_be_tried());
    EXPECT_EQ(health.first_byte(), std::nullopt);
}

struct BenchCase {
    const char* name;
    AttemptReport report;
    BenchReason reason;
    std::chrono::milliseconds rest;
};

TEST(TargetHealth, IsBenchedAsLongAsTheErrorSays) {
    const std::vector<BenchCase> cases{
        {"429", limited(), BenchReason::rate_limit, 1s},
        {"Retry-After", limited(7s), BenchReason::rate_limit, 7s},
        {"long Retry-After", limited(3h), BenchReason::rate_limit, 10min},
        {"daily", limited(3h, true), BenchReason::rate_limit, 3h},
        {"long daily", limited(100h, true), BenchReason::rate_limit, 24h},
        {"quota", {.kind = Kind::quota, .status = 429}, BenchReason::quota, 60s},
        {"daily quota",
         {.kind = Kind::quota,
          .status = 429,
          .reason = "status",
          .retry_after = 2h,
          .is_daily = true},
         BenchReason::quota,
         2h},
        {"auth", {.kind = Kind::auth, .status = 401}, BenchReason::auth, 60s},
    };
    for (const BenchCase& each : cases) {
        TargetHealth health{"openai", "gpt-5"};

        record(health, each.report);
        const auto during = health.availability(kStart + each.rest - 1ms);
        const auto after = health.availability(kStart + each.rest);

        EXPECT_EQ(during.state, State::benched) << each.name;
        EXPECT_EQ(during.bench, each.reason) << each.name;
        EXPECT_LE(kStart + each.rest - during.until, 4ns) << each.name;
        EXPECT_EQ(after.state, State::available) << each.name;
    }
}

TEST(TargetHealth, DoublesTheRestOfFurther429s) {
    TargetHealth health{"openai", "gpt-5"};
    SteadyTime now = kStart;
    for (const auto rest : {1s, 2s, 4s, 8s, 10s, 10s}) {
        record(health, limited(), now);

        EXPECT_EQ(health.availability(now + rest - 1ms).state, State::benched) << rest.count();
        EXPECT_EQ(health.availability(now + rest).state, State::available) << rest.count();

        now += rest;
    }
}

TEST(TargetHealth, EndsBenchingAndTheRowOf429sWithASuccess) {
    TargetHealth health{"openai", "gpt-5"};
    record(health, limited());
    record(health, limited());

    record(health, success());
    const auto after_success = health.availability(kStart);
    record(health, limited());
    const auto in_a_second = health.availability(kStart + 1s);

    EXPECT_EQ(after_success.state, State::available);
    EXPECT_EQ(in_a_second.state, State::available);
}

TEST(TargetHealth, DoesNotShortenABenching) {
    TargetHealth health{"openai", "gpt-5"};

    record(health, {.kind = Kind::auth, .status = 401});
    record(health, limited(1s));
    const auto later = health.availability(kStart + 30s);

    EXPECT_EQ(later.state, State::benched);
    EXPECT_EQ(later.bench, BenchReason::auth);
}

TEST(TargetHealth, IsNotBenchedByARetryAfterOfNothing) {
    TargetHealth health{"openai", "gpt-5"};

    record(health, limited(0s));

    EXPECT_EQ(health.availability(kStart).state, State::available);
}

TEST(TargetHealth, TellsWhicheverEndsLaterOfBenchAndBreaker) {
    TargetHealth short_bench{"openai", "gpt-5"};
    TargetHealth long_bench{"openai", "gpt-5"};

    record(short_bench, limited(1s));
    record(short_bench, failure());
    record(short_bench, failure());
    record(long_bench, limited(30s));
    record(long_bench, failure());
    record(long_bench, failure());

    EXPECT_EQ(short_bench.availability(kStart).state, State::breaker_open);
    EXPECT_EQ(short_bench.availability(kStart).until, kStart + 5s);
    EXPECT_EQ(long_bench.availability(kStart).state, State::benched);
    EXPECT_EQ(long_bench.report(kStart).breaker, Breaker::State::open);
    EXPECT_EQ(long_bench.report(kStart).open_until, kStart + 5s);
    EXPECT_EQ(short_bench.report(kStart).benched, BenchReason::rate_limit);
    EXPECT_EQ(short_bench.report(kStart).benched_until, kStart + 1s);
    EXPECT_EQ(short_bench.report(kStart + 1s).benched, std::nullopt);
}

TEST(TargetHealth, KeepsBenchingsOutOfTheBreaker) {
    TargetHealth health{"openai", "gpt-5"};

    for (int i = 0; i < 20; ++i) {
        record(health, limited());
        record(health, {.kind = Kind::quota, .status = 429});
        record(health, {.kind = Kind::auth, .status = 401});
        record(health, {});
    }

    EXPECT_EQ(health.report(kStart).breaker, Breaker::State::closed);
}

TEST(TargetHealth, AveragesTheFirstByteOfSuccesses) {
    TargetHealth health{"openai", "gpt-5"};

    record(health, success(1600us));
    const auto first = health.first_byte();
    record(health, success(3200us));
    const auto second = health.first_byte();
    record(health, success());
    record(health, failure());

    EXPECT_EQ(first, 1600us);
    EXPECT_EQ(second, 1700us);
    EXPECT_EQ(health.first_byte(), 1700us);
}

TEST(TargetHealth, ReportsItsOutcomes) {
    TargetHealth health{"openai", "gpt-5"};
    record(health, success(800us));
    record(health, success());
    record(health, {});  // neutral: no outcome

    const auto good = health.report(kStart);
    record(health, {.kind = Kind::failure, .status = 0, .reason = "connect"}, kStart + 3s);
    const auto running = AttemptPermit::acquire(health, Why::first, kStart + 4s);
    const auto bad = health.report(kStart + 4s);

    EXPECT_EQ(good.provider, "openai");
    EXPECT_EQ(good.model, "gpt-5");
    EXPECT_EQ(good.attempts, 3u);
    EXPECT_EQ(good.successes, 2u);
    EXPECT_EQ(good.success_rate, 1.0);
    EXPECT_EQ(good.last_error, "");
    EXPECT_EQ(good.last_error_at, std::nullopt);
    EXPECT_EQ(bad.attempts, 5u);
    EXPECT_EQ(bad.in_flight, 1);
    EXPECT_EQ(bad.success_rate, 0.9375);
    EXPECT_EQ(bad.first_byte, 800us);
    EXPECT_EQ(bad.last_error, "connect");
    EXPECT_EQ(bad.last_status, 0);
    EXPECT_EQ(bad.last_error_at, kStart + 3s);
}

TEST(TargetHealth, KnowsNoRateBeforeTheFirstOutcome) {
    TargetHealth health{"openai", "gpt-5"};

    record(health, {});

    EXPECT_EQ(health.report(kStart).success_rate, std::nullopt);
}

TEST(BenchReason, IsSpelledAsInTheMetric) {
    EXPECT_EQ(to_string(BenchReason::rate_limit), "rate_limit");
    EXPECT_EQ(to_string(BenchReason::quota), "quota");
    EXPECT_EQ(to_string(BenchReason::auth), "auth");
}

}  // namespace
}  // namespace headgate::policy
