#include "policy/config/expand.h"

#include "tests/unit/policy/config/policy_file.h"

namespace headgate::policy {
namespace {

const Environment kEnvironment = {
    {"NAME", "value"}, {"EMPTY", ""}, {"NESTED", "${NAME}"}, {"_X1", "x"}};

TEST(Expansion, ResolvesEveryFormOfAReference) {
    const LoadOptions options = options_with(kEnvironment);
    const std::vector<std::pair<std::string_view, std::string>> cases = {
        {"plain", "plain"},
        {"${NAME}", "value"},
        {"a${NAME}b${_X1}", "avaluebx"},
        {"${EMPTY}", ""},
        {"${MISSING:-default}", "default"},
        {"${EMPTY:-default}", "default"},
        {"${NAME:-default}", "value"},
        {"${MISSING:-}", ""},
        {"${MISSING:-a:-b}", "a:-b"},
        {"$${NAME}", "${NAME}"},
        {"$$${NAME}", "$${NAME}"},
        {"$NAME $ $$ }", "$NAME $ $$ }"},
        {"${NESTED}", "${NAME}"},
    };

    for (const auto& [raw, expected] : cases) {
        const auto expanded = expand_references(raw, options);

        ASSERT_TRUE(expanded.has_value()) << raw;
        EXPECT_EQ(expanded->text, expected) << raw;
        EXPECT_TRUE(expanded->is_known) << raw;
    }
}

TEST(Expansion, RefusesMalformedReferences) {
    const LoadOptions options = options_with(kEnvironment, false);

    for (const std::string_view raw : {"${", "a${NAME", "${}", "${1X}", "${A-B}", "${ NAME}",
                                       "${NAME:default}", "${A:-${NAME}}", "${file:}", "${:-x}"}) {
        EXPECT_FALSE(expand_references(raw, options).has_value()) << raw;
    }
}

TEST(Expansion, NamesTheMissingVariableWhereSecretsAreNeeded) {
    const auto strict = expand_references("${OPENAI_API_KEY}", options_with({}));
    const auto lenient = expand_references("${OPENAI_API_KEY}", options_with({}, false));

    ASSERT_FALSE(strict.has_value());
    EXPECT_EQ(strict.error(),
              "refers to the environment variable OPENAI_API_KEY, which is not set");
    ASSERT_TRUE(lenient.has_value());
    EXPECT_FALSE(lenient->is_known);
}

TEST(Expansion, AsksTheProcessWhereNoEnvironmentIsGiven) {
    const char* path = std::getenv("PATH");
    ASSERT_NE(path, nullptr);

    const auto expanded = expand_references("${PATH}", LoadOptions{});

    ASSERT_TRUE(expanded.has_value());
    EXPECT_EQ(expanded->text, path);
}

TEST(Expansion, TrimsTheContentOfAFile) {
    const TemporaryFile secret{"\n  sk-from-file \r\n"};

    const auto expanded = expand_references("${file:" + secret.path() + "}", options_with({}));

    ASSERT_TRUE(expanded.has_value());
    EXPECT_EQ(expanded->text, "sk-from-file");
}

TEST(Expansion, RefusesFilesThatAreMissingHugeOrNoFiles) {
    const TemporaryFile huge{std::string(70'000, 'x')};
    const LoadOptions options = options_with({});

    const auto missing = expand_references("${file:/nonexistent/secret}", options);
    const auto directory = expand_references("${file:/}", options);
    const auto device = expand_references("${file:/dev/zero}", options);
    const auto large = expand_references("${file:" + huge.path() + "}", options);

    EXPECT_EQ(missing.error(), "refers to the file /nonexistent/secret, which does not exist");
    EXPECT_EQ(directory.error(), "refers to the file /, which is not a regular file");
    EXPECT_EQ(device.error(), "refers to the file /dev/zero, which is not a regular file");
    EXPECT_NE(large.error().find("which is larger than 65536 bytes"), std::string::npos);
}

TEST(Expansion, LetsAMissingFilePassWithoutSecrets) {
    const auto expanded = expand_references("${file:/nonexistent/secret}", options_with({}, false));

    ASSERT_TRUE(expanded.has_value());
    EXPECT_FALSE(expanded->is_known);
}

TEST(Expansion, NamesTheFilesThatItReadsMissingOnesIncluded) {
    const TemporaryFile secret{"from the file\n"};
    const std::string raw = "${NAME}${file:" + secret.path() + "}${file:/nonexistent/secret}";
    std::vector<std::string> files;

    const auto expanded = expand_references(raw, options_with(kEnvironment, false), &files);

    ASSERT_TRUE(expanded.has_value());
    EXPECT_FALSE(expanded->is_known);
    EXPECT_EQ(files, (std::vector<std::string>{secret.path(), "/nonexistent/secret"}));
}

TEST(Expansion, OpensNoFileWhereNoneMayBeRead) {
    const TemporaryFile secret{"from the file\n"};
    LoadOptions options = options_with(kEnvironment, false);
    options.may_read_files = false;
    std::vector<std::string> files;

    const auto expanded = expand_references("${file:" + secret.path() + "}", options, &files);

    ASSERT_FALSE(expanded.has_value());
    EXPECT_EQ(expanded.error(), "has a ${file:}, but no other file is read here");
    EXPECT_TRUE(files.empty());
}

}  // namespace
}  // namespace headgate::policy
