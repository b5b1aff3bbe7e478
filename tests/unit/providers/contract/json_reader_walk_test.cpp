// How a reader moves through a text: tokens, skip(), leave(), texts, integers.
#include "providers/contract/json_reader.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::providers {
namespace {

/// Reads up to the first string or key of `text`.
JsonReader at_string(std::string_view text) {
    JsonReader reader{text};
    while (reader.next() != JsonToken::string && reader.token() != JsonToken::key) {
        EXPECT_NE(reader.token(), JsonToken::error);
    }
    return reader;
}

TEST(JsonReader, GivesEveryTokenWithItsBytesInOrder) {
    const std::string_view text = R"({ "k\n" : [ -1.5 , "s", true,false,null,{}] })";
    struct Seen {
        JsonToken token;
        std::string_view range;
        std::string_view raw;
        int depth;
    };
    using enum JsonToken;
    const Seen expected[] = {
        {begin_object, "{", "{", 1},        {key, R"("k\n")", R"(k\n)", 1},
        {begin_array, "[", "[", 2},         {number, "-1.5", "-1.5", 2},
        {string, R"("s")", "s", 2},         {true_value, "true", "true", 2},
        {false_value, "false", "false", 2}, {null_value, "null", "null", 2},
        {begin_object, "{", "{", 3},        {end_object, "}", "}", 2},
        {end_array, "]", "]", 1},           {end_object, "}", "}", 0},
    };

    JsonReader reader{text};

    for (const Seen& seen : expected) {
        EXPECT_EQ(reader.next(), seen.token);
        EXPECT_EQ(reader.range().in(text), seen.range);
        EXPECT_EQ(reader.raw(), seen.raw);
        EXPECT_EQ(reader.depth(), seen.depth);
    }
    EXPECT_EQ(reader.next(), JsonToken::end);
    EXPECT_EQ(reader.next(), JsonToken::end);
}

TEST(JsonReader, SkipsAValueOfAnyKindWhole) {
    for (const std::string value : {"1", "-0.5e3", "true", "null", R"("a\"]}")", "[]", "{}",
                                    R"([[1],{"x":[2]},"]"])", R"({"a":{"b":[{}]},"c":"}"})"}) {
        const std::string text = R"({"skipped":)" + value + R"(,"next":1})";
        JsonReader reader{text};
        reader.next();
        reader.next();

        EXPECT_TRUE(reader.skip()) << value;

        EXPECT_EQ(reader.depth(), 1) << value;
        EXPECT_EQ(reader.next(), JsonToken::key) << value;
        EXPECT_EQ(reader.raw(), "next") << value;
    }
}

TEST(JsonReader, LeavesTheContainerWhoseDepthIsGiven) {
    const std::string_view text = R"({"a":{"b":{"c":1,"d":2},"e":3},"f":4})";
    JsonReader reader{text};
    while (reader.next() != JsonToken::number) {
    }

    EXPECT_TRUE(reader.leave(2));

    EXPECT_EQ(reader.token(), JsonToken::end_object);
    EXPECT_EQ(reader.depth(), 1);
    EXPECT_EQ(reader.next(), JsonToken::key);
    EXPECT_EQ(reader.raw(), "f");
}

TEST(JsonReader, DoesNotLeaveWhatIsNotOpen) {
    JsonReader reader{"[1]"};
    EXPECT_TRUE(reader.finish());

    EXPECT_FALSE(reader.leave(0));
    EXPECT_FALSE(reader.skip());
}

TEST(JsonReader, FinishesFromAnywhere) {
    const std::string_view text = R"({"a":[1,{"b":"c"}],"d":null})";
    int tokens = 0;
    for (JsonReader reader{text}; reader.next() != JsonToken::end;) {
        ++tokens;
    }

    for (int before = 0; before <= tokens + 1; ++before) {
        JsonReader reader{text};
        for (int i = 0; i < before; ++i) {
            reader.next();
        }

        EXPECT_TRUE(reader.finish()) << before;
        EXPECT_TRUE(reader.finish()) << before;
    }
}

TEST(JsonReader, ResolvesEscapesIntoUtf8) {
    struct EscapeCase {
        std::string_view raw;
        std::string_view text;
    };
    const EscapeCase cases[] = {
        {"plain", "plain"},
        {R"(\"\\\/\b\f\n\r\t)", "\"\\/\b\f\n\r\t"},
        {R"(\u0041\u00e9\u20AC)", "A\u00e9\u20ac"},
        {R"(\ud83d\ude00)", "\U0001f600"},
        {R"(\uDBFF\uDFFF)", "\U0010ffff"},
        {R"(a\u0000b)", std::string_view{"a\0b", 3}},
        {R"(\ud800)", "\ufffd"},
        {R"(\ud800x)", "\ufffdx"},
        {R"(\ud800\u0041)", "\ufffdA"},
        {R"(\ud800\\udc00)", "\ufffd\\udc00"},
        {R"(\udc00\ud800)", "\ufffd\ufffd"},
        {R"(\ud800\ud83d\ude00)", "\ufffd\U0001f600"},
        {"\u00e9\\u00e9\u00e9", "\u00e9\u00e9\u00e9"},
    };

    for (const EscapeCase& test : cases) {
        const std::string text = '"' + std::string{test.raw} + '"';
        const JsonReader reader = at_string(text);

        EXPECT_EQ(reader.text(), test.text) << test.raw;
        EXPECT_TRUE(reader.is(test.text)) << test.raw;
        EXPECT_FALSE(reader.is("something else")) << test.raw;
        EXPECT_EQ(reader.raw(), test.raw);
        EXPECT_EQ(reader.has_escapes(), test.raw.find('\\') != std::string_view::npos);
    }
}

TEST(JsonReader, TellsHalfSurrogates) {
    struct SurrogateCase {
        std::string_view raw;
        bool is_lone;
    };
    const SurrogateCase cases[] = {
        {"abc", false},        {R"(\ud83d\ude00)", false}, {R"(\\ud800)", false},
        {R"(\ud800)", true},   {R"(\udfff)", true},        {R"(\ud800\ud800\udc00)", true},
        {R"(x\udbffy)", true}, {R"(\ue000\ud7ff)", false}, {R"(\ud83d\ude00\ude00)", true},
    };

    for (const SurrogateCase& test : cases) {
        const std::string text = '"' + std::string{test.raw} + '"';

        EXPECT_EQ(at_string(text).has_lone_surrogate(), test.is_lone) << test.raw;
    }
}

TEST(JsonReader, RecognisesAKeyHoweverItIsSpelled) {
    EXPECT_TRUE(at_string(R"({"model":1})").is("model"));
    EXPECT_TRUE(at_string(R"({"m\u006Fdel":1})").is("model"));
    EXPECT_FALSE(at_string(R"({"m\u004Fdel":1})").is("model"));
    EXPECT_FALSE(at_string(R"({"models":1})").is("model"));
}

TEST(JsonReader, ForgetsTheEscapesOfTheStringBefore) {
    JsonReader reader{R"(["\n","n"])"};
    reader.next();
    reader.next();
    EXPECT_TRUE(reader.has_escapes());

    reader.next();

    EXPECT_FALSE(reader.has_escapes());
    EXPECT_EQ(reader.text(), "n");
}

TEST(JsonReader, GivesOnlyIntegersThatFitAndAreSpelledAsSuch) {
    struct IntegerCase {
        std::string_view text;
        bool is_integer;
        std::int64_t value;
    };
    const IntegerCase cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"128", true, 128},
        {"9223372036854775807", true, std::numeric_limits<std::int64_t>::max()},
        {"-9223372036854775808", true, std::numeric_limits<std::int64_t>::min()},
        {"9223372036854775808", false, 0},
        {"1.0", false, 0},
        {"1e2", false, 0},
        {"100000000000000000000000000000000", false, 0},
    };

    for (const IntegerCase& test : cases) {
        JsonReader reader{test.text};
        EXPECT_EQ(reader.next(), JsonToken::number) << test.text;
        std::int64_t value = 0;

        EXPECT_EQ(reader.integer(value), test.is_integer) << test.text;
        EXPECT_EQ(test.is_integer ? value : 0, test.value) << test.text;
    }
}

TEST(JsonReader, CountsTheBytesInsideStringsWithoutKeys) {
    const std::string_view text = R"({"key":"four","skipped":["12",{"k":"3\n"}],"n":12345})";

    JsonReader reader{text};

    EXPECT_TRUE(reader.finish());
    EXPECT_EQ(reader.string_bytes(), 4U + 2U + 3U);
}

TEST(JsonReader, FindsStopsInEveryPlaceOfALongString) {
    for (std::size_t at = 0; at < 70; ++at) {
        const std::string before(at, 'x');
        const std::string after(70 - at, 'y');

        EXPECT_TRUE(JsonReader{'"' + before + "\\n" + after + '"'}.finish()) << at;
        EXPECT_TRUE(JsonReader{'"' + before + "\u00e9" + after + '"'}.finish()) << at;
        const std::string with_control = '"' + before + "\x1f" + after + '"';
        JsonReader control{with_control};
        EXPECT_FALSE(control.finish()) << at;
        EXPECT_EQ(control.fault_offset(), at + 1) << at;
        const std::string with_quote = '"' + before + '"' + after;
        JsonReader quote{with_quote};
        EXPECT_EQ(quote.next(), JsonToken::string) << at;
        EXPECT_EQ(quote.raw(), before) << at;
    }
}

}  // namespace
}  // namespace headgate::providers
