#include "providers/contract/sse_parser.h"

#include "tests/fuzz/sse_parser_check.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::providers {
namespace {

using fuzz::parse_sse;
using fuzz::ParsedStream;

constexpr std::string_view kChat =
    "data: {\"id\":\"chatcmpl-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n"
    "data: {\"id\":\"chatcmpl-1\",\"choices\":[{\"index\":0,\"delta\":{},"
    "\"finish_reason\":\"stop\"}]}\n\n"
    "data: [DONE]\n\n";

/// Texts that end where it is known whether their last line has ended.
const std::vector<std::string> kTexts = {
    std::string{kChat},
    "event: response.created\ndata: {\"type\":\"response.created\"}\n\n",
    "data: a\r\n\r\nevent: e\r\ndata: b\r\n\r\n",
    "data: a\r\rdata: b\rdata: c\r\r",
    "data: a\n\r\ndata: b\r\n\ndata: c\r\r\ndata: d\n\n",
    "data: a\r\r\ndata: b\n\n",
    // The literals are parted where a hexadecimal escape would go on.
    // NOLINTBEGIN(bugprone-suspicious-missing-comma)
    "\xef\xbb\xbf"
    "data: a\n\ndata: \xef\xbb\xbf\n\n",
    "\xef\xbb"
    "data: a\n\ndata: b\n\n",
    "\xef"
    "data: a\n\n",
    // NOLINTEND(bugprone-suspicious-missing-comma)
    ": OPENROUTER PROCESSING\n\n: another\ndata: a\n\n",
    "data: a\ndata:b\ndata\ndata:  c\n\n",
    "id: 1\nretry: 5\ndata: a\n\nfoo\ndata: b\n\n",
    "data\n\ndata:\n\nevent: none\n\n\n\n\r\n\r\ndata: x\n\n",
    "data: a\n\ndata: not whole\n",
};

struct EventCase {
    std::string_view text;
    std::string_view data;
    std::string_view name;
    bool is_bare;
};

TEST(SseParser, ReadsFieldsAsTheStandardAsks) {
    const EventCase cases[] = {
        {"data: x\n\n", "x", "", true},
        {"data:x\n\n", "x", "", true},
        {"data:  x\n\n", " x", "", true},
        {"data:\tx\n\n", "\tx", "", true},
        {"data\n\n", "", "", true},
        {"data:\n\n", "", "", true},
        {"data: a:b: c\n\n", "a:b: c", "", true},
        {"data: a\ndata: b\n\n", "a\nb", "", true},
        {"data: a\ndata\ndata: b\n\n", "a\n\nb", "", true},
        {"data\ndata\n\n", "\n", "", true},
        {"event: e\ndata: x\n\n", "x", "e", true},
        {"data: x\nevent:e\nevent: f\n\n", "x", "f", true},
        {"event\ndata: x\n\n", "x", "", true},
        {"id: 1\ndata: x\n\n", "x", "", false},
        {"retry: 1\ndata: x\n\n", "x", "", false},
        {": comment\ndata: x\n\n", "x", "", false},
        {"data: x\n:\n\n", "x", "", false},
        {"Data: y\ndata: x\n\n", "x", "", false},
        {"data : y\ndata: x\n\n", "x", "", false},
        {" data: y\ndata: x\n\n", "x", "", false},
        {"datax\ndata: x\n\n", "x", "", false},
        {"data: \xff\n\n", "\xff", "", true},
    };

    for (const EventCase& test : cases) {
        const ParsedStream parsed = parse_sse(test.text, {});

        ASSERT_EQ(parsed.events.size(), 1U) << test.text;
        EXPECT_EQ(parsed.events[0].raw, test.text);
        EXPECT_EQ(parsed.events[0].data, test.data) << test.text;
        EXPECT_EQ(parsed.events[0].name, test.name) << test.text;
        EXPECT_EQ(parsed.events[0].is_bare, test.is_bare) << test.text;
        EXPECT_EQ(parsed.held, 0U) << test.text;
    }
}

TEST(SseParser, GivesNoEventForBlocksWithoutData) {
    for (const std::string_view text :
         {"", "\n", "\r", "\r\n\r\n\n", ": keep-alive\n\n", ":\n\n", "event: e\n\n", "id: 1\n\n"}) {
        EXPECT_TRUE(parse_sse(text, {}).events.empty()) << text;
    }
}

TEST(SseParser, WaitsForTheBlankLine) {
    for (const std::string_view text : {"data: x", "data: x\n", "data: x\r", "data: x\r\n"}) {
        const ParsedStream parsed = parse_sse(text, {});

        EXPECT_TRUE(parsed.events.empty()) << text;
        EXPECT_EQ(parsed.held, text.size()) << text;
    }
}

TEST(SseParser, GivesAnEventAsSoonAsItsBlankLineHasEnded) {
    for (const std::string_view text : {"data: x\n\n", "data: x\r\n\r\n", "data: x\r\r"}) {
        EXPECT_EQ(parse_sse(text, {}).events.size(), 1U) << text;
    }
}

TEST(SseParser, KeepsTheLineEndsOfAnEventInItsRawBytes) {
    const ParsedStream parsed = parse_sse("data: a\r\n\r\n: c\r\ndata: b\n\r\ndata: c\n\n", {});

    ASSERT_EQ(parsed.events.size(), 3U);
    EXPECT_EQ(parsed.events[0].raw, "data: a\r\n\r\n");
    EXPECT_EQ(parsed.events[1].raw, ": c\r\ndata: b\n\r\n");
    EXPECT_EQ(parsed.events[2].raw, "data: c\n\n");
}

TEST(SseParser, DropsAByteOrderMarkAtTheStartOnly) {
    const std::string mark = "\xef\xbb\xbf";

    const ParsedStream parsed = parse_sse(mark + "data: a\n\n" + mark + "data: b\n\n", {});

    ASSERT_EQ(parsed.events.size(), 1U);
    EXPECT_EQ(parsed.events[0].raw, "data: a\n\n");
}

TEST(SseParser, GivesTheSameEventsUnderEveryCut) {
    for (const std::string& text : kTexts) {
        const ParsedStream whole = parse_sse(text, {});

        for (std::size_t first = 0; first <= text.size(); ++first) {
            for (std::size_t second = first; second <= text.size(); ++second) {
                ASSERT_EQ(parse_sse(text, {first, second}), whole)
                    << text << " cut at " << first << " and " << second;
            }
        }
    }
}

TEST(SseParser, AgreesWithTheStandardsAlgorithmOnRandomTexts) {
    const std::vector<std::string> parts = {"\n",     "\r",      "\r\n",        "data", "data:",
                                            "data: ", "event: ", "id: 1",       ":",    " ",
                                            "x",      "\u00e9",  "\xef\xbb\xbf"};
    for (std::uint32_t seed = 0; seed < 1500; ++seed) {
        std::mt19937 random{seed};
        std::string text;
        for (std::uint32_t count = random() % 40; count != 0; --count) {
            text += parts[random() % parts.size()];
        }

        EXPECT_NO_THROW(fuzz::check_sse_parser(text)) << "seed " << seed;
    }
}

TEST(SseParser, DoesNotCopyWholeEvents) {
    SseParser parser;
    SseEvent event;
    parser.feed(kChat);

    ASSERT_TRUE(parser.next(event));
    EXPECT_EQ(event.raw.data(), kChat.data());
    EXPECT_EQ(event.data.data(), kChat.data() + 6);
    ASSERT_TRUE(parser.next(event));
    ASSERT_TRUE(parser.next(event));
    EXPECT_EQ(event.data, "[DONE]");
    EXPECT_EQ(event.raw.data() + event.raw.size(), kChat.data() + kChat.size());
    EXPECT_FALSE(parser.next(event));
    EXPECT_EQ(parser.held(), 0U);
}

TEST(SseParser, CopiesNoMoreThanTheEventThatCameInParts) {
    const std::string_view rest = "ta: b\n\ndata: c\n\n";
    SseParser parser;
    SseEvent event;
    parser.feed("data: a\n\nda");
    EXPECT_TRUE(parser.next(event));
    EXPECT_FALSE(parser.next(event));
    EXPECT_EQ(parser.held(), 2U);

    parser.feed(rest);

    ASSERT_TRUE(parser.next(event));
    EXPECT_EQ(event.raw, "data: b\n\n");
    ASSERT_TRUE(parser.next(event));
    EXPECT_EQ(event.raw.data(), rest.data() + 7);
}

/// A text whose event has `size` bytes before its blank line.
std::string event_of(std::size_t size) {
    return "data: " + std::string(size - 7, 'x') + "\n\n";
}

TEST(SseParser, TakesEventsOf16MiBAndNoLarger) {
    const std::string largest = event_of(SseParser::kMaxEvent);
    const std::string larger = event_of(SseParser::kMaxEvent + 1);
    const std::vector<std::vector<std::size_t>> all_cuts = {
        {}, {1}, {largest.size() - 1}, {largest.size() - 2}, {1000, 5'000'000}};

    for (const std::vector<std::size_t>& cuts : all_cuts) {
        const ParsedStream fits = parse_sse(largest, cuts);
        EXPECT_EQ(fits.events.size(), 1U);
        EXPECT_FALSE(fits.is_too_large);

        const ParsedStream exceeds = parse_sse(larger + "data: a\n\n", cuts);
        EXPECT_TRUE(exceeds.events.empty());
        EXPECT_TRUE(exceeds.is_too_large);
        EXPECT_EQ(exceeds.held, 0U);
    }
}

TEST(SseParser, StopsHoldingALineThatNeverEnds) {
    const std::string piece(1 << 20, ':');
    SseParser parser;
    SseEvent event;

    for (int i = 0; i < 40; ++i) {
        parser.feed(piece);
        EXPECT_FALSE(parser.next(event));
        EXPECT_LE(parser.held(), SseParser::kMaxEvent);
    }

    EXPECT_TRUE(parser.is_too_large());
    parser.feed("\n\ndata: a\n\n");
    EXPECT_FALSE(parser.next(event));
}

}  // namespace
}  // namespace headgate::providers
