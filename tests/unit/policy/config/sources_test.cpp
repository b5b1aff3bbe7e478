// What a policy was read from, what it was as a tree, and how its files are protected.
#include "tests/unit/policy/config/policy_folder.h"

namespace headgate::policy {
namespace {

using Names = std::vector<std::string>;

TEST(PolicySources, NameEveryFileAndDirectoryOnce) {
    PolicyFolder folder;
    const std::string secret = folder.path_of("secret");
    folder.write("secret", "upstream-key-of-a-test\n");
    folder.write("policy.yaml",
                 "providers:\n"
                 "  a: {kind: openai, api_key: \"${file:" +
                     secret +
                     "}\"}\n"
                     "  b: {kind: openai, api_key: \"${file:" +
                     secret +
                     "}\"}\n"
                     "include: [p/*.yaml, 'p/*.yml', shared.yaml, 'none/*']\n");
    folder.write("p/x.yaml", "projects:\n" + project_named("x", '1'));
    folder.write("shared.yaml", "{}");

    const LoadResult result = folder.load();

    ASSERT_EQ(folder.told(result), "");
    EXPECT_EQ(folder.names(result.sources.files),
              (Names{"policy.yaml", "p/x.yaml", "shared.yaml", "secret"}));
    EXPECT_EQ(folder.names(result.sources.directories), (Names{"p", "none"}));
}

TEST(PolicySources, AreToldAlsoWhereThePolicyIsFaulty) {
    PolicyFolder folder;
    folder.write("policy.yaml", with_basics("include: [a.yaml, b.yaml, 'c/*']\nnonsense: 1\n"));
    folder.write("a.yaml", "a: [\n");

    const LoadResult result = folder.load();

    EXPECT_EQ(result.snapshot, nullptr);
    EXPECT_EQ(folder.names(result.sources.files), (Names{"policy.yaml", "a.yaml", "b.yaml"}));
    EXPECT_EQ(folder.names(result.sources.directories), (Names{"c"}));
}

TEST(PolicySources, NameAFileThatIsMissingSoThatItsArrivalIsSeen) {
    PolicyFolder folder;
    const std::string policy =
        "providers:\n  a: {kind: openai, api_key: \"${file:" + folder.path_of("late") + "}\"}\n" +
        std::string(kProjects);
    folder.write("policy.yaml", policy);

    const LoadResult result = folder.load();
    const LoadResult no_policy = load_policy(folder.path_of("other.yaml"), options_with({}));

    EXPECT_EQ(result.snapshot, nullptr);
    EXPECT_EQ(folder.names(result.sources.files), (Names{"policy.yaml", "late"}));
    EXPECT_EQ(folder.names(no_policy.sources.files), (Names{"other.yaml"}));
}

TEST(PolicyTree, IsThePolicyAsWrittenWithoutItsIncludes) {
    PolicyFolder folder;
    folder.write("policy.yaml", with_basics("include: b.yaml\nworkers: \"2\"\n"));
    folder.write("b.yaml", "projects:\n" + project_named("b", '1') + "drain_delay: 1s\n");

    const LoadResult result = folder.load();

    ASSERT_EQ(folder.told(result), "");
    ASSERT_NE(result.tree, nullptr);
    Names names;
    for (const YamlEntry& entry : result.tree->entries) {
        names.push_back(entry.key->text);
    }
    EXPECT_EQ(names, (Names{"providers", "projects", "workers", "drain_delay"}));
    const YamlNode& projects = *result.tree->entries[1].value;
    ASSERT_EQ(projects.entries.size(), 2U);
    EXPECT_EQ(projects.entries[0].key->file, 0);
    EXPECT_EQ(projects.entries[1].key->file, 1);
    EXPECT_FALSE(result.tree->entries[2].value->is_plain);
    EXPECT_TRUE(result.tree->entries[3].value->is_plain);
}

TEST(PolicyText, StandsForAFileThatIsNotOpened) {
    const LoadOptions closed = {.needs_secrets = true, .environment = {}, .may_read_files = false};

    const LoadResult good = load_policy_text("p.yaml", with_basics(""), closed);
    const LoadResult bad = load_policy_text("p.yaml",
                                            "include: /etc/hostname\nproviders: {a: {kind: openai, "
                                            "api_key: \"${file:/etc/hostname}\"}}\n" +
                                                std::string(kProjects),
                                            closed);

    EXPECT_NE(good.snapshot, nullptr);
    EXPECT_EQ(told(bad), "1:10: error: \"include\" names a file, but no other file is read here\n");
    const LoadResult file_reference =
        load_policy_text("p.yaml",
                         "providers: {a: {kind: openai, api_key: \"${file:/etc/hostname}\"}}\n" +
                             std::string(kProjects),
                         closed);
    EXPECT_EQ(told(file_reference),
              "1:40: error: \"providers.a.api_key\" has a ${file:}, but no "
              "other file is read here\n");
}

TEST(PlainSecrets, AreWarnedOfWhereEverybodyMayReadThem) {
    PolicyFolder folder;
    folder.write("policy.yaml", with_basics("include: b.yaml\n"));
    folder.write("b.yaml",
                 "projects:\n"
                 "  b:\n"
                 "    keys:\n"
                 "      - {name: one, key: hg-0123456789012345678901234567890123456789}\n"
                 "      - {name: two, key: hg-9876543210012345678901234567890123456789}\n");
    ::chmod(folder.path_of("b.yaml").c_str(), 0644);

    const LoadResult result = folder.load();

    EXPECT_NE(result.snapshot, nullptr);
    EXPECT_EQ(folder.told(result),
              "b.yaml:4:26: warning: \"projects.b.keys[0].key\" is a secret in plain text (and 1 "
              "more in this file), in a file that every user of this machine may read (chmod 600 "
              "b.yaml, or put ${NAME} or ${file:PATH} instead of the secret)\n");
}

TEST(PlainSecrets, AreThePasswordsOfUrlsToo) {
    PolicyFolder folder;
    folder.write("policy.yaml",
                 "providers: {a: {kind: simulator}}\n" + std::string(kProjects) +
                     "state: {limits: redis://:hunter2@h, records: \"postgresql://u:x@h/d\"}\n");
    ::chmod(folder.path_of("policy.yaml").c_str(), 0644);

    const LoadResult result = folder.load();

    EXPECT_EQ(
        folder.told(result),
        "policy.yaml:5:17: warning: \"state.limits\" is a secret in plain text (and 1 more in "
        "this file), in a file that every user of this machine may read (chmod 600 "
        "policy.yaml, or put ${NAME} or ${file:PATH} instead of the secret)\n");
    EXPECT_EQ(result.problems[0].source,
              "state: {limits: redis://<redacted>@h, records: \"postgresql://<redacted>@h/d\"}");
}

TEST(PlainSecrets, AreNoneWhereOnlyAReferenceStands) {
    for (const std::string_view text : {
             "providers: {a: {kind: simulator}}\nstate: {limits: \"redis://:${P}@h\", records: "
             "\"postgresql://u:${P}@h/d\"}\nalerts: {webhook: https://h, secret: \"${S}\"}\n",
             "providers: {a: {kind: openai, api_key: \"${KEY}\"}}\n",
             "providers: {a: {kind: openai, api_key: \"${file:/run/secrets/key}\"}}\n",
             "providers: {a: {kind: openai, api_key: <redacted>}}\n",
         }) {
        PolicyFolder folder;
        folder.write("policy.yaml", std::string(text) + std::string(kProjects));
        ::chmod(folder.path_of("policy.yaml").c_str(), 0644);

        const LoadResult result = folder.load(options_with({}, false));

        EXPECT_EQ(folder.told(result), "") << text;
    }
}

TEST(PlainSecrets, AreNotThePathsOfTls) {
    PolicyFolder folder;
    folder.write("policy.yaml", "providers: {a: {kind: openai, api_key: \"${KEY}\"}}\n" +
                                    std::string(kProjects) + "tls: {key: /etc/headgate/tls.key}\n");
    ::chmod(folder.path_of("policy.yaml").c_str(), 0644);

    const LoadResult result = folder.load(options_with({}, false));

    EXPECT_EQ(folder.told(result).find("plain text"), std::string::npos) << folder.told(result);
}

}  // namespace
}  // namespace headgate::policy
