#include "tests/conformance/limits/limits_backend.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <ctime>

namespace headgate::policy::testing {

namespace {

constexpr int kProjects = 16;
constexpr int kRequests = 12'800;

double thread_seconds() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// Processor time that redis-server has used.
double server_seconds(RedisConnection& redis) {
    const std::string info = redis.ask({"INFO", "cpu"}).text;
    double sum = 0;
    for (const std::string_view name : {"used_cpu_sys:", "used_cpu_user:"}) {
        sum += std::stod(info.substr(info.find(name) + name.size()));
    }
    return sum;
}

/// Requests of 16 projects, each with three buckets and two budgets, settled by the next call.
class Load {
public:
    Load() {
        world_.organization().budget = budget(usd(1'000'000));
        for (int i = 0; i < kProjects; ++i) {
            Project& project = world_.project("project-" + std::to_string(i));
            project.limits = {entry({{LimitKind::rpm, 1'000'000'000},
                                     {LimitKind::tpm, 1'000'000'000'000},
                                     {LimitKind::concurrent, 10'000}})};
            project.budget = budget(usd(100'000));
            projects_.push_back(&project);
        }
        world_.open();
        for (const Project* project : projects_) {
            subjects_.push_back(world_.subject(*project));
        }
        for (const Subject& subject : subjects_) {
            run({subject});  // epoch, script, first days
        }
    }

    /// Admits `batch` by one call, and settles what the last one admitted.
    void batch(std::size_t batch) {
        std::vector<Subject> subjects;
        for (std::size_t i = 0; i < batch; ++i) {
            subjects.push_back(subjects_[next_++ % subjects_.size()]);
        }
        run(subjects);
    }

    RedisConnection& redis() { return redis_; }
    double gateway_seconds = 0;  // without the sockets
    int granted = 0;

private:
    void run(const std::vector<Subject>& subjects) {
        const double start = thread_seconds();
        for (const Subject& subject : running_) {
            limits_.settle(subject, settled(held_, Money::nanos(900)));
            add_to_accounts(subject, kToday, Money::nanos(900));
        }
        for (std::size_t i = 0; i < subjects.size(); ++i) {
            limits_.admit(i, subjects[i], held_);
        }
        running_ = subjects;
        std::vector<RedisLimits::Answer> answers;
        std::optional<RedisLimits::Call> call = limits_.next_call();
        gateway_seconds += thread_seconds() - start;
        while (call) {
            redis_.send(call->bytes);
            const RespValue reply = redis_.receive();
            const double resumed = thread_seconds();
            const RedisLimits::Outcome outcome = limits_.take(reply, answers);
            call = limits_.next_call();
            gateway_seconds += thread_seconds() - resumed;
            if (outcome != RedisLimits::Outcome::done) {
                call = recover(outcome);
            }
        }
        for (const RedisLimits::Answer& answer : answers) {
            granted += answer.decision.refusal ? 0 : 1;
        }
    }

    RedisLimits::Call recover(RedisLimits::Outcome outcome) {
        if (outcome == RedisLimits::Outcome::load_script) {
            redis_.send(limits_.script_load());
            redis_.receive();
        } else {
            for (const RedisLimits::Call& report : limits_.report_calls(world_.accounts(), {}, 0)) {
                redis_.send(report.bytes);
                redis_.receive();
            }
        }
        return limits_.resend();
    }

    LimitsWorld world_;
    std::vector<Project*> projects_;
    std::vector<Subject> subjects_;
    RedisLimits limits_{{.key_space = fresh_key_space(), .instance = "a", .life = 1}};
    RedisConnection redis_{shared_redis()};
    const Demand held_ = demand(Money::nanos(1'000), 1'000);
    std::vector<Subject> running_;
    std::size_t next_ = 0;
};

/// Asserts that everything is granted; what it prints is for people.
TEST(Figures, OfAdmissionAndSettlementByTheBatch) {
    for (const std::size_t batch :
         {std::size_t{1}, std::size_t{4}, std::size_t{16}, std::size_t{64}}) {
        Load load;
        const int before = load.granted;
        load.gateway_seconds = 0;
        const double server = server_seconds(load.redis());
        const double thread = thread_seconds();

        for (std::size_t i = 0; i < kRequests / batch; ++i) {
            load.batch(batch);
        }

        const double whole = thread_seconds() - thread;
        EXPECT_EQ(load.granted - before, kRequests);
        std::printf(
            "batch %2zu: Redis %5.2f us, gateway %5.2f us, with sockets %5.2f us a request\n",
            batch, (server_seconds(load.redis()) - server) * 1e6 / kRequests,
            load.gateway_seconds * 1e6 / kRequests, whole * 1e6 / kRequests);
    }
}

}  // namespace

}  // namespace headgate::policy::testing
