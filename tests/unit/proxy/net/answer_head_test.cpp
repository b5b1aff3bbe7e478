#include "proxy/net/http_head.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace headgate::proxy {
namespace {

using namespace std::string_literals;

/// A scan with the bytes and the head that its views look into.
struct Scan {
    explicit Scan(std::string bytes, HeadLimits limits = {})
        : text{std::move(bytes)}, result{scan_answer_head(text, limits, *head)} {}

    std::string text;
    std::unique_ptr<AnswerHead> head = std::make_unique<AnswerHead>();
    ScanResult result;
};

std::string ok(const std::string& fields) {
    return "HTTP/1.1 200 OK\r\n" + fields + "\r\n";
}

/// The shape of an answer of OpenAI's API.
const std::string kStreamedAnswer =
    "HTTP/1.1 200 OK\r\n"
    "Date: Tue, 25 Nov 2025 10:00:00 GMT\r\n"
    "Content-Type: text/event-stream; charset=utf-8\r\n"
    "Transfer-Encoding: chunked\r\n"
    "Connection: keep-alive\r\n"
    "openai-processing-ms: 412\r\n"
    "x-request-id: req_0123456789\r\n"
    "\r\n";

TEST(AnswerHead, ReadsAStreamedAnswer) {
    const Scan scan{kStreamedAnswer + "5\r\nhello"};

    ASSERT_EQ(scan.result.status, ScanStatus::complete) << scan.result.problem;
    EXPECT_EQ(scan.result.size, kStreamedAnswer.size());
    EXPECT_EQ(scan.head->status, 200);
    EXPECT_TRUE(scan.head->is_chunked);
    EXPECT_TRUE(scan.head->keeps_alive);
    EXPECT_EQ(scan.head->fields.count, 6U);
    EXPECT_EQ(scan.head->fields.find("openai-processing-ms")->value, "412");
}

TEST(AnswerHead, WaitsForMoreAtEveryByteOfAValidHead) {
    for (std::size_t size = 0; size < kStreamedAnswer.size(); ++size) {
        const Scan scan{kStreamedAnswer.substr(0, size)};

        EXPECT_EQ(scan.result.status, ScanStatus::incomplete) << size;
    }
}

TEST(AnswerHead, ReadsStatusLinesWithAnyReason) {
    const std::vector<std::pair<std::string, int>> cases{
        {"HTTP/1.1 200 OK", 200},         {"HTTP/1.1 429 Too Many Requests", 429},
        {"HTTP/1.1 502 ", 502},           {"HTTP/1.1 599", 599},
        {"HTTP/1.0 404 Not\tFound", 404}, {"HTTP/1.1 500 \xc3\xa9t\xc3\xa9", 500},
    };
    for (const auto& [line, status] : cases) {
        const Scan scan{line + "\r\nContent-Length: 0\r\n\r\n"};

        EXPECT_EQ(scan.result.status, ScanStatus::complete) << line << scan.result.problem;
        EXPECT_EQ(scan.head->status, status) << line;
    }
}

TEST(AnswerHead, RefusesMalformedStatusLines) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"\r\nHTTP/1.1 200 OK", "malformed status line"},
        {"HTTP/2 200 OK", "malformed status line"},
        {"HTTP/1.2 200 OK", "malformed status line"},
        {"http/1.1 200 OK", "malformed status line"},
        {"ICY 200 OK", "malformed status line"},
        {"HTTP/1.1  200 OK", "malformed status"},
        {"HTTP/1.1\t200 OK", "malformed status line"},
        {"HTTP/1.1 20 OK", "malformed status"},
        {"HTTP/1.1 2000 OK", "malformed status line"},
        {"HTTP/1.1 2e0 OK", "malformed status"},
        {"HTTP/1.1 +20 OK", "malformed status"},
        {"HTTP/1.1 099 OK", "status outside 100 to 599"},
        {"HTTP/1.1 600 OK", "status outside 100 to 599"},
        {"HTTP/1.1 101 Switching Protocols", "status 101 though no upgrade was asked for"},
        {"HTTP/1.1 200 O\0K"s, "NUL"},
        {"HTTP/1.1 200 O\x1bK", "control byte"},
        {"HTTP/1.1 200 OK\n", "bare LF"},
        {"HTTP/1.1 200\n", "bare LF"},
        {"HTTP/1.1 200 OK\rX", "bare CR"},
    };
    for (const auto& [line, problem] : cases) {
        const Scan scan{line + "\r\nContent-Length: 0\r\n\r\n"};

        EXPECT_EQ(scan.result.status, ScanStatus::malformed) << line;
        EXPECT_EQ(scan.result.problem, problem) << line;
    }
}

TEST(AnswerHead, RefusesMalformedFieldsAndFramings) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"X: y\r\n z\r\n", "obs-fold"},
        {"X : y\r\n", "white space before the colon"},
        {": y\r\n", "empty field name"},
        {"X: y\n", "bare LF"},
        {"X: y\0\r\n"s, "NUL"},
        {"Content-Length: 5\r\nContent-Length: 5\r\n", "repeated Content-Length"},
        {"Content-Length: 5, 5\r\n", "malformed Content-Length"},
        {"Content-Length: -5\r\n", "malformed Content-Length"},
        {"Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding other than chunked"},
        {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
         "repeated Transfer-Encoding"},
        {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
         "both Content-Length and Transfer-Encoding"},
        {"Connection: (x)\r\n", "malformed Connection"},
    };
    for (const auto& [fields, problem] : cases) {
        const Scan scan{ok(fields)};

        EXPECT_EQ(scan.result.status, ScanStatus::malformed) << fields;
        EXPECT_EQ(scan.result.problem, problem) << fields;
    }
    EXPECT_EQ(Scan{"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"}.result.problem,
              "Transfer-Encoding in HTTP/1.0");
}

TEST(AnswerHead, KnowsHowLongTheConnectionLasts) {
    const std::vector<std::pair<std::string, bool>> cases{
        {ok("Content-Length: 5\r\n"), true},
        {ok("Content-Length: 5\r\nConnection: close\r\n"), false},
        {ok(""), false},
        {ok("Connection: keep-alive\r\n"), false},
        {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", false},
        {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n", true},
        {"HTTP/1.1 204 No Content\r\n\r\n", true},
    };
    for (const auto& [text, keeps_alive] : cases) {
        const Scan scan{text};

        EXPECT_EQ(scan.result.status, ScanStatus::complete) << text;
        EXPECT_EQ(scan.head->keeps_alive, keeps_alive) << text;
    }
}

TEST(AnswerHead, LeavesTheLengthOpenWhereOnlyTheCloseTellsIt) {
    const Scan scan{ok("Content-Type: application/json\r\n")};

    EXPECT_EQ(scan.head->content_length, std::nullopt);
    EXPECT_FALSE(scan.head->is_chunked);
}

TEST(AnswerHead, EndsWithTheHeadWhereTheStatusHasNoBody) {
    for (const char* text :
         {"HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n",
          "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
          "HTTP/1.1 304 Not Modified\r\nContent-Length: 900\r\n\r\n",
          "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
        const Scan scan{text};

        EXPECT_EQ(scan.result.status, ScanStatus::complete) << text;
        EXPECT_EQ(scan.head->content_length, 0U) << text;
        EXPECT_FALSE(scan.head->is_chunked) << text;
    }
}

TEST(AnswerHead, RefusesABodyWhereTheStatusHasNone) {
    for (const char* text : {"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n",
                             "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
                             "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"}) {
        EXPECT_EQ(Scan{text}.result.problem, "body with a status that has none") << text;
    }
}

TEST(AnswerHead, KeepsToItsLimits) {
    const std::string head = ok("A: 1\r\nB: 2\r\nContent-Length: 0\r\n");

    EXPECT_EQ((Scan{head, {.max_bytes = head.size()}}.result.status), ScanStatus::complete);
    EXPECT_EQ((Scan{head, {.max_bytes = head.size() - 1}}.result.status), ScanStatus::too_large);
    EXPECT_EQ((Scan{head, {.max_fields = 3}}.result.status), ScanStatus::complete);
    EXPECT_EQ((Scan{head, {.max_fields = 2}}.result.status), ScanStatus::too_large);
}

TEST(FieldRules, TellTokensAndValues) {
    EXPECT_TRUE(is_token("X-a!#$%&'*+.^_`|~9"));
    EXPECT_FALSE(is_token(""));
    EXPECT_FALSE(is_token("a b"));
    EXPECT_FALSE(is_token("a:"));
    EXPECT_FALSE(is_token("\xc3\xa9"));
    EXPECT_TRUE(is_field_value("a\tb \xff"));
    EXPECT_TRUE(is_field_value(""));
    EXPECT_FALSE(is_field_value("a\rb"));
    EXPECT_FALSE(is_field_value("a\nb"));
    EXPECT_FALSE(is_field_value("a\0b"s));
    EXPECT_FALSE(is_field_value("\x7f"));
    EXPECT_TRUE(equals_lower("Content-LENGTH", "content-length"));
    EXPECT_FALSE(equals_lower("Content-Lengt", "content-length"));
    EXPECT_FALSE(equals_lower("a@b", "a`b"));
}

}  // namespace
}  // namespace headgate::proxy
