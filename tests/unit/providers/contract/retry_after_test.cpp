#include "providers/contract/retry_after.h"

#include <gtest/gtest.h>

#include <string>

namespace headgate::providers {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

using Wait = std::optional<milliseconds>;

// Sun, 06 Nov 1994 08:49:37 GMT: the instant of the examples of RFC 9110 §5.6.7.
const WallTime kExample = std::chrono::sys_seconds{seconds{784'111'777}};

struct WaitCase {
    std::string text;
    Wait wait;
};

TEST(RetryAfter, ReadsSecondsWithAFractionRoundedUp) {
    const WaitCase cases[] = {
        {"0", milliseconds{0}},
        {"120", seconds{120}},
        {" 7 \t", seconds{7}},
        {"0.5", milliseconds{500}},
        {"1.0001", milliseconds{1'001}},
        {"1.9999999999999999999", seconds{2}},
        {"0.000000000000000000001", milliseconds{1}},
        {"0007", seconds{7}},
        {"2592000", days{30}},
        {"2592001", days{30}},
        {std::string(400, '9'), days{30}},
    };

    for (const WaitCase& test : cases) {
        EXPECT_EQ(parse_retry_after(test.text, kExample), test.wait) << test.text;
    }
}

TEST(RetryAfter, ReadsADateInEachOfTheThreeFormats) {
    const WallTime now = kExample - seconds{90};

    for (const std::string text : {"Sun, 06 Nov 1994 08:49:37 GMT",
                                   "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
        EXPECT_EQ(parse_retry_after(text, now), Wait{seconds{90}}) << text;
    }
    EXPECT_EQ(parse_retry_after("Sun Nov 13 08:49:37 1994", now), Wait{days{7} + seconds{90}});
}

TEST(RetryAfter, CountsADateFromNowAndNeverBelowZero) {
    const std::string text = "Sun, 06 Nov 1994 08:49:37 GMT";

    EXPECT_EQ(parse_retry_after(text, kExample - milliseconds{1}), Wait{milliseconds{1}});
    EXPECT_EQ(parse_retry_after(text, kExample), Wait{milliseconds{0}});
    EXPECT_EQ(parse_retry_after(text, kExample + hours{1}), Wait{milliseconds{0}});
    EXPECT_EQ(parse_retry_after(text, kExample - days{31}), Wait{days{30}});
    EXPECT_EQ(parse_retry_after("Fri, 31 Dec 9999 23:59:60 GMT", kExample), Wait{days{30}});
    EXPECT_EQ(parse_retry_after("Sat, 01 Jan 0000 00:00:00 GMT", kExample), Wait{milliseconds{0}});
}

TEST(RetryAfter, PutsTwoDigitsOfAYearWithinFiftyYears) {
    // 2026-07-01: "76" is 50 years ahead, "77" would be 51 and is 1977.
    const WallTime now = std::chrono::sys_days{std::chrono::year{2026} / 7 / 1};

    EXPECT_EQ(parse_retry_after("Wednesday, 01-Jul-26 00:00:09 GMT", now), Wait{seconds{9}});
    EXPECT_EQ(parse_retry_after("Wednesday, 01-Jul-76 00:00:09 GMT", now), Wait{days{30}});
    EXPECT_EQ(parse_retry_after("Friday, 01-Jul-77 00:00:09 GMT", now), Wait{milliseconds{0}});
    const WallTime late = std::chrono::sys_days{std::chrono::year{2099} / 12 / 31};
    EXPECT_EQ(parse_retry_after("Friday, 01-Jan-00 00:00:00 GMT", late), Wait{hours{24}});
}

TEST(RetryAfter, RefusesWhatIsNeitherSecondsNorADate) {
    for (const std::string text : {"",
                                   " ",
                                   "-1",
                                   "+1",
                                   "1e3",
                                   "1.",
                                   ".5",
                                   "1s",
                                   "0x10",
                                   "1 2",
                                   "soon",
                                   "nan",
                                   "inf",
                                   "Sun, 06 Nov 1994 08:49:37",
                                   "Sun, 06 Nov 1994 08:49:37 UTC",
                                   "Sun, 6 Nov 1994 08:49:37 GMT",
                                   "Sun, 06 Nov 94 08:49:37 GMT",
                                   "Sun, 30 Feb 1994 08:49:37 GMT",
                                   "Sun, 00 Nov 1994 08:49:37 GMT",
                                   "Sun, 06 Nov 1994 24:49:37 GMT",
                                   "Sun, 06 Nov 1994 08:60:37 GMT",
                                   "Sun, 06 Nov 1994 08:49:61 GMT",
                                   "Sun, 06 nov 1994 08:49:37 GMT",
                                   "Xyz, 06 Nov 1994 08:49:37 GMT",
                                   "Sunday, 06-Nov-1994 08:49:37 GMT",
                                   "Sun Nov 6 08:49:37 1994",
                                   "Sun Nov  6 08:49:37 1994 GMT",
                                   "Sunday"}) {
        EXPECT_EQ(parse_retry_after(text, kExample), Wait{}) << text;
    }
    EXPECT_EQ(parse_retry_after({"1\0", 2}, kExample), Wait{});
}

TEST(RetryAfterMs, ReadsMillisecondsRoundedUp) {
    EXPECT_EQ(parse_retry_after_ms("1500"), Wait{milliseconds{1'500}});
    EXPECT_EQ(parse_retry_after_ms("0.2"), Wait{milliseconds{1}});
    EXPECT_EQ(parse_retry_after_ms("99999999999999999999"), Wait{days{30}});
    EXPECT_EQ(parse_retry_after_ms(""), Wait{});
    EXPECT_EQ(parse_retry_after_ms("-5"), Wait{});
    EXPECT_EQ(parse_retry_after_ms("5ms"), Wait{});
}

TEST(GoDuration, ReadsWhatGoPrintsAndWhatRateLimitHeadersHold) {
    const WaitCase cases[] = {
        {"0", milliseconds{0}},
        {"0s", milliseconds{0}},
        {"1s", seconds{1}},
        {"6m0s", minutes{6}},
        {"120ms", milliseconds{120}},
        {"1h2m3.5s", hours{1} + minutes{2} + milliseconds{3'500}},
        {"1.5h", minutes{90}},
        {"7m12.000000001s", minutes{7} + milliseconds{12'001}},
        {"1ns", milliseconds{1}},
        {"500us500us", milliseconds{1}},
        {"17\u00b5s", milliseconds{1}},
        {"1000\u03bcs", milliseconds{1}},
        {" 8.64s ", milliseconds{8'640}},
        {"99999999999999999999h", days{30}},
    };

    for (const WaitCase& test : cases) {
        EXPECT_EQ(parse_go_duration(test.text), test.wait) << test.text;
    }
    for (const std::string text :
         {"", "1", "s", "1x", "-1s", "1s 2s", "1.s", "1m2", "1S", "1d", "1sec"}) {
        EXPECT_EQ(parse_go_duration(text), Wait{}) << text;
    }
}

TEST(GoDuration, NeverOverflowsHoweverManyPartsItHas) {
    std::string text;
    for (int part = 0; part < 20'000; ++part) {
        text += "999999999999h";
    }

    EXPECT_EQ(parse_go_duration(text), Wait{days{30}});
}

}  // namespace
}  // namespace headgate::providers
