#include "policy/breaker/breaker.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <vector>

namespace headgate::policy {
namespace {

using namespace std::chrono_literals;
using providers::SteadyTime;
using State = Breaker::State;

constexpr SteadyTime kStart{1000s};
constexpr BreakerSettings kThree{.failures = 3, .window = 10s, .open_for = 5s};

void open(Breaker& breaker, const BreakerSettings& settings, SteadyTime now) {
    for (int i = 0; i < settings.failures; ++i) {
        breaker.note_failure(settings, now);
    }
}

TEST(Breaker, OpensAtTheFailureThatMakesEnoughWithinTheWindow) {
    Breaker breaker;

    breaker.note_failure(kThree, kStart);
    breaker.note_failure(kThree, kStart + 1s);
    const State before = breaker.state(kStart + 10s);
    breaker.note_failure(kThree, kStart + 10s);

    EXPECT_EQ(before, State::closed);
    EXPECT_EQ(breaker.state(kStart + 10s), State::open);
    EXPECT_EQ(breaker.open_until(), kStart + 15s);
}

TEST(Breaker, StaysClosedWhereTheFirstOfThemIsOlderThanTheWindow) {
    Breaker breaker;

    breaker.note_failure(kThree, kStart);
    breaker.note_failure(kThree, kStart + 1s);
    breaker.note_failure(kThree, kStart + 10s + 1ms);

    EXPECT_EQ(breaker.state(kStart + 11s), State::closed);
}

TEST(Breaker, CountsAsManyFailuresAsItCanHold) {
    constexpr BreakerSettings most{.failures = Breaker::kMaxFailures, .window = 10s};
    Breaker breaker;

    for (int i = 1; i < Breaker::kMaxFailures; ++i) {
        breaker.note_failure(most, kStart);
    }
    const State before = breaker.state(kStart);
    breaker.note_failure(most, kStart);

    EXPECT_EQ(before, State::closed);
    EXPECT_EQ(breaker.state(kStart), State::open);
}

TEST(Breaker, WorksFromTheFirstMomentOfTheClock) {
    Breaker breaker;

    open(breaker, kThree, SteadyTime{});

    EXPECT_EQ(breaker.state(SteadyTime{}), State::open);
    EXPECT_EQ(breaker.state(SteadyTime{6s}), State::half_open);
}

TEST(Breaker, GivesOneProbeWhenItIsHalfOpen) {
    Breaker breaker;
    open(breaker, kThree, kStart);

    const bool early = breaker.try_probe(kStart + 5s - 1ms);
    const bool first = breaker.try_probe(kStart + 5s);
    const bool second = breaker.try_probe(kStart + 5s);
    breaker.return_probe();
    const bool third = breaker.try_probe(kStart + 5s);

    EXPECT_FALSE(early);
    EXPECT_TRUE(first);
    EXPECT_FALSE(second);
    EXPECT_TRUE(third);
}

TEST(Breaker, ClosesWhenTheProbeSucceedsAndForgetsTheFailures) {
    Breaker breaker;
    open(breaker, kThree, kStart);
    ASSERT_TRUE(breaker.try_probe(kStart + 5s));

    breaker.close();
    breaker.return_probe();
    breaker.note_failure(kThree, kStart + 5s);
    breaker.note_failure(kThree, kStart + 5s);

    EXPECT_EQ(breaker.state(kStart + 5s), State::closed);
}

TEST(Breaker, OpensAnewWhenTheProbeFails) {
    Breaker breaker;
    open(breaker, kThree, kStart);
    ASSERT_TRUE(breaker.try_probe(kStart + 6s));

    breaker.reopen(kThree, kStart + 7s);
    breaker.return_probe();

    EXPECT_EQ(breaker.state(kStart + 7s), State::open);
    EXPECT_EQ(breaker.open_until(), kStart + 12s);
}

TEST(Breaker, TakesAProbesFailureAsOneOfManyWhereItWasClosedMeanwhile) {
    Breaker breaker;
    open(breaker, kThree, kStart);
    ASSERT_TRUE(breaker.try_probe(kStart + 6s));
    breaker.close();

    breaker.reopen(kThree, kStart + 7s);
    breaker.return_probe();

    EXPECT_EQ(breaker.state(kStart + 7s), State::closed);
}

TEST(Breaker, AsksForModelsBeforeItIsHalfOpen) {
    constexpr BreakerSettings asking{
        .failures = 1, .window = 10s, .open_for = 5s, .probes_models = true};
    Breaker breaker;
    open(breaker, asking, kStart);

    const bool early = breaker.try_active_probe(kStart + 4s);
    const State waiting = breaker.state(kStart + 6s);
    const bool asked = breaker.try_active_probe(kStart + 6s);
    const bool asked_twice = breaker.try_active_probe(kStart + 6s);
    breaker.end_active_probe(false, kStart + 7s);
    const SteadyTime after_bad = breaker.open_until();
    const bool asked_again = breaker.try_active_probe(kStart + 12s);
    breaker.end_active_probe(true, kStart + 12s);

    EXPECT_FALSE(early);
    EXPECT_EQ(waiting, State::open);
    EXPECT_TRUE(asked);
    EXPECT_FALSE(asked_twice);
    EXPECT_EQ(after_bad, kStart + 12s);
    EXPECT_TRUE(asked_again);
    EXPECT_EQ(breaker.state(kStart + 12s), State::half_open);
}

TEST(Breaker, LetsAnAttemptThatSucceededOverruleGetModels) {
    constexpr BreakerSettings asking{
        .failures = 1, .window = 10s, .open_for = 5s, .probes_models = true};
    Breaker breaker;
    open(breaker, asking, kStart);
    ASSERT_TRUE(breaker.try_active_probe(kStart + 6s));

    breaker.close();
    breaker.end_active_probe(false, kStart + 7s);

    EXPECT_EQ(breaker.state(kStart + 7s), State::closed);
}

/// The breaker as its header tells it, without any cleverness.
class Model {
public:
    explicit Model(BreakerSettings settings) : settings_{settings} {}

    State state(SteadyTime now) const {
        if (!is_open_) {
            return State::closed;
        }
        return now < until_ || needs_models_ ? State::open : State::half_open;
    }
    bool may_probe(SteadyTime now) const { return state(now) == State::half_open && !probing_; }
    bool may_ask(SteadyTime now) const {
        return is_open_ && needs_models_ && now >= until_ && !asking_;
    }
    void take_probe(bool is_taken) { probing_ = is_taken; }
    void take_models(bool is_taken) { asking_ = is_taken; }
    void note_failure(SteadyTime now) {
        if (is_open_) {
            return;
        }
        failures_.push_back(now);
        const auto enough = static_cast<std::size_t>(settings_.failures);
        if (failures_.size() >= enough &&
            now - failures_[failures_.size() - enough] <= settings_.window) {
            open(now);
        }
    }
    void close() {
        failures_.clear();
        is_open_ = false;
    }
    void reopen(SteadyTime now) { is_open_ ? open(now) : note_failure(now); }
    void answer_models(bool is_well, SteadyTime now) {
        if (is_open_ && needs_models_) {
            needs_models_ = !is_well;
            until_ = is_well ? until_ : now + settings_.open_for;
        }
    }

private:
    void open(SteadyTime now) {
        is_open_ = true;
        until_ = now + settings_.open_for;
        needs_models_ = settings_.probes_models;
    }

    BreakerSettings settings_;
    std::vector<SteadyTime> failures_;
    bool is_open_ = false;
    SteadyTime until_{};
    bool needs_models_ = false;
    bool probing_ = false;
    bool asking_ = false;
};

/// One breaker and its model, moved by the same random operations.
class Pair {
public:
    explicit Pair(std::mt19937& random)
        : random_{random},
          settings_{.failures = below(6) + 1,
                    .window = std::chrono::milliseconds{below(3'000) + 1},
                    .open_for = std::chrono::milliseconds{below(2'000) + 1},
                    .probes_models = below(3) == 0},
          model_{settings_} {}

    void step() {
        now_ += std::chrono::milliseconds{below(4) == 0 ? below(2'500) : below(60)};
        switch (below(8)) {
            case 0:
                return end_probe();
            case 1:
                return begin_probe();
            case 2:
                return begin_models();
            case 3:
                return end_models();
            case 4:
                if (model_.state(now_) != State::closed && below(4) == 0) {
                    breaker_.close();  // the last resort has succeeded
                    model_.close();
                }
                return;
            default:
                breaker_.note_failure(settings_, now_);
                model_.note_failure(now_);
        }
    }
    State state() const { return breaker_.state(now_); }
    State expected() const { return model_.state(now_); }

private:
    int below(int limit) { return std::uniform_int_distribution{0, limit - 1}(random_); }

    void begin_probe() {
        const bool may = model_.may_probe(now_);
        EXPECT_EQ(breaker_.try_probe(now_), may);
        if (may) {
            model_.take_probe(true);
            is_probing_ = true;
        }
    }
    void end_probe() {
        if (!is_probing_) {
            return;
        }
        const int outcome = below(3);
        if (outcome == 0) {
            breaker_.close();
            model_.close();
        } else if (outcome == 1) {
            breaker_.reopen(settings_, now_);
            model_.reopen(now_);
        }
        breaker_.return_probe();
        model_.take_probe(false);
        is_probing_ = false;
    }
    void begin_models() {
        const bool may = model_.may_ask(now_);
        EXPECT_EQ(breaker_.try_active_probe(now_), may);
        if (may) {
            model_.take_models(true);
            is_asking_ = true;
        }
    }
    void end_models() {
        if (!is_asking_) {
            return;
        }
        const bool is_well = below(2) == 0;
        breaker_.end_active_probe(is_well, now_);
        model_.answer_models(is_well, now_);
        model_.take_models(false);
        is_asking_ = false;
    }

    std::mt19937& random_;
    BreakerSettings settings_;
    Breaker breaker_;
    Model model_;
    SteadyTime now_ = kStart;
    bool is_probing_ = false;
    bool is_asking_ = false;
};

TEST(Breaker, DoesWhatItsModelDoesOverRandomOperations) {
    for (unsigned seed = 1; seed <= 10'000; ++seed) {
        std::mt19937 random{seed};
        Pair pair{random};

        for (int step = 0; step < 40; ++step) {
            pair.step();

            ASSERT_EQ(pair.state(), pair.expected()) << "seed " << seed << ", step " << step;
            ASSERT_FALSE(HasFailure()) << "seed " << seed << ", step " << step;
        }
    }
}

}  // namespace
}  // namespace headgate::policy
