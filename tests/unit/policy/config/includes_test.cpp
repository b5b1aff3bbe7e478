#include "policy/config/includes.h"

#include "tests/unit/policy/config/policy_folder.h"

namespace headgate::policy {
namespace {

using Names = std::vector<std::string>;

std::string include_only(std::string_view what) {
    return std::string(kProviders) + "include: " + std::string(what) + "\n";
}

Names ids_of(const Snapshot& snapshot) {
    Names ids;
    for (const auto& project : snapshot.projects) {
        ids.push_back(project->id);
    }
    return ids;
}

TEST(Includes, MergesNamedBlocksInTheOrderOfThePatternsAndTheirSortedMatches) {
    PolicyFolder folder;
    folder.write("policy.yaml", include_only("[z.yaml, projects/*.yaml]") + "projects:\n" +
                                    project_named("main", '1'));
    folder.write("z.yaml", "projects:\n" + project_named("z", '2'));
    folder.write("projects/b.yaml", "projects:\n" + project_named("b", '3'));
    folder.write("projects/a.yaml", "projects:\n" + project_named("a", '4') +
                                        "providers:\n  more: {kind: simulator}\n");
    folder.write("projects/.hidden.yaml", "projects: 5\n");
    folder.write("projects/notes.txt", "no policy");

    const LoadResult result = folder.load();

    ASSERT_EQ(folder.told(result), "");
    EXPECT_EQ(ids_of(*result.snapshot), (Names{"main", "z", "a", "b"}));
    ASSERT_EQ(result.snapshot->providers.size(), 2U);
    EXPECT_EQ(result.snapshot->providers[1]->provider.name, "more");
    EXPECT_EQ(result.snapshot->keys.size(), 4U);
}

TEST(Includes, ConcatenatesRoutesTheMainFilesFirst) {
    PolicyFolder folder;
    folder.write("policy.yaml",
                 with_basics("include: r/*.yaml\n"
                             "routes: [{name: one, model: a, targets: {provider: openai}}]\n"));
    folder.write("r/2.yaml", "routes: {name: three, model: c, targets: [{provider: openai}]}\n");
    folder.write("r/1.yaml", "routes: [{name: two, model: b, targets: [{provider: openai}]}]\n");

    const LoadResult result = folder.load();

    ASSERT_NE(result.snapshot, nullptr) << folder.told(result);
    Names names;
    for (const auto& route : result.snapshot->routes) {
        names.push_back(route->name);
    }
    EXPECT_EQ(names, (Names{"one", "two", "three"}));
}

TEST(Includes, ReadsIncludesOfIncludesRelativeToTheIncludingFile) {
    PolicyFolder folder;
    folder.write("policy.yaml", include_only("teams/*/team.yaml"));
    folder.write("teams/red/team.yaml",
                 "include: ../shared/x.yaml\nprojects:\n" + project_named("red", '1'));
    folder.write("teams/shared/x.yaml", "projects:\n" + project_named("x", '2'));
    folder.write("teams/tan/team.yaml", "projects:\n" + project_named("tan", '3'));

    const LoadResult result = folder.load();

    ASSERT_EQ(folder.told(result), "");
    EXPECT_EQ(ids_of(*result.snapshot), (Names{"red", "x", "tan"}));
}

TEST(Includes, NamesBothPlacesOfANameThatStandsTwice) {
    PolicyFolder folder;
    folder.write("policy.yaml", with_basics("workers: 2\ninclude: [b.yaml, c.yaml]\n"));
    folder.write("b.yaml", "workers: 3\nprojects:\n" + project_named("other", '1'));
    folder.write("c.yaml",
                 "projects:\n" + project_named("search", '2') + project_named("other", '3'));

    const LoadResult result = folder.load();

    EXPECT_EQ(result.snapshot, nullptr);
    EXPECT_EQ(folder.told(result),
              "b.yaml:1:1: error: \"workers\" stands twice; the first is in policy.yaml:6\n"
              "c.yaml:2:3: error: \"projects.search\" stands twice; the first is in "
              "policy.yaml:4\n"
              "c.yaml:4:3: error: \"projects.other\" stands twice; the first is in b.yaml:3\n");
}

TEST(Includes, SaysTheLineAloneWhereBothPlacesAreInOneFile) {
    PolicyFolder folder;
    folder.write("policy.yaml", include_only("[b.yaml]"));
    folder.write("b.yaml", "projects:\n" + project_named("a", '1') + project_named("a", '2') +
                               "projects: {}\n");

    const LoadResult result = folder.load();

    EXPECT_EQ(folder.told(result),
              "b.yaml:4:3: error: \"projects.a\" stands twice; the first is in line 2\n"
              "b.yaml:6:1: error: \"projects\" stands twice; the first is in line 1\n");
}

TEST(Includes, ShowsTheOffendingLineOfTheIncludedFileWithoutAnySecretOfThePolicy) {
    PolicyFolder folder;
    folder.write("policy.yaml", with_basics("include: b.yaml\n"));
    folder.write("b.yaml", "# nothing\nprotect: {max_headers: upstream-key-of-the-test}\n");

    const LoadResult result = folder.load();

    ASSERT_EQ(result.problems.size(), 1U) << folder.told(result);
    EXPECT_EQ(result.problems[0].file, folder.path_of("b.yaml"));
    EXPECT_EQ(result.problems[0].line, 2);
    EXPECT_EQ(result.problems[0].source, "protect: {max_headers: <redacted>}");
}

TEST(Includes, ReportsEveryFileThatIsNoPolicy) {
    PolicyFolder folder;
    folder.write("policy.yaml", with_basics("include: [parts/*, nowhere.yaml, none/*.yaml]\n"));
    folder.write("parts/a", "projects: [\n");
    folder.write("parts/b", "# all gone\n");
    folder.write("parts/c", "[projects]\n");
    folder.write("parts/d", "{}\n");
    std::filesystem::create_directory(folder.path_of("parts/folder"));
    ::mkfifo(folder.path_of("parts/e").c_str(), 0600);

    const LoadResult result = folder.load();

    EXPECT_EQ(result.snapshot, nullptr);
    EXPECT_EQ(result.tree, nullptr);
    const std::string told = folder.told(result);
    for (const std::string_view expected : {
             "policy.yaml:6:11: error: \"include[0]\" names parts/e, which is not a regular file\n",
             "policy.yaml:6:20: error: \"include[1]\" names nowhere.yaml, which does not exist\n",
             "parts/a:2:1: error: this is not valid YAML: ",
             "parts/b:0:0: error: the file is empty; where it is to add nothing, write {}",
             "parts/c:1:1: error: a policy is a map of settings",
         }) {
        EXPECT_NE(told.find(expected), std::string::npos) << expected << told;
    }
    EXPECT_EQ(result.problems.size(), 5U) << told;
}

TEST(Includes, RefusesCirclesAndFilesNamedTwice) {
    struct Case {
        std::string_view main;
        std::string_view other;
        std::string_view told;
    };
    const std::vector<Case> cases = {
        {"policy.yaml", "{}",
         "policy.yaml:6:10: error: \"include\" names policy.yaml, so that a "
         "file includes itself\n"},
        {"b.yaml", "include: ./policy.yaml",
         "b.yaml:1:10: error: \"include\" names policy.yaml, so "
         "that a file includes itself\n"},
        {"b.yaml", "include: b.yaml",
         "b.yaml:1:10: error: \"include\" names b.yaml, so that a file "
         "includes itself\n"},
        {"[b.yaml, '?.yaml']", "{}",
         "policy.yaml:6:19: error: \"include[1]\" names b.yaml a second "
         "time; the first is in line 6\n"},
    };

    for (const Case& each : cases) {
        PolicyFolder folder;
        folder.write("policy.yaml", with_basics("include: " + std::string(each.main) + "\n"));
        folder.write("b.yaml", each.other);

        const LoadResult result = folder.load();

        EXPECT_EQ(folder.told(result), each.told);
    }
}

TEST(Includes, KnowsAFileByWhateverNameItHas) {
    PolicyFolder folder;
    folder.write("policy.yaml", with_basics("include: '*.yml'\n"));
    folder.write("a.yml", "{}");
    std::filesystem::create_symlink("a.yml", folder.path_of("b.yml"));

    const LoadResult result = folder.load();

    EXPECT_EQ(folder.told(result),
              "policy.yaml:6:10: error: \"include\" names b.yml a second time; the first is in "
              "line 6\n");
}

TEST(Includes, FollowsEightLevelsAndNoMore) {
    for (const int levels : {kMaxIncludeDepth, kMaxIncludeDepth + 1}) {
        PolicyFolder folder;
        folder.write("policy.yaml", with_basics("include: 1.yaml\n"));
        for (int i = 1; i <= levels; ++i) {
            folder.write(std::to_string(i) + ".yaml",
                         i == levels ? "{}" : "include: " + std::to_string(i + 1) + ".yaml\n");
        }

        const LoadResult result = folder.load();

        EXPECT_EQ(folder.told(result),
                  levels == kMaxIncludeDepth
                      ? ""
                      : "8.yaml:1:10: error: \"include\" goes deeper than 8 files that include "
                        "each other\n");
    }
}

TEST(Includes, RefusesPatternsThatWouldMeanSomethingElseHere) {
    struct Case {
        std::string_view include;
        std::string_view told;
    };
    const std::vector<Case> cases = {
        {"''", "\"include\" must name a file"},
        {"projects/", "\"include\" must name a file"},
        {"'**/*.yaml'", "\"include\" may use * and ? within one name only"},
        {"'[ab].yaml'", "\"include\" may use * and ? within one name only"},
        {"'{a,b}.yaml'", "\"include\" may use * and ? within one name only"},
        {"{a: b}", "\"include\" must be a single value"},
        {"[[a.yaml]]", "\"include[0]\" must be a single value"},
        {"~", "\"include\" has no value"},
        {"[~]", "\"include[0]\" has no value"},
        {"a.yaml\ninclude: a.yaml", "\"include\" stands twice; the first is in line 6"},
        {"${DIR}/a.yaml", "\"include\" refers to the environment variable DIR"},
    };

    for (const Case& each : cases) {
        PolicyFolder folder;
        folder.write("policy.yaml", with_basics("include: " + std::string(each.include) + "\n"));
        folder.write("a.yaml", "{}");

        const LoadResult result = folder.load();

        ASSERT_EQ(result.problems.size(), 1U) << folder.told(result);
        EXPECT_NE(folder.told(result).find(each.told), std::string::npos) << folder.told(result);
    }
}

TEST(Includes, ExpandsReferencesInPatternsAndLeavesUnknownOnesOut) {
    PolicyFolder folder;
    folder.write("policy.yaml", with_basics("include: \"${TEAM}.yaml\"\n"));
    folder.write("red.yaml", "workers: 7\n");

    const LoadResult known = folder.load(options_with({{"TEAM", "red"}}));
    const LoadResult unknown = folder.load(options_with({}, false));

    ASSERT_EQ(folder.told(known), "");
    EXPECT_EQ(known.snapshot->workers, 7U);
    ASSERT_NE(unknown.snapshot, nullptr);
    EXPECT_EQ(folder.told(unknown),
              "policy.yaml:6:10: warning: \"include\" has an unknown reference; what it includes "
              "is left out\n");
}

TEST(Includes, ReportsABlockThatOneFileMakesSomethingElse) {
    PolicyFolder folder;
    folder.write("policy.yaml", with_basics("include: '?.yaml'\n"));
    folder.write("a.yaml", "projects: [search]\n");
    folder.write("b.yaml", "providers:\n");

    const LoadResult result = folder.load();

    EXPECT_EQ(folder.told(result),
              "a.yaml:1:11: error: \"projects\" must be a map of settings (`name: value`)\n"
              "b.yaml:1:1: error: \"providers\" has no value\n");
}

}  // namespace
}  // namespace headgate::policy
