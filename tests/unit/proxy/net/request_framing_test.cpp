#include "proxy/net/http_head.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace headgate::proxy {
namespace {

using namespace std::string_literals;

/// A scan with the bytes and the head that its views look into.
struct Scan {
    explicit Scan(std::string bytes, HeadLimits limits = {})
        : text{std::move(bytes)}, result{scan_request_head(text, limits, *head)} {}

    std::string text;
    std::unique_ptr<RequestHead> head = std::make_unique<RequestHead>();
    ScanResult result;
};

std::string http11(const std::string& fields) {
    return "POST /v1/embeddings HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

std::string http10(const std::string& fields) {
    return "POST /v1/embeddings HTTP/1.0\r\nHost: a\r\n" + fields + "\r\n";
}

TEST(RequestFraming, ReadsLengths) {
    const std::vector<std::pair<std::string, std::uint64_t>> cases{
        {"0", 0}, {"007", 7}, {"117", 117}, {"9999999999999999999", 9'999'999'999'999'999'999U}};
    for (const auto& [text, length] : cases) {
        const Scan scan{http11("content-LENGTH: " + text + "\r\n")};

        EXPECT_EQ(scan.result.status, ScanStatus::complete) << text;
        EXPECT_EQ(scan.head->content_length, length);
    }
}

TEST(RequestFraming, RefusesLengthsThatCouldBeReadInTwoWays) {
    for (const char* value :
         {"", "+1", "-1", "1 ,1", "1,1", "1 1", "0x10", "1e3", "1.0", "a", "\"1\"",
          "10000000000000000000", "00000000000000000001", "99999999999999999999999"}) {
        const Scan scan{http11("Content-Length: " + std::string{value} + "\r\n")};

        EXPECT_EQ(scan.result.problem, "malformed Content-Length") << value;
    }
}

TEST(RequestFraming, RefusesRepeatedOrConflictingFraming) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"Content-Length: 5\r\nContent-Length: 5\r\n", "repeated Content-Length"},
        {"Content-Length: 5\r\nContent-Length: 6\r\n", "repeated Content-Length"},
        {"Transfer-Encoding: chunked\r\ntransfer-encoding: chunked\r\n",
         "repeated Transfer-Encoding"},
        {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
         "both Content-Length and Transfer-Encoding"},
        {"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
         "both Content-Length and Transfer-Encoding"},
        {"Transfer-Encoding: gzip\r\n", "Transfer-Encoding other than chunked"},
        {"Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding other than chunked"},
        {"Transfer-Encoding: chunked, identity\r\n", "Transfer-Encoding other than chunked"},
        {"Transfer-Encoding: identity\r\n", "Transfer-Encoding other than chunked"},
        {"Transfer-Encoding: \"chunked\"\r\n", "Transfer-Encoding other than chunked"},
        {"Transfer-Encoding: chunked;q=1\r\n", "Transfer-Encoding other than chunked"},
        {"Transfer-Encoding: xchunked\r\n", "Transfer-Encoding other than chunked"},
        {"Transfer-Encoding:\r\n", "Transfer-Encoding other than chunked"},
    };
    for (const auto& [fields, problem] : cases) {
        const Scan scan{http11(fields)};

        EXPECT_EQ(scan.result.status, ScanStatus::malformed) << fields;
        EXPECT_EQ(scan.result.problem, problem) << fields;
    }
}

TEST(RequestFraming, TakesChunkedInHttp11Only) {
    const Scan now{http11("Transfer-Encoding: Chunked\r\n")};
    const Scan old{http10("Transfer-Encoding: chunked\r\n")};

    EXPECT_EQ(now.result.status, ScanStatus::complete);
    EXPECT_TRUE(now.head->is_chunked);
    EXPECT_EQ(now.head->content_length, std::nullopt);
    EXPECT_EQ(old.result.problem, "Transfer-Encoding in HTTP/1.0");
}

TEST(RequestFraming, DoesNotTakeNeighboursForFramingFields) {
    const Scan scan{
        http11("Content-Length-X: 5\r\nContent_Length: 5\r\nX-Transfer-Encoding: x\r\n")};

    EXPECT_EQ(scan.result.status, ScanStatus::complete);
    EXPECT_EQ(scan.head->content_length, std::nullopt);
    EXPECT_FALSE(scan.head->is_chunked);
}

TEST(RequestFraming, ReadsPersistence) {
    const std::vector<std::pair<std::string, bool>> cases{
        {http11(""), true},
        {http11("Connection: close\r\n"), false},
        {http11("Connection: Upgrade, CLOSE\r\n"), false},
        {http11("Connection: ,keep-alive,,\r\n"), true},
        {http11("Connection: x\r\nConnection: close\r\n"), false},
        {http11("Connection: closed\r\n"), true},
        {http10(""), false},
        {http10("Connection: Keep-Alive\r\n"), true},
        {http10("Connection: keep-alive, close\r\n"), false},
    };
    for (const auto& [text, keeps_alive] : cases) {
        const Scan scan{text};

        EXPECT_EQ(scan.result.status, ScanStatus::complete) << text;
        EXPECT_EQ(scan.head->keeps_alive, keeps_alive) << text;
    }
    EXPECT_EQ(Scan{http11("Connection: a b\r\n")}.result.problem, "malformed Connection");
}

TEST(RequestFraming, ReadsExpectations) {
    const Scan wanted{http11("Expect: 100-Continue\r\n")};
    const Scan old{http10("Expect: 100-continue\r\n")};
    const Scan other{http11("Expect: 200-ok\r\n")};
    const Scan list{http11("Expect: 100-continue, x=y\r\n")};
    const Scan repeated{http11("Expect: 100-continue\r\nExpect: 100-continue\r\n")};

    EXPECT_TRUE(wanted.head->expects_continue);
    EXPECT_EQ(old.result.status, ScanStatus::complete);
    EXPECT_FALSE(old.head->expects_continue);
    EXPECT_EQ(other.result.problem, "Expect other than 100-continue");
    EXPECT_EQ(list.result.problem, "Expect other than 100-continue");
    EXPECT_EQ(repeated.result.problem, "repeated Expect");
}

TEST(RequestFraming, IgnoresUpgrades) {
    const Scan scan{http11("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n")};

    EXPECT_EQ(scan.result.status, ScanStatus::complete);
    EXPECT_TRUE(scan.head->keeps_alive);
}

TEST(RequestLimits, CountsTheBytesOfTheWholeHead) {
    const std::string head = http11("X: " + std::string(100, 'x') + "\r\n");

    const Scan fits{head + "body", {.max_bytes = head.size()}};
    const Scan above{head + "body", {.max_bytes = head.size() - 1}};
    const Scan endless{std::string(64, 'A'), {.max_bytes = 64}};
    const Scan waiting{std::string(63, 'A'), {.max_bytes = 64}};

    EXPECT_EQ(fits.result.status, ScanStatus::complete);
    EXPECT_EQ(above.result.status, ScanStatus::too_large);
    EXPECT_EQ(endless.result.status, ScanStatus::too_large);
    EXPECT_EQ(waiting.result.status, ScanStatus::incomplete);
}

TEST(RequestLimits, CountsFields) {
    const std::string three = http11("A: 1\r\nB: 2\r\n");
    std::string many;
    for (int i = 0; i < 300; ++i) {
        many += "A: 1\r\n";
    }

    EXPECT_EQ((Scan{three, {.max_fields = 3}}.result.status), ScanStatus::complete);
    EXPECT_EQ((Scan{three, {.max_fields = 2}}.result.status), ScanStatus::too_large);
    EXPECT_EQ((Scan{http11(many), {.max_fields = 1000}}.result.status), ScanStatus::too_large);
}

TEST(RequestLimits, TellsAMalformedStartBeforeTheHeadIsWhole) {
    const std::string start = "POST / HTTP/1.1\r\nHost: a\r\n";
    for (const std::string& text :
         {std::string{"GET / HTTP/2"}, std::string{"GET /#"}, std::string{"G@"}, start + " x",
          start + "X :", start + "Host: a\r\n", start + "Content-Length: x\r\n",
          start + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", start + "X: y\n"}) {
        EXPECT_EQ(Scan{text}.result.status, ScanStatus::malformed) << text;
    }
}

TEST(RequestLimits, ForgetsTheFormerScan) {
    const auto head = std::make_unique<RequestHead>();
    const std::string first = http11("Content-Length: 5\r\nExpect: 100-continue\r\n");
    const std::string second = "GET /x HTTP/1.0\r\n\r\n";

    scan_request_head(first, {}, *head);
    const ScanResult result = scan_request_head(second, {}, *head);

    EXPECT_EQ(result.status, ScanStatus::complete);
    EXPECT_EQ(head->content_length, std::nullopt);
    EXPECT_FALSE(head->expects_continue);
    EXPECT_FALSE(head->keeps_alive);
    EXPECT_EQ(head->host, "");
    EXPECT_EQ(head->fields.count, 0U);
}

/// What a complete scan promises, whatever the bytes were.
void expect_sound(const Scan& scan) {
    const RequestHead& head = *scan.head;
    ASSERT_LE(scan.result.size, scan.text.size());
    EXPECT_EQ(scan.text.substr(scan.result.size - 4, 4), "\r\n\r\n");
    EXPECT_TRUE(is_token(head.method_text));
    EXPECT_FALSE(head.is_chunked && head.content_length.has_value());
    std::size_t hosts = 0;
    for (const HeadField& field : head.fields) {
        EXPECT_TRUE(is_token(field.name));
        EXPECT_TRUE(is_field_value(field.value));
        hosts += equals_lower(field.name, "host") ? 1U : 0U;
    }
    EXPECT_LE(hosts, 1U);
}

TEST(RequestHeadProperty, HoldsForMutatedHeadsAndAllTheirPrefixes) {
    const std::string seed_head = http11(
        "Content-Length: 10\r\nTransfer-Encodin: x\r\nConnection: close\r\nExpect: "
        "100-continue\r\n");
    const std::string alphabet = "\r\n\t :\0\x7f\x80/,#?0aH[]%"s;
    std::size_t complete = 0;
    for (std::uint32_t seed = 0; seed < 2000; ++seed) {
        SCOPED_TRACE(seed);
        std::minstd_rand random{seed + 1};
        std::string text = seed_head;
        for (std::size_t edits = random() % 3; edits != 0; --edits) {
            text[random() % text.size()] = alphabet[random() % alphabet.size()];
        }

        const Scan whole{text};

        if (whole.result.status == ScanStatus::complete) {
            expect_sound(whole);
            ++complete;
        }
        // A verdict on a prefix never contradicts the verdict on the whole.
        const Scan prefix{text.substr(0, random() % text.size())};
        if (prefix.result.status == ScanStatus::malformed) {
            EXPECT_EQ(whole.result.status, ScanStatus::malformed);
        }
    }
    EXPECT_GT(complete, 100U);
    EXPECT_LT(complete, 2000U);
}

}  // namespace
}  // namespace headgate::proxy
