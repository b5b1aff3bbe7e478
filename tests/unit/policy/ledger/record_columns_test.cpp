#include "policy/ledger/record_columns.h"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>

namespace headgate::policy {
namespace {

using providers::WallTime;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::sys_days;

constexpr sys_days kDay{std::chrono::year{2026} / 3 / 1};

TEST(RecordColumns, AreTheRowsFieldsInTheContractsMeaning) {
    LedgerRow row;
    row.id = "req_1";
    row.time = kDay + std::chrono::hours{5} + nanoseconds{1'999'999};
    row.project = "shop";
    row.status = 200;
    row.outcome = Outcome::client_gone;
    row.usage.input = {100};
    row.usage.cached_input = {10};
    row.usage.cache_write = {1};
    row.usage.output = {20};
    row.usage.reasoning = {5};
    row.usage.images = 2;
    row.cost = providers::Money::nanos(77);
    row.count = 3;
    row.tags = "team=a";
    RecordColumnsWriter writer;

    const RecordColumns& columns = writer.columns(row);

    EXPECT_EQ(columns.id, "req_1");
    EXPECT_EQ(columns.time_ms, 1'772'341'200'001);
    EXPECT_EQ(columns.day, 20'513);
    EXPECT_EQ(columns.project, "shop");
    EXPECT_EQ(columns.status, 200);
    EXPECT_EQ(columns.outcome, "client_gone");
    EXPECT_EQ(columns.input_tokens, 111);
    EXPECT_EQ(columns.cached_input_tokens, 10);
    EXPECT_EQ(columns.output_tokens, 25);
    EXPECT_EQ(columns.images, 2);
    EXPECT_EQ(columns.cost_nanos, 77);
    EXPECT_EQ(columns.count, 3);
    EXPECT_EQ(columns.tags, "team=a");
    EXPECT_TRUE(columns.detail.starts_with(R"({"id":"req_1",)"));
    EXPECT_TRUE(columns.detail.ends_with(R"("count":3})"));
}

TEST(RecordColumns, DoNotCarryOneRowsTextsIntoTheNext) {
    LedgerRow broken;
    broken.id = "first";
    broken.model = broken.key = "\xff";
    LedgerRow plain;
    plain.id = "second";
    RecordColumnsWriter writer;

    EXPECT_EQ(writer.columns(broken).model, "\xef\xbf\xbd");
    const RecordColumns& columns = writer.columns(plain);

    EXPECT_EQ(columns.id, "second");
    EXPECT_EQ(columns.model, "");
    EXPECT_EQ(columns.key, "");
    EXPECT_FALSE(columns.status);
}

TEST(StorableText, ReplacesWhatIsNoUtf8AndNul) {
    struct Case {
        std::string_view text;
        std::string_view storable;
    };
    constexpr std::string_view kNul{"a\0b", 3};
    for (const Case& test : {Case{"", ""},
                             {"plain", "plain"},
                             {"\xf0\x9f\x90\x98", "\xf0\x9f\x90\x98"},
                             {kNul,
                              "a\xef\xbf\xbd"
                              "b"},
                             {"\xf0\x9f", "\xef\xbf\xbd\xef\xbf\xbd"},
                             {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}}) {
        EXPECT_EQ(storable_text(test.text), test.storable);
        EXPECT_EQ(is_storable(test.text), test.text == test.storable);
    }
}

TEST(StoredTimes, ComeBackAsTheyWereAndNeverOverflow) {
    for (const std::int64_t ms :
         {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1'772'341'200'001}}) {
        EXPECT_EQ(to_ms(time_from_ms(ms)), ms);
    }
    EXPECT_EQ(to_ms(WallTime{nanoseconds{-1}}), -1);
    EXPECT_LE(time_from_ms(std::numeric_limits<std::int64_t>::max()), WallTime::max());
    EXPECT_GE(time_from_ms(std::numeric_limits<std::int64_t>::min()), WallTime::min());
    EXPECT_EQ(day_from_number(to_day_number(kDay)), kDay);
}

TEST(TimeBounds, AreRoundedUpToMilliseconds) {
    const WallTime exact = kDay + milliseconds{5};
    const TimeBounds none = time_bounds(std::nullopt, std::nullopt);
    const TimeBounds bounds = time_bounds(exact, exact + nanoseconds{1});
    const TimeBounds widest = time_bounds(WallTime::min(), WallTime::max());

    EXPECT_EQ(none.from_ms, std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(none.to_ms, std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(bounds.from_ms, to_ms(exact));
    EXPECT_EQ(bounds.to_ms, to_ms(exact) + 1);
    EXPECT_LT(widest.from_ms, widest.to_ms);
}

TEST(WholeDays, LieInTheTimeFromBeginToEnd) {
    const DayBounds exact = whole_days(kDay, kDay + std::chrono::days{2});
    const DayBounds inside =
        whole_days(kDay + nanoseconds{1}, kDay + std::chrono::days{2} - nanoseconds{1});

    EXPECT_EQ(exact.first, 20'513);
    EXPECT_EQ(exact.end, 20'515);
    EXPECT_EQ(inside.first, 20'514);
    EXPECT_EQ(inside.end, 20'514);
}

TEST(TimeInId, IsReadFromOurIdsAlone) {
    EXPECT_EQ(time_ms_in_id("req_00000000010000000000000000"), 1);
    EXPECT_EQ(time_ms_in_id("req_000000010z0000000000000000"), 1'055);
    EXPECT_EQ(time_ms_in_id("req_zzzzzzzzzzzzzzzzzzzzzzzzzz"), (std::int64_t{1} << 50) - 1);
    for (const std::string_view other :
         {"", "req_", "row_00000000010000000000000000", "req_0000000001000000000000000",
          "req_000000000100000000000000000", "req_000000000i0000000000000000",
          "req_000000000A0000000000000000"}) {
        EXPECT_FALSE(time_ms_in_id(other)) << other;
    }
}

TEST(TagValue, IsThatOfTheExactNameAndOfTheLastThatHasIt) {
    struct Case {
        std::string_view tags;
        std::string_view value;
    };
    for (const Case& test : {Case{"", ""},
                             {"team=a", "a"},
                             {"x=y,team=a,z=w", "a"},
                             {"xteam=a", ""},
                             {"teams=a", ""},
                             {"x=team=a", ""},
                             {"team=a,team=b", "b"},
                             {"team", ""},
                             {"team=", ""},
                             {"team=a=b", "a=b"},
                             {",,team=a,", "a"}}) {
        EXPECT_EQ(tag_value(test.tags, "team"), test.value) << test.tags;
    }
}

}  // namespace
}  // namespace headgate::policy
