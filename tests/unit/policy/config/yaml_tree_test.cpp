#include "policy/config/yaml_tree.h"

namespace headgate::policy {
namespace {

std::string repeated(std::string_view text, std::size_t times) {
    std::string result;
    for (std::size_t i = 0; i < times; ++i) {
        result += text;
    }
    return result;
}

TEST(YamlTree, KeepsPlacesAndDuplicateKeys) {
    const auto root = parse_yaml("a: 1\nb:\n  - x\n  - {c: ~}\na: 2\n");

    ASSERT_TRUE(root.has_value());
    ASSERT_EQ((*root)->entries.size(), 3U);
    EXPECT_EQ((*root)->entries[2].key->text, "a");
    EXPECT_EQ((*root)->entries[2].key->line, 5);
    const YamlNode& list = *(*root)->entries[1].value;
    EXPECT_EQ(list.items[0]->line, 3);
    EXPECT_EQ(list.items[0]->column, 5);
    EXPECT_EQ(list.items[1]->entries[0].value->kind, YamlNode::Kind::null);
}

TEST(YamlTree, TellsNullFromTextThatLooksLikeIt) {
    const auto root = parse_yaml("[~, null, '', 'null', \"~\", yes]");

    ASSERT_TRUE(root.has_value());
    const auto& items = (*root)->items;
    EXPECT_EQ(items[0]->kind, YamlNode::Kind::null);
    EXPECT_EQ(items[1]->kind, YamlNode::Kind::null);
    for (std::size_t i = 2; i < 6; ++i) {
        EXPECT_EQ(items[i]->kind, YamlNode::Kind::scalar) << i;
    }
    EXPECT_EQ(items[5]->text, "yes");
}

TEST(YamlTree, TellsPlainScalarsFromQuotedOnes) {
    const auto block = parse_yaml("a: |\n  5\nb: true\n");

    ASSERT_TRUE(block.has_value());
    EXPECT_FALSE((*block)->entries[0].value->is_plain);
    EXPECT_TRUE((*block)->entries[1].value->is_plain);
    const auto list = parse_yaml("[5, '5', \"5\", !!str 5, !!int \"5\"]");
    ASSERT_TRUE(list.has_value());
    const std::vector<bool> expected = {true, false, false, false, true};
    for (std::size_t i = 0; i < expected.size(); ++i) {
        EXPECT_EQ((*list)->items[i]->is_plain, expected[i]) << i;
    }
}

TEST(YamlTree, PutsTheFileIntoItsNodesAndCountsAliasesOverAllFiles) {
    YamlFile file{.file = 7, .nodes_from_aliases = kMaxExpandedNodes - 1};

    const auto one = parse_yaml("a: &x 1\nb: *x\n", file);
    const auto more = parse_yaml("a: &x 1\nb: *x\n", file);

    ASSERT_TRUE(one.has_value());
    EXPECT_EQ((*one)->file, 7);
    EXPECT_EQ((*one)->entries[0].key->file, 7);
    ASSERT_FALSE(more.has_value());
    EXPECT_EQ(more.error().message, "aliases expand beyond 100,000 nodes");
}

TEST(YamlTree, TakesAnEmptyTextAsNull) {
    for (const std::string text : {"", "\n", "# only a comment\n", "---\n"}) {
        const auto root = parse_yaml(text);

        ASSERT_TRUE(root.has_value()) << text;
        EXPECT_EQ((*root)->kind, YamlNode::Kind::null) << text;
    }
}

TEST(YamlTree, SharesWhatAnAliasRepeats) {
    const auto root = parse_yaml("a: &x {k: v}\nb: *x\n");

    ASSERT_TRUE(root.has_value());
    EXPECT_EQ((*root)->entries[0].value, (*root)->entries[1].value);
    EXPECT_EQ((*root)->size, 9U);  // the map, its two keys, and a map of two nodes twice
}

TEST(YamlTree, RepeatsTheNodeThatHadTheNameLast) {
    const auto root = parse_yaml("a: &x 1\nb: &x 2\nc: *x\n");

    ASSERT_TRUE(root.has_value());
    EXPECT_EQ((*root)->entries[2].value, (*root)->entries[1].value);
}

TEST(YamlTree, RefusesWhatNoPolicyNeeds) {
    struct Case {
        std::string text;
        int line;
        std::string_view message;
    };
    const std::vector<Case> cases = {
        {"a: &x [*x]\n", 1, "this alias stands inside"},
        {"a: *nowhere\n", 1, "there is no anchor &nowhere"},
        {"a: 1\n---\nb: 2\n", 2, "a second one begins here"},
        {"[a, b]: c\n", 1, "must be plain text"},
        {"~: c\n", 1, "must be plain text"},
        {"a: !include x\n", 1, "this tag has no meaning"},
        {"a: !!set {x}\n", 1, "this tag has no meaning"},
        {"a: [1\nb: 2\n", 2, "this is not valid YAML"},
        {"a:\n\tb: 1\n", 2, "this is not valid YAML"},
        {std::string("a: 1\nb: \0\n", 10), 2, "control character"},
        {"a: \x1b[31m\n", 1, "control character"},
        {"a: \xC3\x28\n", 1, "not UTF-8"},
        {"a: \xC0\xAF\n", 1, "not UTF-8"},
        {"a: \xED\xA0\x80\n", 1, "not UTF-8"},
        {"a: \xF4\x90\x80\x80\n", 1, "not UTF-8"},
        {"a: \xE2\x82", 1, "not UTF-8"},
        {"a: 1\n# \xE2\x80\xA8 b: 2\n", 2, "a line break here that most editors do not show"},
        {"a: 1\n# \xC2\x85 b: 2\n", 2, "a line break here that most editors do not show"},
        {"a: &x 1\nb: &x [*x]\n", 2, "this alias stands inside"},
        {"a: !!seq x\n", 1, "this tag does not fit"},
        {std::string("\xFF\xFE"
                     "a\0",
                     4),
         1, "not UTF-8"},
    };

    for (const Case& each : cases) {
        const auto root = parse_yaml(each.text);

        ASSERT_FALSE(root.has_value()) << each.text;
        EXPECT_NE(root.error().message.find(each.message), std::string::npos)
            << each.text << root.error().message;
        EXPECT_EQ(root.error().line, each.line) << each.text;
    }
}

TEST(YamlTree, TakesUtf8AndAByteOrderMark) {
    const auto root = parse_yaml(
        "\xEF\xBB\xBF"
        "k\xC3\xA9y: \xE2\x82\xAC\xF0\x9F\x98\x80\n");

    ASSERT_TRUE(root.has_value());
    EXPECT_EQ((*root)->entries[0].key->text, "k\xC3\xA9y");
}

TEST(YamlTree, AllowsNestingUpTo64AndNoFurther) {
    const auto deepest = parse_yaml(repeated("[", 64) + repeated("]", 64));
    const auto deeper = parse_yaml(repeated("[", 65) + repeated("]", 65));
    const auto hostile = parse_yaml(repeated("[", 1'000'000));
    const auto hostile_maps = parse_yaml(repeated("{a: ", 1'000'000));
    const auto hostile_dashes = parse_yaml(repeated("- ", 100'000));

    EXPECT_TRUE(deepest.has_value());
    for (const auto* each : {&deeper, &hostile, &hostile_maps, &hostile_dashes}) {
        ASSERT_FALSE(each->has_value());
        EXPECT_EQ(each->error().message, "nesting goes beyond 64 levels");
    }
}

TEST(YamlTree, CountsTheNestingThatAliasesAdd) {
    const std::string half = "a: &a " + repeated("[", 40) + repeated("]", 40) + "\n";

    const auto fits = parse_yaml(half + "b: " + repeated("[", 20) + "*a" + repeated("]", 20));
    const auto deeper = parse_yaml(half + "b: " + repeated("[", 40) + "*a" + repeated("]", 40));

    EXPECT_TRUE(fits.has_value());
    ASSERT_FALSE(deeper.has_value());
    EXPECT_NE(deeper.error().message.find("where this alias is expanded"), std::string::npos);
}

TEST(YamlTree, RefusesAliasesThatExpandBeyond100000Nodes) {
    std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 12; ++i) {
        const std::string alias = "*a" + std::to_string(i - 1);
        const std::string name = "a" + std::to_string(i);
        laughs += name + ": &" + name + " [" + repeated(alias + ", ", 9) + alias + "]\n";
    }

    const auto root = parse_yaml(laughs);

    ASSERT_FALSE(root.has_value());
    EXPECT_EQ(root.error().message, "aliases expand beyond 100,000 nodes");
}

TEST(YamlTree, RefusesMoreThan8MiB) {
    const auto root = parse_yaml("# " + std::string(kMaxYamlBytes, 'x'));

    ASSERT_FALSE(root.has_value());
    EXPECT_EQ(root.error().message, "the file is larger than 8 MiB");
}

TEST(YamlTree, SurvivesEveryPrefixAndEveryDamagedByteOfAPolicy) {
    const std::string policy =
        "listen: [127.0.0.1:8080, \"[::1]:8080\"]\n"
        "x: &a {k: 'v', l: |\n   text\n  }\n"
        "providers:\n  openai: {kind: openai, api_key: \"${KEY}\"}\n  b: *a\n"
        "projects:\n  - ? key\n    : value\n  - !!str 5\n";

    for (std::size_t length = 0; length < policy.size(); ++length) {
        const auto root = parse_yaml(policy.substr(0, length));

        EXPECT_TRUE(root.has_value() || !root.error().message.empty()) << length;
        for (const char damage : {'\0', '{', ']', '&', '*', '\'', '\t', ':', '\x80'}) {
            std::string damaged = policy;
            damaged[length] = damage;
            const auto other = parse_yaml(damaged);
            EXPECT_TRUE(other.has_value() || !other.error().message.empty()) << length;
        }
    }
}

}  // namespace
}  // namespace headgate::policy
