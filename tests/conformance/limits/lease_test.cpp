#include "tests/conformance/limits/limits_backend.h"
#include "tests/conformance/limits/redis_counters.h"

#include <gtest/gtest.h>

namespace headgate::policy::testing {

namespace {

using std::chrono::milliseconds;

/// Two processes share a project. A lease of 0 ms has ended as soon as it is given.
class Lease : public ::testing::Test {
protected:
    Lease() {
        search_.limits = {entry({{LimitKind::rpd, 100}, {LimitKind::concurrent, 1}})};
        search_.budget = budget(usd(10));
        world_.open();
        subject_ = world_.subject(search_);
    }

    std::unique_ptr<BlockingLimits> process(LimitsWorld& world,
                                            const std::string& instance,
                                            std::uint64_t life,
                                            milliseconds lease,
                                            bool has_records = true) const {
        const RedisLimits::Settings settings{.key_space = key_space_,
                                             .instance = instance,
                                             .life = life,
                                             .has_records = has_records,
                                             .lease = lease};
        return std::make_unique<BlockingLimits>(settings, shared_redis(), world.accounts());
    }

    StoredMoney money() { return counters_.money("search", kToday); }
    std::int64_t slots() { return counters_.used("p/search/*/concurrent"); }

    const Demand held_ = demand(usd(6));
    LimitsWorld world_;
    Project& search_ = world_.project("search");
    Subject subject_;
    const std::string key_space_ = fresh_key_space();
    RedisCounters counters_{shared_redis(), key_space_};
};

constexpr milliseconds kNone{0};
constexpr milliseconds kLong{3'600'000};

TEST_F(Lease, FreesSlotsAndBooksInFullOnceItHasEnded) {
    LimitsWorld dead_world = world_.twin();
    const auto dead = process(dead_world, "dead", 1, kNone);
    const auto alive = process(world_, "alive", 1, kLong);
    ASSERT_FALSE(dead->admit(dead_world.subject(search_), held_).refusal);
    const Decision before = alive->admit(subject_, demand(usd(1)));
    ASSERT_EQ(money(), (StoredMoney{0, usd(6).nanos()}));

    EXPECT_EQ(alive->heartbeat(), 2);
    const Decision after = alive->admit(subject_, demand(usd(4)));

    ASSERT_TRUE(before.refusal);
    EXPECT_EQ(before.refusal->bucket->kind, LimitKind::concurrent);
    EXPECT_FALSE(after.refusal);
    EXPECT_EQ(money(), (StoredMoney{usd(6).nanos(), usd(4).nanos()}));
    EXPECT_DOUBLE_EQ(after.budget_used, 1.0) << "the cached sum was made anew";
    EXPECT_EQ(slots(), 1);
}

TEST_F(Lease, LeavesAloneWhoHoldsOne) {
    LimitsWorld other_world = world_.twin();
    const auto other = process(other_world, "other", 1, kLong);
    const auto alive = process(world_, "alive", 1, kLong);
    ASSERT_FALSE(other->admit(other_world.subject(search_), held_).refusal);

    alive->heartbeat();

    EXPECT_EQ(money(), (StoredMoney{0, usd(6).nanos()}));
    EXPECT_EQ(slots(), 1);
}

TEST_F(Lease, LetsAProcessThatWasOnlyAwayTellAnewWhatItHolds) {
    LimitsWorld away_world = world_.twin();
    const Subject away_subject = away_world.subject(search_);
    const auto away = process(away_world, "away", 1, kNone);
    const auto alive = process(world_, "alive", 1, kLong);
    ASSERT_FALSE(away->admit(away_subject, held_).refusal);
    alive->heartbeat();
    ASSERT_EQ(money(), (StoredMoney{usd(6).nanos(), 0}));

    away->limits().ask();
    away->run();
    const std::int64_t slots_told = slots();
    away->settle(away_subject, settled(held_, usd(2)));
    const StoredMoney booked_in_full = money();
    ASSERT_FALSE(away->admit(away_subject, demand(usd(4))).refusal);
    away->settle(away_subject, settled(demand(usd(4)), usd(4)));

    EXPECT_EQ(slots_told, 1);
    EXPECT_EQ(booked_in_full, (StoredMoney{usd(6).nanos(), 0})) << "what it spent is within that";
    EXPECT_EQ(money(), (StoredMoney{usd(6).nanos(), 0})) << "2 + 4: now its total has come up";
    EXPECT_EQ(slots(), 0);
}

TEST_F(Lease, ReplacesWhatAnEarlierLifeHeldByItsReplayedTotal) {
    const auto earlier = process(world_, "a", 1, kLong);
    ASSERT_FALSE(earlier->admit(subject_, demand(usd(2))).refusal);
    earlier->settle(subject_, settled(demand(usd(2)), usd(1)));
    ASSERT_FALSE(earlier->admit(subject_, held_).refusal);
    ASSERT_EQ(money(), (StoredMoney{usd(1).nanos(), usd(6).nanos()}));

    // The journal's replay booked the open reservation in full.
    LimitsWorld next_world = world_.twin();
    next_world.accounts().restore("search", kToday, usd(7));
    const auto next = process(next_world, "a", 2, kLong);
    next->report();
    const Decision decision = next->admit(next_world.subject(search_), demand(usd(3)));

    EXPECT_FALSE(decision.refusal) << "the slot is free";
    EXPECT_EQ(money(), (StoredMoney{usd(7).nanos(), usd(3).nanos()}));
}

TEST_F(Lease, BooksInFullWhatAnEarlierLifeHeldWhereThereAreNoRecords) {
    const auto earlier = process(world_, "a", 1, kLong);
    ASSERT_FALSE(earlier->admit(subject_, held_).refusal);

    LimitsWorld next_world = world_.twin();
    const auto next = process(next_world, "a", 2, kLong, false);
    next->report();

    EXPECT_EQ(money(), (StoredMoney{usd(6).nanos(), 0}));
    EXPECT_EQ(slots(), 0);
}

TEST_F(Lease, CountsNothingTwiceWhereALifeEndsByItsLeaseAndTheNextOneReports) {
    const auto earlier = process(world_, "a", 1, kNone);
    ASSERT_FALSE(earlier->admit(subject_, held_).refusal);
    LimitsWorld other_world = world_.twin();
    process(other_world, "b", 1, kLong)->heartbeat();
    ASSERT_EQ(money(), (StoredMoney{usd(6).nanos(), 0}));

    LimitsWorld next_world = world_.twin();
    next_world.accounts().restore("search", kToday, usd(5));  // it had settled, untold, for 5
    process(next_world, "a", 2, kLong)->report();

    EXPECT_EQ(money(), (StoredMoney{usd(5).nanos(), 0}));
}

TEST_F(Lease, HearsNoMoreFromAnEarlierLife) {
    const auto earlier = process(world_, "a", 1, kLong);
    ASSERT_FALSE(earlier->admit(subject_, held_).refusal);
    LimitsWorld next_world = world_.twin();
    process(next_world, "a", 2, kLong)->report();
    earlier->limits().admit(7, subject_, held_);

    EXPECT_THROW(earlier->run(), std::runtime_error);
    EXPECT_THROW(earlier->report(), std::runtime_error);

    EXPECT_EQ(earlier->limits().problem(), "another process uses the same instance");
    EXPECT_EQ(money(), (StoredMoney{0, 0}));
}

TEST_F(Lease, DissolvesMuchInBoundedParts) {
    std::vector<Project*> projects;
    for (int i = 0; i < 700; ++i) {
        projects.push_back(&world_.project("project" + std::to_string(i)));
        projects.back()->budget = budget(usd(10));
    }
    world_.open();
    LimitsWorld dead_world = world_.twin();
    const auto dead = process(dead_world, "dead", 1, kNone);
    for (const Project* project : projects) {
        ASSERT_FALSE(dead->admit(dead_world.subject(*project), demand(usd(1))).refusal);
    }
    const auto alive = process(world_, "alive", 1, kLong);
    const auto booked = [&] {
        return std::ranges::count_if(projects, [&](const Project* project) {
            return counters_.money(project->id, kToday) == StoredMoney{usd(1).nanos(), 0};
        });
    };

    alive->heartbeat();
    const auto after_one = booked();
    alive->heartbeat();
    alive->heartbeat();

    EXPECT_GE(after_one, 400);
    EXPECT_LT(after_one, 700);
    EXPECT_EQ(booked(), 700);
}

TEST_F(Lease, TidiesUpWhatHasDrainedAndDaysLongPast) {
    const auto limits = process(world_, "a", 1, kLong);
    Demand old = demand(usd(1));
    old.day = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()) -
              std::chrono::days{900};
    ASSERT_FALSE(limits->admit(subject_, old).refusal);
    limits->settle(subject_, settled(old, usd(1)));
    ASSERT_FALSE(limits->admit(subject_, held_).refusal);
    limits->settle(subject_, {.held = held_, .is_withdrawn = true});
    ASSERT_EQ(counters_.money("search", old.day).spent, usd(1).nanos());

    for (int i = 0; i < 5; ++i) {
        limits->heartbeat();
    }

    EXPECT_EQ(counters_.money("search", old.day).spent, 0);
    const RespValue slots = counters_.redis().ask(
        {"HEXISTS", "{hg:" + key_space_ + "}:limits", "bp/search/*/concurrent"});
    EXPECT_EQ(slots.number, 0);
    EXPECT_FALSE(limits->admit(subject_, demand(usd(10))).refusal);
}

TEST_F(Lease, KeepsDaysThatATotalAddsUp) {
    search_.budget->per = BudgetPeriod::total;
    const auto limits = process(world_, "a", 1, kLong);
    Demand old = demand(usd(1));
    old.day = Day{std::chrono::days{10'000}};
    ASSERT_FALSE(limits->admit(subject_, old).refusal);
    limits->settle(subject_, settled(old, usd(1)));
    ASSERT_FALSE(limits->admit(subject_, held_).refusal);

    for (int i = 0; i < 5; ++i) {
        limits->heartbeat();
    }

    EXPECT_EQ(counters_.money("search", old.day).spent, usd(1).nanos());
}

}  // namespace

}  // namespace headgate::policy::testing
