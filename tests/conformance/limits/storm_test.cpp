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
    bool loses_data = false;
    std::atomic<std::int64_t> total = 0;
    std::array<std::atomic<std::int64_t>, kProjects> by_project{};
    std::atomic<int> granted = 0;
    std::atomic<int> refused = 0;
    std::atomic<int> lost = 0;
    std::atomic<int> loading = 0;
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
           const std::string& address,
           Truth& truth)
        : process_{process},
          projects_{projects},
          truth_{truth},
          limits_{settings, address, process.world.accounts()},
          flush_{address},
          random_{static_cast<unsigned>(settings.worker * 31 + settings.instance.size())} {}

    /// `flushes`: how often this worker makes Redis lose everything.
    void storm(int flushes) {
        limits_.processes_seen = kProcesses;
        for (int i = 0; i < kOperations; ++i) {
            step();
            if (flushes > 0 && i % (kOperations / flushes) == kOperations / flushes / 2) {
                flush_.ask({"FLUSHALL"});
            }
        }
        while (!running_.empty()) {
            settle_one();
        }
        run();
    }

    /// Notices what others did to Redis since.
    void ask() {
        limits_.limits().ask();
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
        ++steps_;
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
        held.day = kToday + std::chrono::days{steps_ / 1'000 - below(3)};
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
        truth_.total += cost;
        truth_.by_project[static_cast<std::size_t>(done.project)] += cost;
        --truth_.running[static_cast<std::size_t>(done.project)];
        limits_.limits().settle(done.subject, settled(done.held, Money::nanos(cost)));
        add_to_accounts(done.subject, done.held.day, Money::nanos(cost));
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
            ++truth_.running[project];
            if (!truth_.loses_data) {
                EXPECT_LE(truth_.running[project], 40) << "slots";
            }
            running_.push_back(found->second);
        } else {
            const Refusal& refusal = *decision.refusal;
            ++(refusal.kind == Refusal::Kind::loading ? truth_.loading : truth_.refused);
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
    RedisConnection flush_;
    std::mt19937 random_;
    std::vector<Running> running_;
    std::map<RedisLimits::Ticket, Running> waiting_;
    RedisLimits::Ticket latest_ = 0;
    int steps_ = 0;  // days go by with them
};

/// Two processes of four workers each, and what must hold while and after they have stormed.
class Storm : public ::testing::Test {
protected:
    Storm() {
        world_.organization().budget = budget(Money::nanos(kOrganizationBudget));
        for (int i = 0; i < kProjects; ++i) {
            Project& project = world_.project("project" + std::to_string(i));
            project.limits = {
                entry({{LimitKind::tpd, 1'000'000'000}, {LimitKind::concurrent, 40}})};
            project.budget = budget(Money::nanos(kProjectBudget));
            projects_.push_back(&project);
        }
        world_.open();
    }

    void storm(int flushes) {
        truth_.loses_data = flushes > 0;
        for (std::size_t process = 0; process < kProcesses; ++process) {
            processes_.push_back(std::make_unique<Process>(world_.twin()));
            for (std::size_t worker = 0; worker < kWorkers; ++worker) {
                const RedisLimits::Settings settings{.key_space = "storm",
                                                     .instance = process == 0 ? "a" : "bb",
                                                     .worker = worker,
                                                     .untold = processes_[process]->untold,
                                                     .workers = kWorkers,
                                                     .life = 1,
                                                     .report_wait = std::chrono::hours{1}};
                workers_.push_back(std::make_unique<Worker>(*processes_[process], projects_,
                                                            settings, server_->address(), truth_));
            }
        }
        std::vector<std::thread> threads;
        for (const std::unique_ptr<Worker>& worker : workers_) {
            const bool flushing = worker == workers_.front();
            threads.emplace_back([&worker, n = flushing ? flushes : 0] { worker->storm(n); });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
        for (const std::unique_ptr<Worker>& worker : workers_) {
            worker->ask();
        }
    }

    void expect_exact() {
        RedisCounters counters{server_->address(), "storm"};
        const auto month = [&counters](const std::string& scope) {
            StoredMoney sum;
            for (int day = -3; day < 10; ++day) {
                const StoredMoney money = counters.money(scope, kToday + std::chrono::days{day});
                sum.spent += money.spent;
                sum.reserved += money.reserved;
            }
            return sum;
        };
        EXPECT_EQ(month(""), (StoredMoney{truth_.total, 0}));
        for (int i = 0; i < kProjects; ++i) {
            const std::string id = "project" + std::to_string(i);
            EXPECT_EQ(month(id), (StoredMoney{truth_.by_project[static_cast<std::size_t>(i)], 0}));
            EXPECT_EQ(counters.used("p/" + id + "/*/concurrent"), 0);
        }
        EXPECT_LE(truth_.total, kOrganizationBudget);
    }

    LimitsWorld world_;
    std::vector<Project*> projects_;
    std::unique_ptr<RedisProcess> server_ = RedisProcess::on_socket();
    Truth truth_;
    std::vector<std::unique_ptr<Process>> processes_;
    std::vector<std::unique_ptr<Worker>> workers_;
};

TEST_F(Storm, OfProcessesAndWorkersNeverPassesABudgetAndEndsExact) {
    storm(0);

    expect_exact();
    EXPECT_GT(truth_.granted, 5'000);
    EXPECT_GT(truth_.refused, 500);
    EXPECT_GT(truth_.lost, 500);
}

TEST_F(Storm, WhereRedisLosesItsDataAgainAndAgainEndsExact) {
    storm(20);

    expect_exact();
    EXPECT_GT(truth_.granted, 1'000);
    EXPECT_GT(truth_.loading, 100);
}

}  // namespace

}  // namespace headgate::policy::testing
