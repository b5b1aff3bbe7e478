#include "proxy/net/head_writer.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace headgate::proxy {
namespace {

using namespace std::string_literals;

TEST(HeadWriter, WritesAnAnswerHead) {
    std::array<char, 256> memory{};
    HeadWriter head{memory};

    head.status_line(200);
    head.field("content-type", "application/json");
    head.field("content-length", std::uint64_t{18'446'744'073'709'551'615U});
    head.lines("x-a: 1\r\nx-b: 2\r\n");

    EXPECT_EQ(head.finish(),
              "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
              "content-length: 18446744073709551615\r\nx-a: 1\r\nx-b: 2\r\n\r\n");
    EXPECT_TRUE(head.is_valid());
}

TEST(HeadWriter, WritesARequestHead) {
    std::array<char, 256> memory{};
    HeadWriter head{memory};

    head.request_line("POST", "/v1/chat/completions?a=b");
    head.field("x-empty", "");

    EXPECT_EQ(head.finish(), "POST /v1/chat/completions?a=b HTTP/1.1\r\nx-empty: \r\n\r\n");
    EXPECT_TRUE(head.is_valid());
}

TEST(HeadWriter, LeavesOutFieldsThatWouldSmuggle) {
    const std::array<std::pair<std::string, std::string>, 7> cases{{
        {"x", "a\r\ny: b"},
        {"x", "a\nb"},
        {"x", "a\0b"s},
        {"x\r\ny", "a"},
        {"x y", "a"},
        {"x:", "a"},
        {"", "a"},
    }};
    for (const auto& [name, value] : cases) {
        std::array<char, 256> memory{};
        HeadWriter head{memory};
        head.status_line(200);

        head.field(name, value);

        EXPECT_FALSE(head.is_valid()) << name << value;
        EXPECT_EQ(head.finish(), "HTTP/1.1 200 OK\r\n\r\n");
    }
}

TEST(HeadWriter, RefusesTargetsThatAreNotVisibleAscii) {
    for (const std::string& target : {""s, "/a b"s, "/\r\n"s, "/\xc3\xa9"s, "/\0"s, "/\x7f"s}) {
        std::array<char, 256> memory{};
        HeadWriter head{memory};

        head.request_line("POST", target);

        EXPECT_FALSE(head.is_valid()) << target;
        EXPECT_EQ(head.finish(), "\r\n");
    }
}

TEST(HeadWriter, RefusesMethodsAndStatusesThatDoNotExist) {
    std::array<char, 256> memory{};
    HeadWriter method{memory};
    HeadWriter low{memory};
    HeadWriter high{memory};

    method.request_line("PO ST", "/");
    low.status_line(99);
    high.status_line(600);

    EXPECT_FALSE(method.is_valid());
    EXPECT_FALSE(low.is_valid());
    EXPECT_FALSE(high.is_valid());
}

TEST(HeadWriter, WritesWholeLinesOnly) {
    std::array<char, 24> memory{};
    HeadWriter head{memory};

    head.status_line(200);        // 17 bytes
    head.field("name", "value");  // 13 more do not fit
    head.field("a", "b");         // 6 do

    EXPECT_FALSE(head.is_valid());
    EXPECT_EQ(head.finish(), "HTTP/1.1 200 OK\r\na: b\r\n");
}

TEST(HeadWriter, FillsItsMemoryToTheLastByte) {
    std::array<char, 19> exact{};
    HeadWriter fits{exact};
    HeadWriter lacks_one{std::span{exact}.first(18)};

    fits.status_line(200);
    lacks_one.status_line(200);

    EXPECT_EQ(fits.finish(), "HTTP/1.1 200 OK\r\n\r\n");
    EXPECT_TRUE(fits.is_valid());
    lacks_one.finish();
    EXPECT_FALSE(lacks_one.is_valid());
}

TEST(ReasonPhrase, KnowsTheStatusesThatWeSend) {
    EXPECT_EQ(reason_phrase(200), "OK");
    EXPECT_EQ(reason_phrase(404), "Not Found");
    EXPECT_EQ(reason_phrase(431), "Request Header Fields Too Large");
    EXPECT_EQ(reason_phrase(504), "Gateway Timeout");
    EXPECT_EQ(reason_phrase(299), "Unknown");
    EXPECT_EQ(reason_phrase(-1), "Unknown");
    EXPECT_EQ(reason_phrase(999), "Unknown");
}

}  // namespace
}  // namespace headgate::proxy
