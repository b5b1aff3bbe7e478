#include "tests/conformance/limits/limits_backend.h"
#include "tests/conformance/limits/redis_counters.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <random>
#include <set>
#include <thread>

namespace headgate::policy::testing {

namespace {

constexpr std::size_t kProcesses = 2;
constexpr std::size_t kWorkers = 4;
constexpr int kProjects = 5;
constexpr int kOperations = 7'500;  // of each worker: 60,000 in all
constexpr std::int64_t kProjectBudget = 30'000'000;
constexpr std::int64_t kOrganizationBudget = 120'000'000;

/// What all workers share: what was really spent.
struct Truth {
    std::atomic<std::int64_t> total = 0;
    std::array<std::atomic<std::int64_t>, kProjects> by_project{};
    std::atomic<int> granted = 0;
    std::atomic<int> refused = 0;
    std::atomic<int> lost = 0;
    std::atomic<std::int64_t> most_slots = 0;
    std::array<std::atomic<std::int64_t>, kProjects> running{};
};

struct Process {
    explicit Process(LimitsWorld made) : world{std::move(made)} {}

    LimitsWorld world;
    std::shared_ptr<UntoldMoney> untold = std::make_shared<UntoldMoney>();
};

/// One worker: admits, settles, loses replies, abandons, at random.
class Worker {
public:
    Worker(Process& process,
           const std::vector<Project*>& projects,
           const RedisLimits::Settings& settings,
           Truth& truth)
        : process_{process},
          projects_{projects},
          truth_{truth},
          limits_{settings, shared_redis(), process.world.accounts()},
          random_{static_cast<unsigned>(settings.worker * 31 + settings.instance.size())} {}

    void storm() {
        for (int i = 0; i < kOperations; ++i) {
            step();
        }
        while (!running_.empty()) {
            settle_one();
        }
        run();
    }

private:
    struct Running {
        int project;
        Subject subject;
        Demand held;
    };

    int below(int bound) { return std::uniform_int_distribution{0, bound - 1}(random_); }

    void step() {
        const int dice = below(100);
        if (dice < 50) {
            admit_one();
        } else if (!running_.empty()) {
            settle_one();
        }
        const int way = below(20);
        if (way == 0) {
            lose();
        } else if (way < 10) {
            run();
        }
    }

    void admit_one() {
        const int project = below(kProjects);
        Demand held = demand(Money::nanos(below(40'000)), below(1'000));
        held.day = kToday - std::chrono::days{below(3)};
        const Subject subject =
            process_.world.subject(*projects_[static_cast<std::size_t>(project)]);
        waiting_.emplace(++latest_, Running{project, subject, held});
        limits_.limits().admit(latest_, subject, held);
        if (below(50) == 0) {
            limits_.limits().abandon(latest_);
            waiting_.erase(latest_);
        }
    }

    void settle_one() {
        const auto chosen = static_cast<std::size_t>(below(static_cast<int>(running_.size())));
        std::swap(running_[chosen], running_.back());
        const Running done = running_.back();
        running_.pop_back();
        const std::int64_t cost = below(static_cast<int>(done.held.worst_case.nanos()) + 1);
        add_to_accounts(done.subject, done.held.day, Money::nanos(cost));
        truth_.total += cost;
        truth_.by_project[static_cast<std::size_t>(done.project)] += cost;
        --truth_.running[static_cast<std::size_t>(done.project)];
        limits_.limits().settle(done.subject, settled(done.held, Money::nanos(cost)));
    }

    void run() {
        std::vector<RedisLimits::Answer> answers;
        limits_.run(answers);
        for (const RedisLimits::Answer& answer : answers) {
            check(answer);
        }
    }

    void lose() {
        if (limits_.limits().has_work()) {
            ++truth_.lost;
            limits_.run_and_lose();
            waiting_.clear();  // nobody waits any longer
            for (RedisLimits::Ticket ticket = 1; ticket <= latest_; ++ticket) {
                // What was still queued behind the 64 of the lost call is given up, too.
                if (ticket + 200 > latest_) {
                    limits_.limits().abandon(ticket);
                }
            }
        }
    }

    void check(const RedisLimits::Answer& answer) {
        const auto found = waiting_.find(answer.ticket);
        ASSERT_NE(found, waiting_.end()) << "an answer that nobody waits for";
        const Decision& decision = answer.decision;
        EXPECT_LE(decision.budget_used, 1.0);
        if (!decision.refusal) {
            ++truth_.granted;
            const auto project = static_cast<std::size_t>(found->second.project);
            EXPECT_LE(++truth_.running[project], 40) << "slots";
            running_.push_back(found->second);
        } else {
            ++truth_.refused;
            const Refusal& refusal = *decision.refusal;
            if (refusal.kind == Refusal::Kind::budget) {
                const std::int64_t used = refusal.spent.nanos() + refusal.reserved.nanos();
                EXPECT_LE(used, refusal.scope->budget->limit.nanos());
                EXPECT_GT(used + refusal.needed.nanos(), refusal.scope->budget->limit.nanos());
            }
        }
        waiting_.erase(found);
    }

    Process& process_;
    const std::vector<Project*>& projects_;
    Truth& truth_;
    BlockingLimits limits_;
    std::mt19937 random_;
    std::vector<Running> running_;
    std::map<RedisLimits::Ticket, Running> waiting_;
    RedisLimits::Ticket latest_ = 0;
};

TEST(Storm, OfProcessesAndWorkersNeverPassesABudgetAndEndsExact) {
    LimitsWorld world;
    world.organization().budget = budget(Money::nanos(kOrganizationBudget));
    std::vector<Project*> projects;
    for (int i = 0; i < kProjects; ++i) {
        Project& project = world.project("project" + std::to_string(i));
        project.limits = {entry({{LimitKind::tpd, 1'000'000'000}, {LimitKind::concurrent, 40}})};
        project.budget = budget(Money::nanos(kProjectBudget));
        projects.push_back(&project);
    }
    world.open();
    const std::string key_space = fresh_key_space();
    Truth truth;
    std::vector<std::unique_ptr<Process>> processes;
    std::vector<std::unique_ptr<Worker>> workers;
    for (std::size_t process = 0; process < kProcesses; ++process) {
        processes.push_back(std::make_unique<Process>(world.twin()));
        for (std::size_t worker = 0; worker < kWorkers; ++worker) {
            const RedisLimits::Settings settings{.key_space = key_space,
                                                 .instance = process == 0 ? "a" : "bb",
                                                 .worker = worker,
                                                 .life = 1};
            workers.push_back(
                std::make_unique<Worker>(*processes[process], projects, settings, truth));
        }
    }

    std::vector<std::thread> threads;
    for (const std::unique_ptr<Worker>& worker : workers) {
        threads.emplace_back([&worker] { worker->storm(); });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }

    RedisCounters counters{shared_redis(), key_space};
    const auto month = [&counters](const std::string& scope) {
        StoredMoney sum;
        for (int day = 0; day < 3; ++day) {
            const StoredMoney money = counters.money(scope, kToday - std::chrono::days{day});
            sum.spent += money.spent;
            sum.reserved += money.reserved;
        }
        return sum;
    };
    EXPECT_EQ(month(""), (StoredMoney{truth.total, 0}));
    for (int i = 0; i < kProjects; ++i) {
        const std::string id = "project" + std::to_string(i);
        EXPECT_EQ(month(id), (StoredMoney{truth.by_project[static_cast<std::size_t>(i)], 0}));
        EXPECT_EQ(counters.used("p/" + id + "/*/concurrent"), 0);
    }
    EXPECT_LE(truth.total, kOrganizationBudget);
    EXPECT_GT(truth.granted, 5'000);
    EXPECT_GT(truth.refused, 500);
    EXPECT_GT(truth.lost, 500);
}

}  // namespace

}  // namespace headgate::policy::testing
