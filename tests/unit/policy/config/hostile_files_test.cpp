// Files that mean harm: each is one clear error, also where it is included.
#include "policy/config/includes.h"
#include "tests/unit/policy/config/policy_folder.h"

namespace headgate::policy {
namespace {

std::string repeated(std::string_view text, std::size_t times) {
    std::string result;
    result.reserve(text.size() * times);
    for (std::size_t i = 0; i < times; ++i) {
        result += text;
    }
    return result;
}

/// Nine levels of ten aliases each.
std::string billion_laughs() {
    std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 10; ++i) {
        const std::string before = "*a" + std::to_string(i - 1);
        const std::string name = "a" + std::to_string(i);
        text += name + ": &" + name + " [" + repeated(before + ", ", 9) + before + "]\n";
    }
    return text;
}

TEST(HostileFiles, AreOneClearErrorAlsoWhereTheyAreIncluded) {
    struct Case {
        std::string text;
        std::string_view message;
    };
    const std::vector<Case> cases = {
        {billion_laughs(), "aliases expand beyond 100,000 nodes"},
        {"a: &x [*x]\n", "this alias stands inside the node that it repeats"},
        {"a: &x {k: &y [*x]}\n", "this alias stands inside the node that it repeats"},
        {std::string("a: 1\n\0", 6), "the file holds a control character here"},
        {repeated("[", 1'000'000), "nesting goes beyond 64 levels"},
        {repeated("- ", 100'000), "nesting goes beyond 64 levels"},
        {"# " + repeated("x", kMaxYamlBytes), "is larger than 8 MiB"},
        {"\x7F"
         "ELF\x02\x01\x01",
         "the file holds a control character here"},
        {"a: \xC3\x28\n", "the file is not UTF-8 here"},
    };

    for (const Case& each : cases) {
        PolicyFolder main;
        PolicyFolder included;
        main.write("policy.yaml", each.text);
        included.write("policy.yaml", with_basics("include: bad.yaml\n"));
        included.write("bad.yaml", each.text);

        for (const PolicyFolder* folder : {&main, &included}) {
            const LoadResult result = folder->load();

            EXPECT_EQ(result.snapshot, nullptr);
            ASSERT_EQ(result.problems.size(), 1U) << folder->told(result);
            EXPECT_NE(result.problems[0].message.find(each.message), std::string::npos)
                << folder->told(result);
        }
    }
}

TEST(HostileFiles, OfAHundredMegabytesAreNotRead) {
    PolicyFolder folder;
    folder.write("policy.yaml", with_basics("include: '*.big'\n"));
    folder.write("sparse.big", "x");
    std::filesystem::resize_file(folder.path_of("sparse.big"), 100'000'000);

    const LoadResult result = folder.load();
    const LoadResult alone = load_policy(folder.path_of("sparse.big"), options_with({}));

    EXPECT_EQ(
        folder.told(result),
        "policy.yaml:6:10: error: \"include\" names sparse.big, which is larger than 8 MiB\n");
    EXPECT_EQ(folder.told(alone), "sparse.big:0:0: error: the file is larger than 8 MiB\n");
}

TEST(HostileFiles, ThatWouldWaitOrNeverEndAreRefused) {
    PolicyFolder folder;
    folder.write("policy.yaml", with_basics("include: [pipe, /dev/zero, /dev/null, /]\n"));
    ::mkfifo(folder.path_of("pipe").c_str(), 0600);

    const LoadResult result = folder.load();
    const LoadResult alone = load_policy(folder.path_of("pipe"), options_with({}));

    EXPECT_EQ(folder.told(result),
              "policy.yaml:6:11: error: \"include[0]\" names pipe, which is not a regular file\n"
              "policy.yaml:6:17: error: \"include[1]\" names /dev/zero, which is not a regular "
              "file\n"
              "policy.yaml:6:28: error: \"include[2]\" names /dev/null, which is not a regular "
              "file\n"
              "policy.yaml:6:39: error: \"include[3]\" must name a file such as projects/*.yaml\n");
    EXPECT_EQ(folder.told(alone), "pipe:0:0: error: the file is not a regular file\n");
}

TEST(HostileFiles, MayNotTogetherExpandBeyond100000Nodes) {
    std::string aliases = "x: &a [y, y, y, y, y, y, y, y, y]\nz: [*a";
    aliases += repeated(", *a", 5'999) + "]\n";  // 60,000 nodes
    PolicyFolder folder;
    folder.write("policy.yaml", with_basics("include: '?.yaml'\n"));
    folder.write("a.yaml", aliases);
    folder.write("b.yaml", aliases);

    const LoadResult result = folder.load();

    ASSERT_EQ(result.problems.size(), 1U) << folder.told(result);
    EXPECT_EQ(result.problems[0].file, folder.path_of("b.yaml"));
    EXPECT_EQ(result.problems[0].message, "aliases expand beyond 100,000 nodes");
}

TEST(HostileFiles, MayBeAThousandAnd32MebibytesTogether) {
    PolicyFolder many;
    many.write("policy.yaml", with_basics("include: 'p/*'\n"));
    for (int i = 0; i < 999; ++i) {
        many.write("p/" + std::to_string(i), "{}");
    }
    PolicyFolder large;
    large.write("policy.yaml", with_basics("include: '*.large'\n"));
    const std::string comment = "{}\n#" + repeated("x", kMaxYamlBytes - 4);
    for (const std::string_view name : {"1.large", "2.large", "3.large", "4.large"}) {
        large.write(name, comment);
    }

    const LoadResult thousand = many.load();
    many.write("p/one-more", "{}");
    const LoadResult more = many.load();
    const LoadResult too_large = large.load();

    EXPECT_NE(thousand.snapshot, nullptr) << many.told(thousand);
    EXPECT_EQ(many.told(more),
              "policy.yaml:6:10: error: \"include\" makes the policy more than 1,000 files\n");
    EXPECT_EQ(large.told(too_large),
              "policy.yaml:6:10: error: \"include\" makes the policy's "
              "files larger than 32 MiB together\n");
}

TEST(HostileFiles, EndTheReadingAtTheThousandthPattern) {
    PolicyFolder folder;
    folder.write("policy.yaml",
                 with_basics("include: [" + repeated("'*.nothing', ", 5'000) + "]\n"));

    const LoadResult result = folder.load();

    ASSERT_EQ(result.problems.size(), 1U);
    EXPECT_NE(folder.told(result).find("is the 1,001st pattern of the policy"), std::string::npos);
}

TEST(HostileFiles, OfTheWrongTypesEverywhereAreErrorsAtTheirPlaces) {
    const std::vector<std::string_view> values = {"5",      "text", "[]",         "[[]]", "[5, ~]",
                                                  "{a: b}", "~",    "[{a: [b]}]", "{}",   "''"};
    const std::vector<std::string_view> names = {
        "listen", "workers", "watch",     "drain_delay", "shutdown_grace", "admin",   "protect",
        "log",    "include", "providers", "projects",    "routes",         "nonsense"};

    for (const std::string_view name : names) {
        for (const std::string_view value : values) {
            PolicyFolder folder;
            const std::string setting = std::string(name) + ": " + std::string(value) + "\n";
            folder.write("policy.yaml", with_basics("include: b.yaml\n"));
            folder.write("b.yaml", setting);

            const LoadResult result = folder.load();

            const bool has_error = std::ranges::any_of(result.problems, [](const Problem& problem) {
                return problem.severity == Problem::Severity::error;
            });
            EXPECT_EQ(has_error, result.snapshot == nullptr) << setting;
            for (const Problem& problem : result.problems) {
                EXPECT_FALSE(problem.message.empty()) << setting;
                EXPECT_EQ(problem.file.empty(), false) << setting;
            }
        }
    }
}

}  // namespace
}  // namespace headgate::policy
