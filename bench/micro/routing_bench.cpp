#include "policy/routing/router.h"

#include <benchmark/benchmark.h>

#include <array>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

// What a plan costs in a big policy: 1,000 routes, 10,000 projects, 20 providers.
namespace headgate::policy {
namespace {

constexpr std::size_t kRoutes = 1'000;
constexpr std::size_t kProjects = 10'000;
constexpr std::size_t kProviders = 20;

/// As a worker has it: its own map, no lock.
class WorkerHealths : public TargetHealths {
public:
    TargetHealth& of(const providers::Provider& provider, std::string_view model) override {
        Models& models = healths_[&provider];
        const auto found = models.find(model);
        if (found != models.end()) {
            return *found->second;
        }
        auto health = std::make_unique<TargetHealth>(provider.name, std::string(model));
        TargetHealth& made = *health;
        models.emplace(made.model(), std::move(health));
        return made;
    }

private:
    using Models = std::unordered_map<std::string_view, std::unique_ptr<TargetHealth>>;

    std::unordered_map<const providers::Provider*, Models> healths_;
};

void add_providers(Snapshot& snapshot) {
    for (std::size_t i = 0; i < kProviders; ++i) {
        auto settings = std::make_unique<ProviderSettings>();
        settings->provider.name = "provider-" + std::to_string(i);
        snapshot.providers.push_back(std::move(settings));
    }
}

void add_projects(Snapshot& snapshot) {
    for (std::size_t i = 0; i < kProjects; ++i) {
        auto project = std::make_unique<Project>();
        project->id = "project-" + std::to_string(i);
        project->models = {"team-*", "gpt-*"};
        snapshot.projects.push_back(std::move(project));
    }
}

/// Of ten routes five name a model, three a prefix and one another glob; each tenth takes some
/// projects' streams, each seventh asks for a header.
std::string glob_of(std::size_t i) {
    const std::string name = "team-" + std::to_string(i);
    switch (i % 10) {
        case 0:
        case 1:
        case 2:
            return name + "-*";
        case 3:
            return "*-" + std::to_string(i % 100) + "-preview";
        case 4:
            return "gpt-5*";
        default:
            return name;
    }
}

void add_routes(Snapshot& snapshot, Strategy strategy) {
    for (std::size_t i = 0; i < kRoutes; ++i) {
        auto route = std::make_unique<Route>();
        route->name = "route-" + std::to_string(i);
        route->strategy = strategy;
        route->models = {i + 1 < kRoutes ? glob_of(i) : "*"};
        for (std::size_t j = 0; j < 3; ++j) {
            route->targets.push_back(
                {.provider = &snapshot.providers[(i + j) % kProviders]->provider,
                 .model = j == 0 ? "" : "gpt-5-mini",
                 .weight = static_cast<std::int64_t>(j + 1)});
        }
        if (i % 10 == 4) {
            route->when.stream = true;
            for (std::size_t j = 0; j < 10; ++j) {
                route->when.projects.push_back(snapshot.projects[(i * 10 + j) % 1'000].get());
            }
        }
        if (i % 7 == 0) {
            route->when.headers = {{.name = "x-tier", .glob = "bulk"}};
        }
        snapshot.routes.push_back(std::move(route));
    }
    snapshot.routes.back()->when = {};
}

std::unique_ptr<Snapshot> big_policy(Strategy strategy) {
    auto snapshot = std::make_unique<Snapshot>();
    add_providers(*snapshot);
    add_projects(*snapshot);
    add_routes(*snapshot, strategy);
    return snapshot;
}

/// Requests of all kinds: an exact name, a prefix, another glob, project routes, the last route.
std::vector<Facts> requests(const Snapshot& snapshot, std::vector<std::string>& models) {
    constexpr std::size_t kCount = 1'024;
    static constexpr std::array kHeaders{HeaderFact{.name = "x-tier", .value = "bulk"}};
    const providers::Endpoint* const chat =
        providers::classify(providers::Method::post, "/v1/chat/completions").endpoint;
    Random random{7};
    for (std::size_t i = 0; i < kCount; ++i) {
        const std::string name = "team-" + std::to_string(random.next() % kRoutes);
        const std::array kinds{name, name + "-large", name + "-13-preview",
                               std::string("gpt-5-mini"), std::string("gpt-4o")};
        models.push_back(kinds[i % kinds.size()]);
    }
    std::vector<Facts> all;
    for (std::size_t i = 0; i < kCount; ++i) {
        Facts facts;
        facts.project = snapshot.projects[random.next() % kProjects].get();
        facts.endpoint = chat;
        facts.model = models[i];
        facts.stream = random.next() % 2 == 0;
        facts.headers = std::span(kHeaders).first(random.next() % 2);
        facts.input_tokens = 2'000;
        facts.prefix = random.next();
        all.push_back(facts);
    }
    return all;
}

void BM_Plan(benchmark::State& state) {
    const auto strategy = static_cast<Strategy>(state.range(0));
    const std::unique_ptr<Snapshot> snapshot = big_policy(strategy);
    std::vector<std::string> models;
    const std::vector<Facts> all = requests(*snapshot, models);
    const Router router{*snapshot};
    WorkerHealths healths;
    const providers::SteadyTime now{std::chrono::hours{1}};
    std::size_t i = 0;
    std::size_t refused = 0;
    for ([[maybe_unused]] auto _ : state) {
        const auto plan = router.plan(all[i % all.size()], {healths, Random{i}, now});
        ++i;
        refused += plan ? 0U : 1U;
        benchmark::DoNotOptimize(plan);
    }
    state.SetLabel(std::string(to_string(strategy)));
    if (refused != 0) {
        state.SkipWithError("every request should be planned");
    }
}
BENCHMARK(BM_Plan)->DenseRange(0, 4);

void BM_FirstMatch(benchmark::State& state) {
    const std::unique_ptr<Snapshot> snapshot = big_policy(Strategy::ordered);
    std::vector<std::string> models;
    const std::vector<Facts> all = requests(*snapshot, models);
    const RouteIndex index{*snapshot};
    std::size_t i = 0;
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(index.first_match(all[i++ % all.size()]));
    }
}
BENCHMARK(BM_FirstMatch);

void BM_BuildRouter(benchmark::State& state) {
    const std::unique_ptr<Snapshot> snapshot = big_policy(Strategy::ordered);
    for ([[maybe_unused]] auto _ : state) {
        const Router router{*snapshot};
        benchmark::DoNotOptimize(&router);
    }
}
BENCHMARK(BM_BuildRouter)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace headgate::policy

BENCHMARK_MAIN();
