#include "tests/unit/policy/limits/limit_policy.h"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <random>
#include <thread>

// Run under -DHEADGATE_SANITIZE=thread, too.
namespace headgate::policy {
namespace {

using enum LimitKind;
using providers::Money;

constexpr unsigned kThreads = 4;
constexpr std::int64_t kReservation = 1'000;

/// Runs `work(thread)` on all threads, which begin together.
template <class Work>
void run_together(const Work& work) {
    std::barrier begin{kThreads};
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (unsigned i = 0; i < kThreads; ++i) {
        threads.emplace_back([&begin, &work, i] {
            begin.arrive_and_wait();
            work(i);
        });
    }
}

/// Asks, does something and settles until the budget is used up: refused with nothing reserved.
/// Returns what it has spent.
std::int64_t use_up(MemoryLimits& limits, const Subject& subject, unsigned seed) {
    std::mt19937 random{seed};
    const Demand demand = demand_of(10, Money::nanos(kReservation));
    std::int64_t spent = 0;
    for (;;) {
        const Decision decision = limits.admit(subject, demand, kStart);
        if (!decision.refusal) {
            const std::int64_t cost = 1 + static_cast<std::int64_t>(random() % kReservation);
            limits.settle(subject, {.held = demand, .cost = Money::nanos(cost)}, kStart);
            spent += cost;
        } else if (decision.refusal->reserved == Money{}) {
            return spent;
        } else {
            std::this_thread::yield();  // what is reserved may come back
        }
    }
}

TEST(ConcurrentLimits, NeverPassABudgetAndLeaveLessThanOneReservationOfIt) {
    constexpr std::int64_t limit = 10'000'000;
    OneProject policy{{limits_of({{tpd, 1'000'000'000}})}, budget_of(Money::nanos(limit))};
    policy.policy().organization().budget = budget_of(Money::nanos(limit + 1));
    MemoryLimits limits{1, nullptr};
    const Subject subject = policy.subject();
    std::atomic<std::int64_t> spent{0};
    std::atomic<bool> is_done{false};
    std::int64_t most = 0;
    std::jthread watcher{[&] {
        while (!is_done) {
            for (const BudgetReport& report : report_budgets(policy.policy().book(), kMonday)) {
                most = std::max(most, (report.spent + report.reserved).nanos());
            }
        }
    }};

    run_together([&](unsigned thread) { spent += use_up(limits, subject, thread); });
    is_done = true;
    watcher.join();

    EXPECT_LE(most, limit);
    EXPECT_LE(spent, limit);
    EXPECT_GT(spent, limit - kReservation);
    EXPECT_EQ(report_budgets(policy.policy().book(), kMonday)[1].spent, Money::nanos(spent));
    EXPECT_EQ(report_budgets(policy.policy().book(), kMonday)[1].reserved, Money{});
}

TEST(ConcurrentLimits, AdmitExactlyWhatFitsOverTheOrganizationsProjects) {
    Accounts accounts;
    LimitPolicy policy{accounts};
    policy.organization().limits = {limits_of({{rpd, 100'000}, {concurrent, 3}})};
    std::vector<Subject> subjects;
    for (const char* id : {"search", "chat"}) {
        policy.add_project(id).limits = {limits_of({{rpd, 80'000}})};
    }
    for (const auto& rules : policy.book().projects()) {
        subjects.push_back({.organization = &policy.book().organization(), .project = rules.get()});
    }
    MemoryLimits limits{1, nullptr};
    std::atomic<int> admitted{0};
    std::atomic<int> running{0};
    std::atomic<int> most_running{0};

    run_together([&](unsigned thread) {
        const Subject& subject = subjects[thread % 2];
        for (;;) {
            const Decision decision = limits.admit(subject, demand_of(), kStart);
            if (!decision.refusal) {
                most_running = std::max(most_running.load(), ++running);
                ++admitted;
                --running;
                limits.settle(subject, {.held = demand_of()}, kStart);
            } else if (decision.refusal->bucket->kind == rpd) {
                return;
            }
        }
    });

    EXPECT_EQ(admitted, 100'000);
    EXPECT_LE(most_running, 3);
}

TEST(ConcurrentLimits, TellEachThresholdOnceWhilePoliciesAreReloaded) {
    constexpr std::int64_t limit = 3'000'000;
    Accounts accounts;
    std::atomic<int> told{0};
    MemoryLimits limits{1, [&](const BudgetAlert&) { ++told; }};

    run_together([&](unsigned thread) {
        for (int reload = 0; reload < 20; ++reload) {
            LimitPolicy policy{accounts};
            Project& project = policy.add_project("search");
            project.limits = {limits_of({{tpm, 1 + reload}, {rpm, 1'000'000}})};
            project.budget = budget_of(Money::nanos(limit / 20 * (reload + 1)));
            project.budget->alert_at = {50, 80, 95};
            Demand demand = demand_of(1, Money::nanos(kReservation));
            for (int i = 0; i < 50; ++i) {
                if (!limits.admit(policy.subject(project), demand, kStart).refusal) {
                    limits.settle(policy.subject(project),
                                  {.held = demand, .cost = Money::nanos(kReservation)}, kStart);
                }
            }
            accounts.restore("search", kMonday + std::chrono::days{thread}, Money::nanos(1));
        }
        LimitPolicy last{accounts};
        Project& project = last.add_project("search");
        project.budget = budget_of(Money::nanos(limit));
        project.budget->alert_at = {50, 80, 95};
        use_up(limits, last.subject(project), thread);
    });

    EXPECT_GE(told, 1);
    EXPECT_LE(told, 3);
    EXPECT_EQ(accounts.of("search")->days().size(), kThreads);
}

}  // namespace
}  // namespace headgate::policy
