#include "policy/config/yaml_text.h"

#include "policy/config/json_text.h"
#include "policy/config/plain_scalar.h"

#include <random>

namespace headgate::policy {
namespace {

using Kind = YamlNode::Kind;

YamlPtr scalar(std::string_view text, bool is_plain) {
    auto node = std::make_shared<YamlNode>();
    node->kind = Kind::scalar;
    node->text = text;
    node->is_plain = is_plain;
    return node;
}

std::string yaml_of(const YamlNode& map) {
    std::string text;
    for (const YamlEntry& entry : map.entries) {
        append_yaml(entry, 0, text);
    }
    return text;
}

TEST(YamlText, KnowsTheTypesOfTheCoreSchema) {
    struct Case {
        PlainType type;
        std::vector<std::string_view> texts;
    };
    const Case cases[] = {
        {PlainType::null, {"", "~", "null", "Null", "NULL"}},
        {PlainType::flag, {"true", "True", "TRUE", "false", "False", "FALSE"}},
        {PlainType::integer, {"0", "007", "-1", "+12", "0o17", "0xBeef"}},
        {PlainType::real,
         {"1.", ".5", "1.5", "-1e3", "1E+5", "+.5e-3", ".inf", "-.INF", "+.Inf", ".nan", ".NaN"}},
        {PlainType::text,
         {"nUll", "yes", "tRUE", "0o8", "0xG", "-0x1", ".", "1e", "e5", "1.2.3", "-.nan", "1_000",
          "10s", "50%", "+", "-", "127.0.0.1", "1,5", " 1"}},
    };

    for (const Case& each : cases) {
        for (const std::string_view text : each.texts) {
            EXPECT_EQ(static_cast<int>(plain_type(text)), static_cast<int>(each.type)) << text;
        }
    }
}

TEST(YamlText, QuotesWhatWouldReadAsSomethingElse) {
    struct Case {
        std::string_view text;
        bool is_plain;
        std::string_view written;  // behind `a: `
    };
    constexpr Case cases[] = {
        {"gpt-5*", false, "gpt-5*"},
        {"*", true, "\"*\""},
        {"", false, "\"\""},
        {"true", true, "true"},
        {"true", false, "\"true\""},
        {"yes", false, "\"yes\""},
        {"-1", true, "-1"},
        {"-x", true, "\"-x\""},
        {"12", false, "\"12\""},
        {"null", false, "\"null\""},
        {"${NAME}", false, "${NAME}"},
        {"a: b", false, "\"a: b\""},
        {"a:b", false, "a:b"},
        {"a #b", false, "\"a #b\""},
        {"a#b", false, "a#b"},
        {"end:", false, "\"end:\""},
        {" a", false, "\" a\""},
        {"a\nb\t\"\\", false, R"("a\nb\t\"\\")"},
        {"caf\u00e9", true, "\"caf\u00e9\""},
        {"\u0085\u2028\uFEFF\x01", false, R"("\u0085\u2028\uFEFF\x01")"},
        {">= 80%", false, "\">= 80%\""},
    };

    for (const Case& each : cases) {
        std::string text;
        append_yaml({scalar("a", true), scalar(each.text, each.is_plain)}, 0, text);

        EXPECT_EQ(text, "a: " + std::string(each.written) + "\n");
        const auto read = parse_yaml(text);
        ASSERT_TRUE(read) << text;
        EXPECT_EQ((*read)->entries.front().value->text, each.text);
    }
}

TEST(YamlText, WritesNestedBlocksAndLists) {
    const auto tree = parse_yaml(
        "a: {b: {}, c: [], d: [1, \"2\", {e: f, g: [\"h?\"]}, [i, j], [[{k: l}], {}]], m: ~}\n"
        "\"n: o\": [p, \"${X}\"]\n");
    ASSERT_TRUE(tree);

    const std::string text = yaml_of(**tree);

    EXPECT_EQ(text,
              R"(a:
  b: {}
  c: []
  d:
    - 1
    - "2"
    - e: f
      g: ["h?"]
    - [i, j]
    -
      -
        - k: l
      - {}
  m: null
"n: o": [p, "${X}"]
)");
    const auto again = parse_yaml(text);
    ASSERT_TRUE(again);
    EXPECT_EQ(to_json_text(**again), to_json_text(**tree));
}

TEST(YamlText, GivesJsonTheTypesOfPlainScalars) {
    const auto tree = parse_yaml(
        "a: [~, true, FALSE, 1, +2, -0, 007, 0x1F, 0o17, 1.50, .5, 1., -2e3, 00.5, 1e999, .inf,\n"
        "    99999999999999999999, \"1\", 'true', yes, 10s, \"\", \"q\\\"\\\\\\x01\\n\u00e9\"]\n");
    ASSERT_TRUE(tree);

    EXPECT_EQ(to_json_text(**tree),
              R"({"a":[null,true,false,1,2,0,7,31,15,1.50,0.5,1,-2e3,0.5,"1e999",".inf",)"
              R"("99999999999999999999","1","true","yes","10s","","q\"\\\u0001\u000aé"]})");
}

/// A tree of any shape, with texts that are hard to write.
class RandomTree {
public:
    explicit RandomTree(unsigned seed) : random_{seed} {}

    YamlPtr map(int depth) {
        auto node = std::make_shared<YamlNode>();
        node->kind = Kind::map;
        for (std::size_t i = below(4); i > 0; --i) {
            node->entries.push_back({any_scalar(), value(depth - 1)});
        }
        return node;
    }

private:
    std::size_t below(std::size_t bound) { return random_() % bound; }

    YamlPtr any_scalar() {
        constexpr std::string_view parts[] = {
            "a",  " ",  "-",    ":",      "#",      "\n",     "\t", "\"",   "'", "\\",
            "{",  "}",  "[",    "]",      ",",      "?",      "*",  "&",    "!", "%",
            "@",  "|",  ">",    "=",      "${X}",   "1",      "0x", ".5",   "e", "~",
            "no", "<<", "true", "\u00e9", "\u2028", "\u0085", ".",  "null", "`"};
        std::string text;
        for (std::size_t i = below(5); i > 0; --i) {
            text += parts[below(std::size(parts))];
        }
        return scalar(text, below(2) == 0 && plain_type(text) != PlainType::null);
    }

    YamlPtr value(int depth) {
        const std::size_t kind = depth > 0 ? below(5) : below(3);
        if (kind == 3) {
            return map(depth);
        }
        if (kind == 4) {
            auto node = std::make_shared<YamlNode>();
            node->kind = Kind::sequence;
            for (std::size_t i = below(4); i > 0; --i) {
                node->items.push_back(value(depth - 1));
            }
            return node;
        }
        return kind == 0 ? std::make_shared<const YamlNode>() : any_scalar();
    }

    std::mt19937 random_;
};

TEST(YamlText, ReadsBackEveryTreeThatItWrites) {
    for (unsigned seed = 0; seed < 4000; ++seed) {
        const YamlPtr tree = RandomTree{seed}.map(4);
        const std::string text = yaml_of(*tree);

        const auto again = parse_yaml(text);

        ASSERT_TRUE(again) << "seed " << seed << ": " << again.error().message << '\n' << text;
        if (tree->entries.empty()) {
            continue;
        }
        ASSERT_EQ(yaml_of(**again), text) << "seed " << seed;
        // A plain text that had to be quoted is text either way.
        ASSERT_EQ(to_json_text(**again), to_json_text(*tree)) << "seed " << seed << '\n' << text;
    }
}

}  // namespace
}  // namespace headgate::policy
