#include "providers/simulator/schema_value.h"

#include "tests/unit/providers/simulator/schema_check.h"
#include "tests/unit/providers/simulator/simulated.h"

namespace headgate::providers {
namespace {

std::optional<std::string> made(std::string_view schema, std::uint64_t seed = 1) {
    const auto document = JsonDocument::parse(schema);
    EXPECT_TRUE(document.has_value()) << schema;
    return document ? SchemaValue::make(document->root(), seed) : std::nullopt;
}

TEST(SchemaValue, SatisfiesTheSchema) {
    constexpr std::string_view kSchemas[] = {
        R"({"type":"string"})",
        R"({"type":"string","minLength":40,"maxLength":41})",
        R"({"type":"string","maxLength":3})",
        R"({"type":"string","pattern":"^[A-Z]{2,4}-\\d{3}$"})",
        R"({"type":"integer","minimum":-5,"maximum":-3})",
        R"({"type":"integer","exclusiveMinimum":1,"exclusiveMaximum":3})",
        R"({"type":"integer","multipleOf":7,"minimum":20})",
        R"({"type":"integer","maximum":-100})",
        R"({"type":"number","exclusiveMinimum":0,"exclusiveMaximum":0.01})",
        R"({"type":"number","minimum":2.5,"maximum":2.5})",
        R"({"type":"number","multipleOf":0.5,"minimum":3.2})",
        R"({"type":"boolean"})",
        R"({"type":"null"})",
        R"({"type":["string","null"]})",
        R"({"enum":["a",3,null,{"x":[1]}]})",
        R"({"type":"integer","enum":["a",3,null]})",
        R"({"const":{"deep":[true,null,1.5]}})",
        R"({"type":"array","items":{"type":"integer"},"minItems":3,"maxItems":3})",
        R"({"type":"array","items":{"enum":[1,2,3,4]},"minItems":4,"uniqueItems":true})",
        R"({"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"items":false})",
        R"({"type":"array","maxItems":0})",
        R"({"type":"object","properties":{"a":{"type":"object","properties":{"b":{"type":"integer"}},
            "required":["b"]},"c":{"type":"array","items":{"type":"boolean"}}},"required":["a","c"]})",
        R"({"type":"object","required":["free"],"additionalProperties":{"type":"integer"}})",
        R"({"properties":{"a":{"const":1}},"required":["a"]})",
        R"({"anyOf":[{"type":"integer","minimum":5,"maximum":4},{"type":"string"}]})",
        R"({"oneOf":[{"type":"object","properties":{"k":{"const":"x"}},"required":["k"]},
            {"type":"null"}]})",
        R"({"allOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]},
            {"properties":{"a":{"minimum":9},"b":{"type":"string"}},"required":["b"]}]})",
        R"({"type":"object","properties":{"next":{"anyOf":[{"$ref":"#"},{"type":"null"}]},
            "value":{"type":"number"}},"required":["next","value"],"additionalProperties":false})",
        R"({"$defs":{"leaf":{"type":"integer"},"tree":{"type":"object","properties":{
            "kids":{"type":"array","items":{"$ref":"#/$defs/tree"}},"leaf":{"$ref":"#/$defs/leaf"}},
            "required":["kids","leaf"]}},"$ref":"#/$defs/tree"})",
        R"({"type":"object","properties":{"self":{"$ref":"#"}}})",
        R"({"type":"object","properties":{"\"q\\":{"const":"€\n"}},"required":["\"q\\"]})",
        "{}",
        "true",
    };
    for (const std::string_view text : kSchemas) {
        for (std::uint64_t seed = 0; seed < 25; ++seed) {
            const auto value = made(text, seed);

            ASSERT_TRUE(value.has_value()) << text;
            const Json schema = parsed(text);
            EXPECT_TRUE(SchemaCheck{schema}.accepts(schema, parsed(*value)))
                << text << " seed " << seed << ": " << *value;
        }
    }
}

TEST(SchemaValue, IsTheSameForTheSameSeed) {
    constexpr std::string_view kSchema =
        R"({"type":"array","items":{"type":"string"},"minItems":5})";

    EXPECT_EQ(made(kSchema, 3), made(kSchema, 3));
    EXPECT_NE(made(kSchema, 3), made(kSchema, 4));
}

TEST(SchemaValue, GivesTheFormatsOfStrings) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"date", R"("\d{4}-\d\d-\d\d")"},
        {"date-time", R"("\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")"},
        {"email", R"("\w+@[\w.]+")"},
        {"uuid", R"("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")"},
        {"ipv4", R"("(\d+\.){3}\d+")"},
        {"uri", R"("https://[\w./]+")"}};
    for (const auto& [format, pattern] : cases) {
        const auto value = made(R"({"type":"string","format":")" + std::string{format} + R"("})");

        ASSERT_TRUE(value.has_value());
        EXPECT_TRUE(std::regex_match(*value, std::regex{std::string{pattern}})) << *value;
    }
}

TEST(SchemaValue, IsNoneWhereNoValueFits) {
    constexpr std::string_view kSchemas[] = {
        "false",
        "3",
        R"({"enum":[]})",
        R"({"type":"integer","minimum":2,"maximum":1})",
        R"({"type":"integer","exclusiveMinimum":1,"exclusiveMaximum":2})",
        R"({"type":"string","minLength":3,"maxLength":2})",
        R"({"type":"string","pattern":"(?=a)b"})",
        R"({"type":"array","minItems":1,"items":false})",
        R"({"type":"array","minItems":3,"uniqueItems":true,"items":{"type":"boolean"}})",
        R"({"type":"object","properties":{"a":false},"required":["a"]})",
        R"({"type":"object","additionalProperties":false,"required":["a"]})",
        R"({"type":"unheard-of"})",
        R"({"$ref":"#/nowhere"})",
        R"({"$ref":"https://elsewhere.example/schema"})",
        R"({"$ref":"#"})",
        R"({"anyOf":[]})",
        R"({"type":"object","properties":{"self":{"$ref":"#"}},"required":["self"]})",
    };
    for (const std::string_view schema : kSchemas) {
        EXPECT_EQ(made(schema), std::nullopt) << schema;
    }
}

TEST(SchemaValue, GivesUpOnWhatWouldBeTooLarge) {
    const std::string schemas[] = {
        R"({"type":"array","minItems":1000000000,"items":{"type":"integer"}})",
        R"({"type":"string","minLength":1e300})",
        R"({"type":"array","minItems":9000,"items":{"type":"array","minItems":9000}})",
        R"({"anyOf":[{"$ref":"#"},{"$ref":"#"}]})",
    };
    for (const std::string& schema : schemas) {
        EXPECT_FALSE(made(schema).has_value()) << schema;
    }
}

TEST(SchemaValue, StaysSmallWhereASchemaRefersToItselfManyTimes) {
    std::string wide = R"({"type":"object","properties":{)";
    for (int i = 0; i < 200; ++i) {
        wide += (i == 0 ? "\"p" : ",\"p") + std::to_string(i) + R"(":{"$ref":"#"})";
    }
    wide += "}}";

    const auto value = made(wide);

    ASSERT_TRUE(value.has_value());
    EXPECT_LT(value->size(), 20'000U);
    const Json schema = parsed(wide);
    EXPECT_TRUE(SchemaCheck{schema}.accepts(schema, parsed(*value)));
}

TEST(TextMatching, MatchesThePattern) {
    constexpr std::string_view kPatterns[] = {"^abc$",
                                              "a|b",
                                              "[a-f0-9]{8}",
                                              "[^a-z]+",
                                              "(ab){3}",
                                              "(?:x|y)*z?",
                                              "\\d{4}-\\d{2}",
                                              "\\w+@\\w+\\.com",
                                              "(a(b(c)))",
                                              "a{0}b",
                                              "a{2,}",
                                              "\\S\\s\\S",
                                              "x*?y+?",
                                              "[]x]",
                                              "[a\\-z]",
                                              "\\.\\/\\\\",
                                              "^\\+[1-9]\\d{1,14}$"};
    for (const std::string_view pattern : kPatterns) {
        for (std::uint64_t seed = 0; seed < 20; ++seed) {
            Random random{seed};

            const auto text = text_matching(pattern, random);

            ASSERT_TRUE(text.has_value()) << pattern;
            if (pattern != "[]x]") {  // legal in POSIX and Python, not in ECMAScript
                EXPECT_TRUE(std::regex_search(*text, std::regex{std::string{pattern}}))
                    << pattern << ": " << *text;
            }
        }
    }
}

TEST(TextMatching, RefusesWhatItDoesNotKnow) {
    for (const std::string_view pattern :
         {"(", ")", "[", "[a", "a{", "a{2", "a{3,2}", "*a", "(?=x)", "(?!x)", "(?<=x)", "\\p{L}",
          "(a)\\1", "\\", "a{99999}", "((((a{999}){999}){999}){999})", "[z-a]"}) {
        Random random{1};

        EXPECT_EQ(text_matching(pattern, random), std::nullopt) << pattern;
    }
}

}  // namespace
}  // namespace headgate::providers
