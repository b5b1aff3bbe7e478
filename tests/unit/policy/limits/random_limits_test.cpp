#include "tests/unit/policy/limits/random_limits.h"

#include <gtest/gtest.h>

#include <cmath>

namespace headgate::policy {
namespace {

using std::chrono::days;
using std::chrono::milliseconds;
using Reason = ReferenceLimits::Reason;
using Who = ReferenceLimits::Who;

/// How often what was met: a test that never refuses tests nothing.
struct Seen {
    int admitted = 0;
    int unsure = 0;
    int alerts = 0;
    int shadows = 0;
    int budget_shadows = 0;
    int headrooms = 0;
    std::array<int, 3> refused{};  // by Refusal::Kind: limit, too_large, budget
};

/// One policy on both sides: as settings for the reference, resolved for the tested one.
struct BothPolicies {
    BothPolicies(LimitSettings drawn, Accounts& accounts)
        : settings{std::move(drawn)}, policy{accounts} {
        policy.organization().limits = settings.organization.limits;
        policy.organization().budget = settings.organization.budget;
        for (std::size_t i = 0; i < settings.projects.size(); ++i) {
            Project& project = policy.add_project(settings.projects[i].id);
            project.limits = settings.projects[i].limits;
            project.budget = settings.projects[i].budget;
            projects.push_back(&project);
            keys.push_back(&policy.add_key(project, "prod", settings.keys[i].limits));
        }
    }

    Subject subject(const Who& who) {
        return policy.subject(*projects[who.project], who.has_key ? keys[who.project] : nullptr);
    }

    LimitSettings settings;
    LimitPolicy policy;
    std::vector<const Project*> projects;
    std::vector<const Key*> keys;
};

int rank(Refusal::Kind kind) {
    return kind == Refusal::Kind::too_large ? 2 : kind == Refusal::Kind::budget ? 1 : 0;
}

/// Drives MemoryLimits and the reference with the same random steps.
class SideBySide {
public:
    SideBySide(unsigned seed, std::int64_t share)
        : random_{seed},
          reference_{share},
          limits_{static_cast<double>(share), [this](const BudgetAlert& alert) {
                      told_.emplace_back(alert.project, alert.threshold);
                  }} {
        reload();
    }

    void step() {
        pass_time();
        if (random_.one_in(2'000)) {
            reload();
        }
        if (running_.empty() || random_.between(0, 99) < (running_.size() > 60 ? 20 : 50)) {
            admit();
        } else if (random_.one_in(12)) {
            top_up(running_[draw(running_)]);
        } else {
            settle(draw(running_));
        }
    }

    const Seen& seen() const { return seen_; }

private:
    struct Running {
        std::shared_ptr<BothPolicies> policy;
        Who who;
        Demand held;
    };

    std::size_t draw(const std::vector<Running>& from) {
        return static_cast<std::size_t>(
            random_.between(0, static_cast<std::int64_t>(from.size()) - 1));
    }

    void reload() { current_ = std::make_shared<BothPolicies>(random_.settings(), accounts_); }

    /// Both clocks go on; sometimes they rest for hours, and rarely one jumps by a year.
    void pass_time() {
        std::int64_t passed = random_.one_in(3) ? 0 : random_.between(0, 400);
        if (random_.one_in(500)) {
            passed += random_.between(0, 36'000'000);
        }
        now_ms_ += random_.one_in(20'000) ? 365 * 86'400'000LL : passed;
        wall_ms_ += passed;
        if (random_.one_in(5'000)) {
            wall_ms_ += random_.between(-1, 1) * 365 * 86'400'000LL;
        }
    }

    /// Threads look at the clock before they come to the lock; one in a while long before.
    std::int64_t reading_ms() {
        return random_.one_in(10)
                   ? now_ms_ - random_.between(0, random_.one_in(50) ? 40'000'000'000 : 100)
                   : now_ms_;
    }

    static providers::SteadyTime time_from(std::int64_t ms) {
        return providers::SteadyTime{milliseconds{ms}};
    }

    void admit() {
        const Who who{.settings = &current_->settings,
                      .project = static_cast<std::size_t>(random_.between(0, 2)),
                      .has_key = random_.one_in(2)};
        Running asking{.policy = current_,
                       .who = who,
                       .held = random_.demand(kMonday + days{wall_ms_ / 86'400'000})};
        if (decide(asking, asking.held)) {
            running_.push_back(std::move(asking));
        }
    }

    void top_up(Running& running) {
        Demand further = running.held;
        further.only_money = true;
        if (decide(running, further)) {
            running.held.worst_case = running.held.worst_case + further.worst_case;
        }
    }

    void settle(std::size_t index) {
        const Running done = running_[index];
        running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(index));
        const Settled settled = random_.outcome(done.held);
        const std::int64_t at_ms = reading_ms();
        told_.clear();

        limits_.settle(done.policy->subject(done.who), settled, time_from(at_ms));

        ASSERT_EQ(told_, reference_.settle(done.who, settled, at_ms));
        check_budget(
            done.who, done.held.day,
            MemoryLimits::budget_used(*done.policy->subject(done.who).project, done.held.day));
    }

    bool decide(const Running& asking, const Demand& demand) {
        const std::int64_t at_ms = reading_ms();
        const std::vector<Reason> reasons = reference_.ask(asking.who, demand, at_ms);
        told_.clear();

        const Decision decision =
            limits_.admit(asking.policy->subject(asking.who), demand, time_from(at_ms));

        check_refusal(reasons, decision);
        check_shadows(reasons, decision);
        const bool is_admitted = !decision.refusal;
        EXPECT_EQ(told_, reference_.admit(asking.who, demand, at_ms, is_admitted));
        check_headroom(reference_.left(asking.who, demand, at_ms, false), decision.requests);
        check_headroom(reference_.left(asking.who, demand, at_ms, true), decision.tokens);
        check_budget(asking.who, demand.day, decision.budget_used);
        seen_.alerts += static_cast<int>(told_.size());
        return is_admitted;
    }

    void check_refusal(const std::vector<Reason>& reasons, const Decision& decision) {
        int least_rank = -1;
        double least_wait = 0;
        bool is_told = false;
        for (const Reason& reason : reasons) {
            if (reason.is_shadow) {
                continue;
            }
            seen_.unsure += reason.is_sure ? 0 : 1;
            if (reason.is_sure) {
                least_rank = std::max(least_rank, rank(reason.kind));
                least_wait = std::max(least_wait, reason.wait_ms);
            }
            is_told = is_told || (decision.refusal && is_same(reason, *decision.refusal));
        }
        if (!decision.refusal) {
            ASSERT_EQ(least_rank, -1) << "admitted what must be refused";
            ++seen_.admitted;
            return;
        }
        ASSERT_TRUE(is_told) << "refused without a reason";
        ASSERT_GE(rank(decision.refusal->kind), least_rank);
        if (decision.refusal->kind == Refusal::Kind::limit) {
            ASSERT_GE(static_cast<double>(decision.refusal->retry_after.count()),
                      least_wait - 0.01);
        }
        ++seen_.refused[static_cast<std::size_t>(decision.refusal->kind)];
    }

    static bool is_same(const Reason& reason, const Refusal& refusal) {
        if (reason.kind != refusal.kind) {
            return false;
        }
        if (reason.kind == Refusal::Kind::budget) {
            return reason.name == refusal.scope->id && refusal.scope->budget != nullptr;
        }
        if (reason.limit_kind != refusal.bucket->kind) {
            return false;
        }
        const auto told = static_cast<double>(refusal.retry_after.count());
        return reason.kind == Refusal::Kind::too_large ||
               (told >= 1 && told > reason.wait_ms - 0.01 && told < reason.wait_ms + 2);
    }

    void check_shadows(const std::vector<Reason>& reasons, const Decision& decision) {
        unsigned sure = 0;
        unsigned possible = 0;
        bool is_budget = false;
        for (const Reason& reason : reasons) {
            if (!reason.is_shadow) {
                continue;
            }
            if (reason.kind == Refusal::Kind::budget) {
                is_budget = true;
                continue;
            }
            const unsigned bit = 1U << static_cast<unsigned>(reason.limit_kind);
            possible |= bit;
            sure |= reason.is_sure ? bit : 0;
        }
        ASSERT_EQ(decision.shadow_kinds & sure, sure);
        ASSERT_EQ(decision.shadow_kinds & ~possible, 0U);
        ASSERT_EQ(decision.shadow_budget, is_budget);
        seen_.shadows += sure != 0 ? 1 : 0;
        seen_.budget_shadows += is_budget ? 1 : 0;
    }

    void check_headroom(const std::vector<std::pair<double, double>>& left,
                        const std::optional<Headroom>& told) {
        ASSERT_EQ(left.empty(), !told.has_value());
        if (left.empty()) {
            return;
        }
        ++seen_.headrooms;
        const auto share = [](const auto& bucket) { return bucket.second / bucket.first; };
        const double tightest =
            std::ranges::min(left, {}, share).second / std::ranges::min(left, {}, share).first;
        ASSERT_TRUE(std::ranges::any_of(left, [&](const auto& bucket) {
            const double remaining = std::max(0.0, bucket.second);
            return share(bucket) < tightest + 1e-6 &&
                   std::abs(bucket.first - static_cast<double>(told->limit)) < 0.5 &&
                   static_cast<double>(told->remaining) > remaining - 1.0001 &&
                   static_cast<double>(told->remaining) < remaining + 0.0001;
        }));
    }

    void check_budget(const Who& who, Day day, double told) {
        const LimitSettings::Scope& project = who.settings->projects[who.project];
        double expected = 0;
        if (project.budget) {
            const auto [spent, reserved] = reference_.money().sum(project.id, *project.budget, day);
            const auto limit = static_cast<double>(project.budget->limit.nanos());
            expected = limit <= 0 ? 1 : static_cast<double>(spent + reserved) / limit;
        }
        ASSERT_DOUBLE_EQ(told, expected);
    }

    RandomLimits random_;
    ReferenceLimits reference_;
    Accounts accounts_;
    std::vector<ReferenceLimits::Alert> told_;
    MemoryLimits limits_;
    std::shared_ptr<BothPolicies> current_;
    std::vector<Running> running_;
    std::int64_t now_ms_ = 1'000'000;
    std::int64_t wall_ms_ = 0;
    Seen seen_;
};

void expect_all_was_met(const Seen& seen, int steps) {
    EXPECT_GT(seen.admitted, steps / 20);
    for (const int refused : seen.refused) {
        EXPECT_GT(refused, steps / 1'000);
    }
    EXPECT_GT(seen.alerts, steps / 10'000);
    EXPECT_GT(seen.shadows, steps / 100);
    EXPECT_GT(seen.budget_shadows, steps / 1'000);
    EXPECT_GT(seen.headrooms, steps / 10);
    EXPECT_LT(seen.unsure, steps / 100);
}

class RandomSteps : public testing::TestWithParam<std::pair<unsigned, std::int64_t>> {};

TEST_P(RandomSteps, ComeToTheSameAsInTheReference) {
    constexpr int steps = 45'000;
    const auto [seed, share] = GetParam();
    SideBySide both{seed, share};

    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
        SCOPED_TRACE("seed " + std::to_string(seed) + ", step " + std::to_string(i));
        both.step();
    }

    expect_all_was_met(both.seen(), steps);
}

INSTANTIATE_TEST_SUITE_P(Seeds,
                         RandomSteps,
                         testing::Values(std::pair{1U, 1},
                                         std::pair{2U, 1},
                                         std::pair{3U, 1},
                                         std::pair{4U, 1},
                                         std::pair{5U, 3}));

}  // namespace
}  // namespace headgate::policy
