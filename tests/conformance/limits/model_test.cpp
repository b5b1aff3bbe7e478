#include "tests/conformance/limits/limits_backend.h"
#include "tests/conformance/limits/redis_counters.h"

#include <gtest/gtest.h>

#include <random>

namespace headgate::policy::testing {

namespace {

constexpr int kSteps = 100'000;
constexpr int kProjects = 4;

/// Both ways to keep limits, side by side, asked the same. Their clocks differ, so what drains with
/// time is left out: slots, budgets, and buckets whose limit is never near.
class SideBySide {
public:
    explicit SideBySide(unsigned seed) : random_{seed} {
        for (int i = 0; i < kProjects; ++i) {
            Project& project = world_.project("project" + std::to_string(i));
            project.limits = {
                entry({{LimitKind::concurrent, 6 + i}, {LimitKind::tpd, 1'000'000'000'000}}),
                entry({{LimitKind::concurrent, 3}}, EnforceMode::enforce, {"o4*"}),
                entry({{LimitKind::concurrent, 2}}, EnforceMode::shadow)};
            const BudgetPeriod periods[] = {BudgetPeriod::day, BudgetPeriod::week,
                                            BudgetPeriod::month, BudgetPeriod::total};
            project.budget = budget(Money::nanos(i == 3 ? 20'000'000 : 200'000), periods[i]);
            projects_.push_back(&project);
        }
        world_.organization().limits = {entry({{LimitKind::concurrent, 12}})};
        world_.organization().budget = budget(Money::nanos(600'000));
        world_.open();
        other_ = world_.twin();
        memory_ = std::make_unique<MemoryBackend>(other_);
        redis_ = std::make_unique<BlockingLimits>(
            RedisLimits::Settings{.key_space = fresh_key_space(), .instance = "a", .life = 1},
            shared_redis(), world_.accounts());
    }

    void step() {
        const int dice = below(10);
        if (dice == 0) {
            day_ += std::chrono::days{below(10) == 0 ? below(20) : 0};
        } else if (dice < 6) {
            admit();
        } else if (!running_.empty()) {
            settle();
        }
        if (waiting_.size() >= 8 || below(3) == 0) {
            compare();
        }
    }

    int granted() const { return granted_; }
    int refused() const { return refused_; }

private:
    struct Asked {
        std::size_t project;
        Demand demand;
        Decision expected;
    };

    int below(int bound) { return std::uniform_int_distribution{0, bound - 1}(random_); }

    Demand random_demand() {
        Demand made = demand(Money::nanos(below(30'000)), below(100));
        made.model = below(2) == 0 ? "o4-mini" : "gpt-5";
        made.day = day_ - std::chrono::days{below(3) == 0 ? below(3) : 0};
        made.only_money = below(10) == 0;
        return made;
    }

    void admit() {
        Asked asked{.project = static_cast<std::size_t>(below(kProjects)),
                    .demand = random_demand(),
                    .expected = {}};
        asked.expected = memory_->admit(other_.subject(*projects_[asked.project]), asked.demand);
        redis_->limits().admit(waiting_.size(), world_.subject(*projects_[asked.project]),
                               asked.demand);
        waiting_.push_back(asked);
    }

    void settle() {
        compare();  // settles go before admissions: all that wait is sent first
        if (running_.empty()) {
            return;
        }
        const auto chosen = static_cast<std::size_t>(below(static_cast<int>(running_.size())));
        std::swap(running_[chosen], running_.back());
        const Asked done = running_.back();
        running_.pop_back();
        Settled what = settled(done.demand, Money::nanos(below(25'000)));
        what.is_withdrawn = below(20) == 0;
        if (what.is_withdrawn) {
            what.cost = {};
        }
        memory_->settle(other_.subject(*projects_[done.project]), what);
        const Subject subject = world_.subject(*projects_[done.project]);
        add_to_accounts(subject, what.held.day, what.cost);
        redis_->limits().settle(subject, what);
    }

    void compare() {
        std::vector<RedisLimits::Answer> answers;
        redis_->run(answers);
        ASSERT_EQ(answers.size(), waiting_.size());
        for (const RedisLimits::Answer& answer : answers) {
            const Asked& asked = waiting_[answer.ticket];
            expect_same(asked.expected, answer.decision);
            if (!answer.decision.refusal) {
                running_.push_back(asked);
                ++granted_;
            } else {
                ++refused_;
            }
        }
        waiting_.clear();
    }

    static void expect_same(const Decision& expected, const Decision& actual) {
        ASSERT_EQ(expected.refusal.has_value(), actual.refusal.has_value());
        EXPECT_EQ(expected.shadow_kinds, actual.shadow_kinds);
        EXPECT_EQ(expected.shadow_budget, actual.shadow_budget);
        EXPECT_DOUBLE_EQ(expected.budget_used, actual.budget_used);
        EXPECT_EQ(expected.tokens.has_value(), actual.tokens.has_value());
        if (expected.refusal) {
            EXPECT_EQ(expected.refusal->kind, actual.refusal->kind);
            EXPECT_EQ(expected.refusal->scope->id, actual.refusal->scope->id);
            EXPECT_EQ(expected.refusal->spent, actual.refusal->spent);
            EXPECT_EQ(expected.refusal->reserved, actual.refusal->reserved);
            EXPECT_EQ(expected.refusal->needed, actual.refusal->needed);
            EXPECT_EQ(expected.refusal->retry_after, actual.refusal->retry_after);
            EXPECT_EQ(expected.refusal->bucket != nullptr ? expected.refusal->bucket->name : "",
                      actual.refusal->bucket != nullptr ? actual.refusal->bucket->name : "");
        }
    }

    std::mt19937 random_;
    LimitsWorld world_;
    LimitsWorld other_;
    std::vector<Project*> projects_;
    std::unique_ptr<MemoryBackend> memory_;
    std::unique_ptr<BlockingLimits> redis_;
    Day day_ = kToday;
    std::vector<Asked> waiting_;
    std::vector<Asked> running_;
    int granted_ = 0;
    int refused_ = 0;
};

TEST(MemoryAndRedis, DecideTheSame) {
    for (const unsigned seed : {1U, 2U, 3U, 4U}) {
        SCOPED_TRACE(seed);
        SideBySide both{seed};

        for (int i = 0; i < kSteps / 4 && !::testing::Test::HasFailure(); ++i) {
            both.step();
        }

        EXPECT_GT(both.granted(), 1'000);
        EXPECT_GT(both.refused(), 1'000);
    }
}

}  // namespace

}  // namespace headgate::policy::testing
