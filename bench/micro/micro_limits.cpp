#include "policy/limits/memory_limits.h"

#include <benchmark/benchmark.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

// What one admission and its settlement cost: entries at the organization, the project and the key
// with seven buckets together, and the project's budget, in an account that knows 200 days.
namespace headgate::policy {
namespace {

using enum LimitKind;
using providers::Money;

constexpr Day kToday{std::chrono::year{2026} / 6 / 15};
constexpr int kProjects = 8;  // as many threads at most

LimitEntry entry_of(std::vector<std::string> models,
                    const std::vector<std::pair<LimitKind, std::int64_t>>& amounts) {
    LimitEntry entry{.models = std::move(models)};
    for (const auto& [kind, amount] : amounts) {
        entry.amounts[static_cast<std::size_t>(kind)] = amount;
    }
    return entry;
}

/// Nothing is ever refused: the limits are far above what a benchmark does.
struct BenchPolicy {
    explicit BenchPolicy(bool has_rules) {
        constexpr std::int64_t many = 1'000'000'000'000;
        for (int i = 0; i < kProjects; ++i) {
            auto project = std::make_unique<Project>();
            project->id = "project-" + std::to_string(i);
            Key key;
            key.name = "prod";
            key.project = project.get();
            if (has_rules) {
                project->limits = {entry_of({"gpt-5*"}, {{rpm, many}, {tpm, many}, {rpd, many}})};
                project->budget = BudgetSettings{.limit = Money::nanos(many * 1'000'000),
                                                 .since = std::nullopt,
                                                 .alert_at = {50, 80, 95}};
                key.limits = {entry_of({"*"}, {{rpm, many}, {concurrent, many}})};
            }
            KeyDigest digest{};
            digest[0] = static_cast<std::uint8_t>(i);
            snapshot.keys.add(digest, std::move(key));
            keys.push_back(snapshot.keys.find(digest));
            for (int day = 1; day <= 200; ++day) {
                accounts.restore(project->id, kToday - std::chrono::days{day}, Money::nanos(1));
            }
            snapshot.projects.push_back(std::move(project));
        }
        if (has_rules) {
            snapshot.organization.limits = {entry_of({"*"}, {{rpm, many}, {tpm, many}})};
        }
        book = std::make_unique<LimitBook>(snapshot, accounts);
    }

    Subject subject(int i) const {
        const auto index = static_cast<std::size_t>(i);
        const LimitBook::Rules rules = book->rules_for(*snapshot.projects[index], keys[index]);
        return {.organization = rules.organization, .project = rules.project, .key = rules.key};
    }

    Snapshot snapshot;
    std::vector<const Key*> keys;
    Accounts accounts;
    std::unique_ptr<LimitBook> book;
};

void admit_and_settle(benchmark::State& state, const BenchPolicy& policy, int project) {
    MemoryLimits limits{1, nullptr};
    const Subject subject = policy.subject(project);
    const Demand demand{.model = "gpt-5-mini",
                        .tokens = 2'000,
                        .worst_case = Money::nanos(40'000'000),
                        .day = kToday};
    const Settled settled{
        .held = demand, .tokens = 1'200, .output_tokens = 300, .cost = Money::nanos(9'000'000)};
    providers::SteadyTime now{std::chrono::hours{100}};
    for (auto iteration : state) {
        now += std::chrono::microseconds{10};
        benchmark::DoNotOptimize(limits.admit(subject, demand, now));
        limits.settle(subject, settled, now);
    }
    state.SetItemsProcessed(state.iterations());
}

const BenchPolicy& policy_with_rules() {
    static const BenchPolicy kPolicy{true};
    return kPolicy;
}

void three_entries_seven_buckets_and_a_budget(benchmark::State& state) {
    admit_and_settle(state, policy_with_rules(), 0);
}

void several_projects_of_one_organization(benchmark::State& state) {
    admit_and_settle(state, policy_with_rules(), state.thread_index());
}

void without_rules(benchmark::State& state) {
    static const BenchPolicy kPolicy{false};
    admit_and_settle(state, kPolicy, 0);
}

BENCHMARK(three_entries_seven_buckets_and_a_budget);
BENCHMARK(several_projects_of_one_organization)->Threads(2)->UseRealTime();
BENCHMARK(without_rules);

}  // namespace
}  // namespace headgate::policy

BENCHMARK_MAIN();
