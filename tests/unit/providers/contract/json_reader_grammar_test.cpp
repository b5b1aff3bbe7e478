// The grammar of RFC 8259, rule by rule. Names and cases follow JSONTestSuite (y_ must be accepted,
// n_ refused; of i_, where the RFC leaves a choice, ours is in the table).
#include "providers/contract/json_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace headgate::providers {
namespace {

using namespace std::string_literals;

struct GrammarCase {
    std::string name;
    std::string text;
};

std::string nested(int levels) {
    const auto count = static_cast<std::size_t>(levels);
    return std::string(count, '[') + std::string(count, ']');
}

std::vector<GrammarCase> accepted() {
    return {
        {"y_array_empty", "[]"},
        {"y_array_empty_string", R"([""])"},
        {"y_array_heterogeneous", R"([null, 1, "1", {}])"},
        {"y_array_with_leading_space", " [1]"},
        {"y_array_with_trailing_space", "[2] "},
        {"y_array_with_1_and_newline", "[1\n]"},
        {"y_object_empty", "{}"},
        {"y_object_empty_key", R"({"":0})"},
        {"y_object_duplicated_key", R"({"a":"b","a":"c"})"},
        {"y_object_escaped_null_in_key", R"({"foo\u0000bar": 42})"},
        {"y_object_with_newlines", "{\n\"a\": \"b\"\n}"},
        {"y_structure_lonely_null", "null"},
        {"y_structure_lonely_true", "true"},
        {"y_structure_lonely_false", "false"},
        {"y_structure_lonely_int", "42"},
        {"y_structure_lonely_negative_real", "-0.1"},
        {"y_structure_lonely_string", R"("asd")"},
        {"y_structure_string_empty", R"("")"},
        {"y_structure_whitespace", " \t\r\n[ \t\r\n] \t\r\n"},
        {"y_number", "[123e65]"},
        {"y_number_0e+1", "[0e+1]"},
        {"y_number_0e1", "[0e1]"},
        {"y_number_negative_zero", "[-0]"},
        {"y_number_minus_int", "[-123]"},
        {"y_number_real_capital_e_neg_exp", "[1E-2]"},
        {"y_number_simple_real", "[123.456789]"},
        {"y_number_at_the_end_of_text", "-1.25e-3"},
        {"i_number_huge_exp", "[0.4e00669999999999999999999999999999999999999999999999]"},
        {"i_number_too_big_int", "[100000000000000000000000000000000000000]"},
        {"i_number_of_a_thousand_digits", std::string(1000, '7')},
        {"y_string_all_simple_escapes", R"(["\"\\\/\b\f\n\r\t"])"},
        {"y_string_unicode_escape", R"(["\u0060\u012a\u12AB\uffFF"])"},
        {"y_string_surrogate_pair", R"(["\uD801\udc37"])"},
        {"y_string_utf8", "[\"\u00e9\u20ac\U0001f600\"]"},
        {"y_string_noncharacter", "[\"\U0010ffff\"]"},
        {"y_string_u2028_and_u2029", "[\"\u2028\u2029\"]"},
        {"y_string_with_del_character", "[\"\x7f\"]"},
        {"i_string_lone_high_surrogate", R"(["\ud800"])"},
        {"i_string_lone_low_surrogate", R"(["\udc00"])"},
        {"i_string_high_surrogate_and_text", R"(["\ud800abc"])"},
        {"i_string_two_high_surrogates", R"(["\ud800\ud800"])"},
        {"y_string_quote_in_the_16th_byte", R"(["123456789012345","x"])"},
        {"y_string_of_64_bytes", "[\"" + std::string(64, 'x') + "\"]"},
        {"i_structure_128_nested_arrays", nested(128)},
    };
}

struct RefusedCase {
    std::string name;
    std::string text;
    JsonFault fault;
    std::size_t offset;
};

std::vector<RefusedCase> refused() {
    using enum JsonFault;
    return {
        {"n_structure_no_data", "", unexpected_end, 0},
        {"n_structure_only_space", " \n", unexpected_end, 2},
        {"n_array_comma_after_close", R"([""],)", trailing_bytes, 4},
        {"n_array_just_comma", "[,]", unexpected_byte, 1},
        {"n_array_double_comma", "[1,,2]", unexpected_byte, 3},
        {"n_array_extra_comma", "[1,]", unexpected_byte, 3},
        {"n_array_missing_comma", "[3 4]", unexpected_byte, 3},
        {"n_array_colon_instead_of_comma", R"(["":1])", unexpected_byte, 3},
        {"n_array_unclosed", "[1", unexpected_end, 2},
        {"n_array_unclosed_after_comma", "[1,", unexpected_end, 3},
        {"n_array_closed_as_object", "[1}", unexpected_byte, 2},
        {"n_object_closed_as_array", R"({"a":1])", unexpected_byte, 6},
        {"n_object_trailing_comma", R"({"a":0,})", unexpected_byte, 7},
        {"n_object_double_colon", R"({"a"::1})", unexpected_byte, 5},
        {"n_object_missing_colon", R"({"a" 1})", unexpected_byte, 5},
        {"n_object_missing_value", R"({"a":})", unexpected_byte, 5},
        {"n_object_missing_key", "{:1}", unexpected_byte, 1},
        {"n_object_non_string_key", "{1:1}", unexpected_byte, 1},
        {"n_object_unquoted_key", "{a:1}", unexpected_byte, 1},
        {"n_object_single_quote", "{'a':0}", unexpected_byte, 1},
        {"n_object_comma_instead_of_colon", R"({"a",1})", unexpected_byte, 4},
        {"n_object_unclosed", R"({"a":1)", unexpected_end, 6},
        {"n_object_key_alone", R"({"a")", unexpected_end, 4},
        {"n_object_key_and_colon", R"({"a":)", unexpected_end, 5},
        {"n_object_trailing_comment", R"({"a":1}/**/)", trailing_bytes, 7},
        {"n_structure_comment", "[/**/]", unexpected_byte, 1},
        {"n_structure_two_values", "{}{}", trailing_bytes, 2},
        {"n_structure_null_byte_outside_string", "[\0]"s, unexpected_byte, 1},
        {"n_structure_trailing_nul", "{}\0"s, trailing_bytes, 2},
        {"n_structure_close_alone", "]", unexpected_byte, 0},
        {"n_structure_byte_order_mark", "\xef\xbb\xbf{}", unexpected_byte, 0},
        {"n_structure_form_feed", "[\f]", unexpected_byte, 1},
        {"n_structure_no_break_space", "[\xc2\xa0]", unexpected_byte, 1},
        {"n_literal_capitalized", "[True]", unexpected_byte, 1},
        {"n_literal_cut", "[nul]", unexpected_byte, 4},
        {"n_literal_at_the_end", "tru", unexpected_end, 3},
        {"n_literal_too_long", "truex", trailing_bytes, 4},
        {"n_number_nan", "[NaN]", unexpected_byte, 1},
        {"n_number_infinity", "[-Infinity]", invalid_number, 2},
        {"n_number_plus", "[+1]", unexpected_byte, 1},
        {"n_number_leading_point", "[.5]", unexpected_byte, 1},
        {"n_number_trailing_point", "[1.]", invalid_number, 3},
        {"n_number_point_and_exponent", "[2.e3]", invalid_number, 3},
        {"n_number_leading_zero", "[012]", invalid_number, 4},
        {"n_number_negative_leading_zero", "[-01]", invalid_number, 4},
        {"n_number_exponent_without_digits", "[1e]", invalid_number, 3},
        {"n_number_exponent_sign_alone", "[1e+]", invalid_number, 4},
        {"n_number_minus_alone", "-", unexpected_end, 1},
        {"n_number_hex", "[0x1]", unexpected_byte, 2},
        {"n_number_fullwidth_digit", "[\xef\xbc\x91]", unexpected_byte, 1},
        {"n_string_unescaped_newline", "[\"a\nb\"]", control_byte, 3},
        {"n_string_unescaped_tab", "[\"\t\"]", control_byte, 2},
        {"n_string_nul_byte", "[\"a\0\"]"s, control_byte, 3},
        {"n_string_invalid_escape", R"(["\x00"])", invalid_escape, 2},
        {"n_string_escaped_single_quote", R"(["\'"])", invalid_escape, 2},
        {"n_string_incomplete_unicode_escape", R"(["\u00A"])", invalid_escape, 2},
        {"n_string_bad_unicode_escape", R"(["\u00Ag"])", invalid_escape, 2},
        {"n_string_cut_in_an_escape", R"(["\)", unexpected_end, 3},
        {"n_string_cut_in_a_unicode_escape", R"(["\u00)", unexpected_end, 6},
        {"n_string_unclosed", R"("abc)", unexpected_end, 4},
        {"n_utf8_continuation_alone", "[\"\x80\"]", invalid_utf8, 2},
        {"n_utf8_overlong_slash", "[\"\xc0\xaf\"]", invalid_utf8, 2},
        {"n_utf8_overlong_three_bytes", "[\"\xe0\x80\xaf\"]", invalid_utf8, 2},
        {"n_utf8_overlong_four_bytes", "[\"\xf0\x80\x80\xaf\"]", invalid_utf8, 2},
        {"n_utf8_surrogate", "[\"\xed\xa0\x80\"]", invalid_utf8, 2},
        {"n_utf8_above_10ffff", "[\"\xf4\x90\x80\x80\"]", invalid_utf8, 2},
        {"n_utf8_byte_fe", "[\"\xfe\"]", invalid_utf8, 2},
        {"n_utf8_cut_by_the_quote", "[\"\xe2\x82\"]", invalid_utf8, 2},
        {"n_utf8_cut_by_the_end", "[\"\xf0\x9f\x98", invalid_utf8, 2},
        {"n_structure_129_nested_arrays", nested(129), too_deep, 128},
        {"n_structure_100000_opening_arrays", std::string(100'000, '['), too_deep, 128},
    };
}

TEST(JsonReader, AcceptsWhatTheGrammarAccepts) {
    for (const GrammarCase& test : accepted()) {
        JsonReader reader{test.text};

        EXPECT_TRUE(reader.finish()) << test.name;
        EXPECT_EQ(reader.fault(), JsonFault::none) << test.name;
        EXPECT_EQ(reader.token(), JsonToken::end) << test.name;
    }
}

TEST(JsonReader, RefusesWhatTheGrammarRefusesAndTellsWhere) {
    for (const RefusedCase& test : refused()) {
        JsonReader reader{test.text};

        EXPECT_FALSE(reader.finish()) << test.name;
        EXPECT_EQ(to_string(reader.fault()), to_string(test.fault)) << test.name;
        EXPECT_EQ(reader.fault_offset(), test.offset) << test.name;
    }
}

TEST(JsonReader, RefusesTheSameInsideWhatItSkips) {
    for (const RefusedCase& test : refused()) {
        if (test.fault == JsonFault::trailing_bytes || test.fault == JsonFault::too_deep) {
            continue;  // what is behind a value, and how deep it is, is told by what holds it
        }
        const std::string text = R"({"skipped":)" + test.text;
        JsonReader reader{text};
        reader.next();
        reader.next();

        EXPECT_FALSE(reader.skip()) << test.name;
        EXPECT_EQ(reader.fault_offset(), test.offset + 11) << test.name;
    }
}

TEST(JsonReader, RefusesEveryProperPrefixOfAnObject) {
    const std::string text =
        "{\"a\\u0062\": [1.5e+3, -2, true, false, null, \"\u00e9\\n\"], \"c\": {\"d\": {}}}";

    for (std::size_t size = 0; size < text.size(); ++size) {
        EXPECT_FALSE(JsonReader{text.substr(0, size)}.finish()) << size;
    }
    EXPECT_TRUE(JsonReader{text}.finish());
}

TEST(JsonReader, CountsObjectsAndArraysAlikeTowardsTheDepth) {
    std::string text;
    for (int level = 0; level < JsonReader::kMaxDepth / 2; ++level) {
        text += R"([{"k":)";
    }
    const std::string closing = [] {
        std::string closed;
        for (int level = 0; level < JsonReader::kMaxDepth / 2; ++level) {
            closed += "}]";
        }
        return closed;
    }();

    EXPECT_TRUE(JsonReader{text + "0" + closing}.finish());
    EXPECT_FALSE(JsonReader{text + "[]" + closing}.finish());
}

TEST(JsonReader, GivesTheSameFaultAgain) {
    JsonReader reader{"[1,]"};
    EXPECT_FALSE(reader.finish());

    EXPECT_EQ(reader.next(), JsonToken::error);
    EXPECT_FALSE(reader.skip());
    EXPECT_FALSE(reader.leave(1));
    EXPECT_FALSE(reader.finish());
    EXPECT_EQ(reader.fault(), JsonFault::unexpected_byte);
    EXPECT_EQ(reader.fault_offset(), 3U);
}

TEST(JsonReader, NamesEveryFaultInWordsOfItsOwn) {
    std::vector<std::string_view> words;
    for (int fault = 0; fault <= static_cast<int>(JsonFault::trailing_bytes); ++fault) {
        words.push_back(to_string(static_cast<JsonFault>(fault)));
    }

    std::ranges::sort(words);

    EXPECT_EQ(std::ranges::adjacent_find(words), words.end());
}

}  // namespace
}  // namespace headgate::providers
