#include "policy/breaker/target_health.h"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

namespace headgate::policy {
namespace {

using namespace std::chrono_literals;
using providers::SteadyTime;
using Kind = AttemptReport::Kind;
using Why = AttemptPermit::Why;

constexpr SteadyTime kStart{1000s};
constexpr SteadyTime kHalfOpen = kStart + 5s;
constexpr BreakerSettings kSettings{.failures = 2, .window = 10s, .open_for = 5s};

std::optional<AttemptPermit> acquire(TargetHealth& health, Why why, SteadyTime now = kStart) {
    return AttemptPermit::acquire(health, why, now);
}

void record(AttemptPermit& permit, Kind kind, SteadyTime now = kStart) {
    permit.record({.kind = kind, .status = 500, .reason = "status"}, kSettings, now);
}

void open(TargetHealth& health, SteadyTime now = kStart) {
    for (int i = 0; i < kSettings.failures; ++i) {
        auto permit = acquire(health, Why::last_resort, now);
        ASSERT_TRUE(permit);
        record(*permit, Kind::failure, now);
    }
}

Breaker::State state(TargetHealth& health, SteadyTime now) {
    return health.breaker().state(now);
}

TEST(AttemptPermit, CountsInFlightUntilItIsDestroyed) {
    TargetHealth health{"openai", "gpt-5"};

    {
        auto one = acquire(health, Why::first);
        auto two = acquire(health, Why::first);
        EXPECT_EQ(health.in_flight(), 2);
        record(*one, Kind::success);
        EXPECT_EQ(health.in_flight(), 2);
        two.reset();
        EXPECT_EQ(health.in_flight(), 1);
    }

    EXPECT_EQ(health.in_flight(), 0);
}

TEST(AttemptPermit, EndsABenchingOnlyByASuccessThatBeganInIt) {
    TargetHealth health{"openai", "gpt-5"};
    auto began_before = acquire(health, Why::first);
    auto limited = acquire(health, Why::first);
    limited->record({.kind = Kind::rate_limited, .status = 429, .retry_after = 60s}, kSettings,
                    kStart);
    auto began_in_it = acquire(health, Why::last_resort);

    record(*began_before, Kind::success);
    const bool is_still_benched = !health.availability(kStart).may_be_tried();
    record(*began_in_it, Kind::success);

    EXPECT_TRUE(is_still_benched);
    EXPECT_TRUE(health.availability(kStart).may_be_tried());
}

TEST(AttemptPermit, ClosesTheBreakerWithTheBeginningOfAProbesAnswer) {
    TargetHealth health{"openai", "gpt-5"};
    open(health);
    auto probe = acquire(health, Why::first, kHalfOpen);

    probe->note_answer();

    EXPECT_EQ(state(health, kHalfOpen), Breaker::State::closed);
    EXPECT_TRUE(acquire(health, Why::first, kHalfOpen));
    record(*probe, Kind::failure, kHalfOpen);
    EXPECT_EQ(state(health, kHalfOpen), Breaker::State::closed) << "one failure of two";
}

TEST(AttemptPermit, IsRefusedWhileTheBreakerIsOpenButToTheLastResort) {
    TargetHealth health{"openai", "gpt-5"};
    open(health);

    const bool first = acquire(health, Why::first).has_value();
    const bool repeat = acquire(health, Why::repeat).has_value();
    const bool last_resort = acquire(health, Why::last_resort).has_value();

    EXPECT_FALSE(first);
    EXPECT_FALSE(repeat);
    EXPECT_TRUE(last_resort);
}

TEST(AttemptPermit, IsRefusedToARepeatByAnOpenBreakerThatALongerBenchingHides) {
    TargetHealth health{"openai", "gpt-5"};
    auto limited = acquire(health, Why::first);
    limited->record({.kind = Kind::rate_limited, .status = 429, .retry_after = 60s}, kSettings,
                    kStart);
    open(health);
    ASSERT_EQ(health.availability(kStart).state, TargetHealth::Availability::State::benched);

    EXPECT_FALSE(acquire(health, Why::repeat));
}

TEST(AttemptPermit, LetsARepeatPassARateLimitButNoQuotaAndNoRefusedCredential) {
    const std::pair<Kind, bool> cases[] = {
        {Kind::rate_limited, true}, {Kind::quota, false}, {Kind::auth, false}};
    for (const auto& [kind, may_repeat] : cases) {
        TargetHealth health{"openai", "gpt-5"};
        auto permit = acquire(health, Why::first);
        record(*permit, kind);

        const bool first = acquire(health, Why::first).has_value();
        const bool repeat = acquire(health, Why::repeat).has_value();

        EXPECT_FALSE(first);
        EXPECT_EQ(repeat, may_repeat) << static_cast<int>(kind);
    }
}

TEST(AttemptPermit, DrawsRepeatsOnTheBudgetOfFirstAttempts) {
    TargetHealth health{"openai", "gpt-5"};
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(acquire(health, Why::first));
    }

    int repeats = 0;
    while (repeats < 100 && acquire(health, Why::repeat)) {
        ++repeats;
    }

    EXPECT_EQ(repeats, 4);
}

TEST(AttemptPermit, LeavesTheBudgetAloneWhereTheBreakerRefusesARepeat) {
    TargetHealth health{"openai", "gpt-5"};
    open(health);

    for (int i = 0; i < 10; ++i) {
        ASSERT_FALSE(acquire(health, Why::repeat));
    }
    auto probe = acquire(health, Why::repeat, kHalfOpen);

    EXPECT_TRUE(probe);
}

TEST(AttemptPermit, GivesTheProbeBackWhereTheBudgetRefuses) {
    TargetHealth health{"openai", "gpt-5"};
    while (acquire(health, Why::repeat)) {
    }
    open(health);

    const bool repeat = acquire(health, Why::repeat, kHalfOpen).has_value();
    const bool first = acquire(health, Why::first, kHalfOpen).has_value();

    EXPECT_FALSE(repeat);
    EXPECT_TRUE(first);
}

TEST(AttemptPermit, GivesTheProbeBackWhenItIsDestroyed) {
    TargetHealth health{"openai", "gpt-5"};
    open(health);

    auto probe = acquire(health, Why::first, kHalfOpen);
    const bool second = acquire(health, Why::first, kHalfOpen).has_value();
    probe.reset();
    const bool third = acquire(health, Why::first, kHalfOpen).has_value();

    EXPECT_FALSE(second);
    EXPECT_TRUE(third);
    EXPECT_EQ(state(health, kHalfOpen), Breaker::State::half_open);
}

TEST(AttemptPermit, EndsAProbeByItsOutcome) {
    const std::pair<Kind, Breaker::State> cases[] = {
        {Kind::success, Breaker::State::closed},         {Kind::failure, Breaker::State::open},
        {Kind::rate_limited, Breaker::State::half_open}, {Kind::quota, Breaker::State::half_open},
        {Kind::auth, Breaker::State::half_open},         {Kind::neutral, Breaker::State::half_open},
    };
    for (const auto& [kind, expected] : cases) {
        TargetHealth health{"openai", "gpt-5"};
        open(health);
        auto probe = acquire(health, Why::first, kHalfOpen);
        ASSERT_TRUE(probe);

        record(*probe, kind, kHalfOpen);
        const bool is_probe_free = health.breaker().try_probe(kHalfOpen + 1h);

        EXPECT_EQ(state(health, kHalfOpen), expected) << static_cast<int>(kind);
        EXPECT_EQ(is_probe_free, expected != Breaker::State::closed) << static_cast<int>(kind);
    }
}

TEST(AttemptPermit, RecordsOnlyItsFirstOutcome) {
    TargetHealth health{"openai", "gpt-5"};
    auto permit = acquire(health, Why::first);

    record(*permit, Kind::success);
    record(*permit, Kind::failure);
    record(*permit, Kind::success);

    EXPECT_EQ(health.report(kStart).successes, 1u);
    EXPECT_EQ(health.report(kStart).success_rate, 1.0);
}

TEST(AttemptPermit, MovesTheProbeWithIt) {
    TargetHealth health{"openai", "gpt-5"};
    open(health);
    std::optional<AttemptPermit> from = acquire(health, Why::first, kHalfOpen);
    std::optional<AttemptPermit> to{std::move(*from)};

    record(*from, Kind::failure, kHalfOpen);  // moved from: says nothing
    from.reset();
    const bool is_taken = !acquire(health, Why::first, kHalfOpen);
    record(*to, Kind::success, kHalfOpen);

    EXPECT_TRUE(is_taken);
    EXPECT_EQ(health.in_flight(), 1);
    EXPECT_EQ(state(health, kHalfOpen), Breaker::State::closed);
}

TEST(AttemptPermit, ReleasesWhatItHeldWhenAnotherIsMovedIn) {
    TargetHealth probed{"openai", "gpt-5"};
    TargetHealth other{"azure", "gpt-5"};
    open(probed);
    auto permit = acquire(probed, Why::first, kHalfOpen);
    auto next = acquire(other, Why::first, kHalfOpen);

    *permit = std::move(*next);

    EXPECT_EQ(probed.in_flight(), 0);
    EXPECT_EQ(other.in_flight(), 1);
    EXPECT_TRUE(acquire(probed, Why::first, kHalfOpen));
}

TEST(AttemptPermit, DoesNotCloseABreakerThatOpenedAfterItBegan) {
    TargetHealth health{"openai", "gpt-5"};
    auto slow = acquire(health, Why::first);
    open(health, kStart + 1s);

    record(*slow, Kind::success, kStart + 2s);

    EXPECT_EQ(state(health, kStart + 2s), Breaker::State::open);
}

TEST(AttemptPermit, ClosesTheBreakerWhenTheLastResortSucceeds) {
    TargetHealth health{"openai", "gpt-5"};
    open(health);
    auto last = acquire(health, Why::last_resort);

    record(*last, Kind::success);

    EXPECT_EQ(state(health, kStart), Breaker::State::closed);
}

TEST(AttemptPermit, LeavesTheProbeOfAnotherAloneWhenTheLastResortSucceeds) {
    TargetHealth health{"openai", "gpt-5"};
    open(health);
    auto probe = acquire(health, Why::first, kHalfOpen);
    auto last = acquire(health, Why::last_resort, kHalfOpen);
    record(*last, Kind::success, kHalfOpen);
    open(health, kHalfOpen);

    const bool second_probe = acquire(health, Why::first, kHalfOpen + 5s).has_value();
    probe.reset();
    const bool third_probe = acquire(health, Why::first, kHalfOpen + 5s).has_value();

    EXPECT_FALSE(second_probe);
    EXPECT_TRUE(third_probe);
}

TEST(AttemptPermit, IsNeverHeldByTwoProbesAtOnce) {
    constexpr int workers = 4;
    constexpr int rounds = 300;
    TargetHealth health{"openai", "gpt-5"};
    std::atomic<int> probing{0};
    std::atomic<int> most_at_once{0};
    std::atomic<int> probes{0};
    open(health);
    std::barrier start{workers};
    std::vector<std::jthread> threads;

    for (int worker = 0; worker < workers; ++worker) {
        threads.emplace_back([&] {
            for (int round = 0; round < rounds; ++round) {
                const SteadyTime now = kHalfOpen + std::chrono::minutes{round};
                start.arrive_and_wait();  // all at the same moment, long after it was reopened
                auto probe = acquire(health, Why::first, now);
                if (probe) {
                    ++probes;
                    const int at_once = ++probing;
                    most_at_once = std::max(most_at_once.load(), at_once);
                    std::this_thread::yield();
                    --probing;
                    record(*probe, round % 2 == 0 ? Kind::failure : Kind::neutral, now);
                }
                probe.reset();
                start.arrive_and_wait();
            }
        });
    }
    threads.clear();

    EXPECT_EQ(most_at_once.load(), 1);
    EXPECT_GE(probes.load(), rounds);
    EXPECT_EQ(health.in_flight(), 0);
}

TEST(AttemptPermit, MissesNoFailureOfThreadsThatFailTogether) {
    constexpr int workers = 4;
    for (int round = 0; round < 200; ++round) {
        TargetHealth health{"openai", "gpt-5"};
        const BreakerSettings all{.failures = workers, .window = 10s, .open_for = 5s};
        std::barrier start{workers};
        std::vector<std::jthread> threads;

        for (int worker = 0; worker < workers; ++worker) {
            threads.emplace_back([&] {
                auto permit = acquire(health, Why::first);
                start.arrive_and_wait();
                permit->record({.kind = Kind::failure, .reason = "connect"}, all, kStart);
            });
        }
        threads.clear();

        ASSERT_EQ(state(health, kStart), Breaker::State::open) << "round " << round;
    }
}

}  // namespace
}  // namespace headgate::policy
