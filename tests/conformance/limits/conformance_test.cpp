#include "tests/conformance/limits/limits_scenarios.h"

#include <gtest/gtest.h>

#include <tuple>

namespace headgate::policy::testing {

namespace {

std::vector<LimitsScenario> all_scenarios() {
    std::vector<LimitsScenario> all;
    for (const auto scenarios : {bucket_scenarios(), budget_scenarios()}) {
        all.insert(all.end(), scenarios.begin(), scenarios.end());
    }
    return all;
}

class LimitsConformance : public ::testing::TestWithParam<std::tuple<BackendKind, LimitsScenario>> {
};

TEST_P(LimitsConformance, Holds) {
    const auto& [kind, scenario] = GetParam();

    scenario.run(kind);
}

INSTANTIATE_TEST_SUITE_P(Limits,
                         LimitsConformance,
                         ::testing::Combine(::testing::Values(BackendKind::memory,
                                                              BackendKind::redis),
                                            ::testing::ValuesIn(all_scenarios())),
                         [](const auto& test) {
                             const bool is_memory = std::get<0>(test.param) == BackendKind::memory;
                             return std::string(is_memory ? "Memory" : "Redis") +
                                    std::get<1>(test.param).name;
                         });

// A cluster takes seconds to come about: all scenarios share one.

TEST(LimitsInACluster, HoldAllScenarios) {
    for (const LimitsScenario& scenario : all_scenarios()) {
        SCOPED_TRACE(scenario.name);
        scenario.run(BackendKind::cluster);
    }
}

TEST(LimitsInACluster, HoldAllScenariosOfOneShardWhereProjectsAreShards) {
    for (const LimitsScenario& scenario : all_scenarios()) {
        if (!scenario.needs_organization) {
            SCOPED_TRACE(scenario.name);
            scenario.run(BackendKind::sharded_cluster);
        }
    }
}

TEST(LimitsInACluster, FreesWhatDeadProcessesHeld) {
    LimitsWorld world;
    Project& search = world.project("search");
    search.limits = {entry({{LimitKind::concurrent, 1}})};
    world.open();
    LimitsWorld dead_world = world.twin();
    const std::string key_space = fresh_key_space();
    BlockingLimits dead{{.key_space = key_space, .instance = "dead", .life = 1, .lease = {}},
                        shared_cluster().address(0),
                        dead_world.accounts()};
    BlockingLimits alive{{.key_space = key_space, .instance = "alive", .life = 1},
                         shared_cluster().address(2),
                         world.accounts()};
    ASSERT_FALSE(dead.admit(dead_world.subject(search), demand()).refusal);
    const Decision before = alive.admit(world.subject(search), demand());

    alive.heartbeat();

    EXPECT_TRUE(before.refusal);
    EXPECT_FALSE(alive.admit(world.subject(search), demand()).refusal);
}

TEST(LimitsInACluster, FollowWhereTheShardsOfProjectsLie) {
    LimitsWorld world;
    std::vector<Project*> projects;
    for (int i = 0; i < 20; ++i) {
        Project& project = world.project("project" + std::to_string(i));
        project.limits = {entry({{LimitKind::rpd, 2}})};
        project.budget = budget(usd(3));
        projects.push_back(&project);
    }
    world.open();
    BlockingLimits limits{
        {.key_space = fresh_key_space(), .shards_by_project = true, .instance = "a", .life = 1},
        shared_cluster().address(1),
        world.accounts()};

    for (int round = 0; round < 3; ++round) {
        for (const Project* project : projects) {
            const Decision decision = limits.admit(world.subject(*project), demand(usd(1)));

            EXPECT_EQ(decision.refusal.has_value(), round == 2) << project->id << round;
        }
    }

    EXPECT_GT(limits.redirections, 5) << "two of three nodes are not the first that is asked";
    EXPECT_EQ(limits.reports, 20) << "each shard is told of this process once";
}

}  // namespace

}  // namespace headgate::policy::testing
