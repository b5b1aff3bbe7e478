#include "policy/config/scalars.h"

#include "policy/config/spelling.h"

namespace headgate::policy {
namespace {

using namespace std::chrono_literals;

TEST(Durations, AreAWholeNumberWithAUnit) {
    const std::vector<std::pair<std::string_view, std::chrono::milliseconds>> cases = {
        {"200ms", 200ms}, {"30s", 30s}, {"10m", 10min},       {"1h", 1h},
        {"1d", 24h},      {"0s", 0ms},  {"3650d", 24h * 3650}};

    for (const auto& [text, expected] : cases) {
        EXPECT_EQ(parse_duration(text), expected) << text;
    }
}

TEST(Durations, RefuseEverythingElse) {
    for (const std::string_view text :
         {"", "30", "s", "-1s", "+1s", "1.5s", "1 s", "1S", "1w", "1h30m", "3651d", "1e3s",
          "99999999999999999999s", "9223372036854775807d", "30s "}) {
        EXPECT_FALSE(parse_duration(text).has_value()) << text;
    }
    EXPECT_EQ(parse_duration("30").error(), "must be a duration such as 200ms, 30s, 10m, 1h or 1d");
}

TEST(Timeouts, AreLongerThanNothing) {
    EXPECT_EQ(parse_timeout("1ms"), 1ms);
    EXPECT_FALSE(parse_timeout("0s").has_value());
    EXPECT_FALSE(parse_timeout("soon").has_value());
}

TEST(Sizes, KnowBinaryAndDecimalUnits) {
    const std::vector<std::pair<std::string_view, std::size_t>> cases = {
        {"16KiB", 16384},
        {"32MiB", std::size_t{32} << 20},
        {"1GiB", std::size_t{1} << 30},
        {"16KB", 16000},
        {"32MB", 32'000'000},
        {"4096", 4096}};

    for (const auto& [text, expected] : cases) {
        EXPECT_EQ(parse_size(text), expected) << text;
    }
}

TEST(Sizes, RefuseEverythingElse) {
    for (const std::string_view text : {"", "KiB", "-1KiB", "1.5MiB", "16 KiB", "16kib", "16K",
                                        "1TiB", "1125899906842625", "99999999999GiB"}) {
        EXPECT_FALSE(parse_size(text).has_value()) << text;
    }
}

TEST(Counts, AreWholeNumbersOfYamlsCoreSchemaOrHaveASuffix) {
    const std::vector<std::pair<std::string_view, std::int64_t>> cases = {
        {"0", 0},     {"50", 50},   {"+7", 7},         {"010", 10},
        {"0x1F", 31}, {"0o17", 15}, {"300k", 300'000}, {"2M", 2'000'000}};

    for (const auto& [text, expected] : cases) {
        EXPECT_EQ(parse_count(text), expected) << text;
    }
}

TEST(Counts, RefuseEverythingElse) {
    for (const std::string_view text :
         {"", "-1", "1.0", "1e3", "0x", "0x-1", "++1", "1_000", "k", "3K", "3m", "many",
          "9007199254740993", "9223372036854775808", "99999999999M"}) {
        EXPECT_FALSE(parse_count(text).has_value()) << text;
    }
}

TEST(Counts, TellTheRangeThatTheyMustKeep) {
    EXPECT_EQ(parse_count_between("599", 400, 599), 599);
    EXPECT_EQ(parse_count_between("600", 400, 599).error(),
              "must be a whole number from 400 to 599");
    EXPECT_FALSE(parse_count_between("399", 400, 599).has_value());
}

TEST(Percentages, HaveTheirSign) {
    EXPECT_EQ(parse_percent("80%"), 0.8);
    EXPECT_EQ(parse_percent("0%"), 0.0);
    EXPECT_EQ(parse_percent("12.5%"), 0.125);
    EXPECT_EQ(parse_percent("100%"), 1.0);
    for (const std::string_view text :
         {"", "%", "80", "0.8", "101%", "-1%", "1e1%", "nan%", "80 %", "1.2.3%", "0.1234567%"}) {
        EXPECT_FALSE(parse_percent(text).has_value()) << text;
    }
}

TEST(Rates, GoFromZeroToOne) {
    EXPECT_EQ(parse_rate("0"), 0.0);
    EXPECT_EQ(parse_rate("0.1"), 0.1);
    EXPECT_EQ(parse_rate("1"), 1.0);
    EXPECT_EQ(parse_rate("1e-2"), 0.01);
    for (const std::string_view text : {"", "-0.1", "1.1", "inf", "nan", "10%", "often", "1e999"}) {
        EXPECT_FALSE(parse_rate(text).has_value()) << text;
    }
}

TEST(Flags, AreThoseOfYamlsCoreSchema) {
    EXPECT_EQ(parse_flag("true"), true);
    EXPECT_EQ(parse_flag("False"), false);
    for (const std::string_view text : {"yes", "no", "on", "off", "1", "0", "y", "tRUE", ""}) {
        EXPECT_FALSE(parse_flag(text).has_value()) << text;
    }
}

TEST(Dates, BeginAtMidnightUtc) {
    EXPECT_EQ(parse_date("2027-01-01"), providers::WallTime{std::chrono::seconds{1'798'761'600}});
    EXPECT_EQ(parse_date("2028-02-29"), providers::WallTime{std::chrono::seconds{1'835'395'200}});
    EXPECT_EQ(parse_date("9999-12-31"), providers::WallTime::max());
}

TEST(Dates, RefuseDaysThatDoNotExist) {
    for (const std::string_view text :
         {"", "2027-02-29", "2027-13-01", "2027-00-01", "2027-01-32", "2027-1-1", "01-01-2027",
          "2027/01/01", "2027-01-01T00:00:00Z", "1969-12-31", "-027-01-01", "2027--1-01"}) {
        EXPECT_FALSE(parse_date(text).has_value()) << text;
    }
}

TEST(HeaderTokens, HoldNothingThatCouldEndAHeader) {
    EXPECT_EQ(parse_header_token("sk-proj_A.b/c+d="), "sk-proj_A.b/c+d=");
    for (const std::string_view text : {"a b", "a\r\nx: y", "a\tb", "k\xC3\xA9y", "a\x7F"}) {
        EXPECT_FALSE(parse_header_token(text).has_value());
    }
    EXPECT_FALSE(parse_header_token(std::string(4097, 'a')).has_value());
}

TEST(ModelGlobs, RefuseWhatNoModelIsCalled) {
    EXPECT_EQ(parse_model_glob("ft:gpt-4o*:acme/x@1+?"), "ft:gpt-4o*:acme/x@1+?");
    for (const std::string_view text : {"", "gpt 5", "gpt-5,o4", "{a}", "[ab]"}) {
        EXPECT_FALSE(parse_model_glob(text).has_value()) << text;
    }
    EXPECT_FALSE(parse_model_glob(std::string(257, 'a')).has_value());
    EXPECT_TRUE(parse_model_glob(std::string(16, '*')).has_value());
    EXPECT_FALSE(parse_model_glob(std::string(17, '*')).has_value());
}

TEST(Names, Have1To64PlainCharacters) {
    EXPECT_TRUE(is_plain_name("azure-eu_1.x"));
    EXPECT_TRUE(is_plain_name(std::string(64, 'a')));
    EXPECT_FALSE(is_plain_name(std::string(65, 'a')));
    EXPECT_FALSE(is_plain_name(""));
    EXPECT_FALSE(is_plain_name("a/b"));
    EXPECT_FALSE(is_plain_name("\xC3\xA9"));
}

TEST(Spelling, CountsSwapsAsOneEdit) {
    EXPECT_EQ(edit_distance("targets", "targets"), 0U);
    EXPECT_EQ(edit_distance("targtes", "targets"), 1U);
    EXPECT_EQ(edit_distance("target", "targets"), 1U);
    EXPECT_EQ(edit_distance("", "abc"), 3U);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
    EXPECT_EQ(edit_distance(std::string(1000, 'a'), std::string(1000, 'b')), 64U);
}

TEST(Spelling, SuggestsOnlyWhatIsNear) {
    const std::vector<std::string_view> names = {"targets", "timeouts", "name"};

    EXPECT_EQ(did_you_mean("target", names), "did you mean `targets`?");
    EXPECT_EQ(did_you_mean("timeout", names), "did you mean `timeouts`?");
    EXPECT_EQ(did_you_mean("strategy", names), "");
    EXPECT_EQ(did_you_mean("x", names), "");
}

}  // namespace
}  // namespace headgate::policy
