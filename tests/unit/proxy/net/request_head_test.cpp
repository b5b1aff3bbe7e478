#include "proxy/net/http_head.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace headgate::proxy {
namespace {

using namespace std::string_literals;
using providers::Method;

/// A scan with the bytes and the head that its views look into.
struct Scan {
    explicit Scan(std::string bytes, HeadLimits limits = {})
        : text{std::move(bytes)}, result{scan_request_head(text, limits, *head)} {}

    std::string text;
    std::unique_ptr<RequestHead> head = std::make_unique<RequestHead>();
    ScanResult result;
};

std::string with_line(const std::string& request_line) {
    return request_line + "\r\nHost: a\r\n\r\n";
}

std::string with_fields(const std::string& fields) {
    return "POST /v1/embeddings HTTP/1.1\r\n" + fields + "\r\n";
}

std::string with_host(const std::string& value) {
    return with_fields("Host: " + value + "\r\n");
}

/// What the OpenAI SDK for Python sends.
const std::string kSdkRequest =
    "POST /v1/chat/completions?beta=1 HTTP/1.1\r\n"
    "Host: gateway.example:8080\r\n"
    "Accept-Encoding: gzip, deflate\r\n"
    "Connection: keep-alive\r\n"
    "Accept: application/json\r\n"
    "Content-Type: application/json\r\n"
    "User-Agent: OpenAI/Python 1.99.0\r\n"
    "X-Stainless-Lang: python\r\n"
    "Authorization: Bearer hg-0123456789\t\r\n"
    "Content-Length: 117\r\n"
    "\r\n";

TEST(RequestHead, ReadsWhatAnSdkSends) {
    const Scan scan{kSdkRequest + "{\"model\""};

    ASSERT_EQ(scan.result.status, ScanStatus::complete) << scan.result.problem;
    EXPECT_EQ(scan.result.size, kSdkRequest.size());
    EXPECT_EQ(scan.head->method, Method::post);
    EXPECT_EQ(scan.head->method_text, "POST");
    EXPECT_EQ(scan.head->path, "/v1/chat/completions");
    EXPECT_EQ(scan.head->query, "beta=1");
    EXPECT_EQ(scan.head->host, "gateway.example:8080");
    EXPECT_EQ(scan.head->minor_version, 1);
    EXPECT_EQ(scan.head->content_length, 117U);
    EXPECT_FALSE(scan.head->is_chunked);
    EXPECT_TRUE(scan.head->keeps_alive);
    EXPECT_FALSE(scan.head->expects_continue);
    EXPECT_EQ(scan.head->fields.count, 9U);
    ASSERT_NE(scan.head->fields.find("authorization"), nullptr);
    EXPECT_EQ(scan.head->fields.find("authorization")->value, "Bearer hg-0123456789");
    EXPECT_EQ(scan.head->fields.find("cookie"), nullptr);
}

TEST(RequestHead, WaitsForMoreAtEveryByteOfAValidHead) {
    for (std::size_t size = 0; size < kSdkRequest.size(); ++size) {
        const Scan scan{kSdkRequest.substr(0, size)};

        EXPECT_EQ(scan.result.status, ScanStatus::incomplete)
            << size << ": " << scan.result.problem;
    }
}

TEST(RequestHead, KnowsMethodsByTheirExactSpelling) {
    const std::vector<std::pair<std::string, Method>> cases{
        {"GET", Method::get},       {"POST", Method::post},      {"PUT", Method::put},
        {"PATCH", Method::patch},   {"DELETE", Method::del},     {"HEAD", Method::head},
        {"post", Method::other},    {"BREW", Method::other},     {"OPTIONS", Method::options},
        {"connect", Method::other}, {"M-SEARCH", Method::other},
    };
    for (const auto& [text, method] : cases) {
        const Scan scan{with_line(text + " /v1/models HTTP/1.1")};

        EXPECT_EQ(scan.result.status, ScanStatus::complete) << text;
        EXPECT_EQ(scan.head->method, method) << text;
        EXPECT_EQ(scan.head->method_text, text);
    }
}

TEST(RequestHead, TakesTargetsApart) {
    struct Case {
        std::string target, path, query;
    };
    const std::vector<Case> cases{
        {"/", "/", ""},
        {"/v1/models", "/v1/models", ""},
        {"/v1/models?", "/v1/models", ""},
        {"/v1/models?a=b?c", "/v1/models", "a=b?c"},
        {"//other/x", "//other/x", ""},
        {"http://a/v1/models?x", "/v1/models", "x"},
        {"HTTP://A/v1/models", "/v1/models", ""},
        {"https://a", "/", ""},
        {"http://a?x=1", "/", "x=1"},
    };
    for (const Case& c : cases) {
        const Scan scan{with_line("GET " + c.target + " HTTP/1.1")};

        EXPECT_EQ(scan.result.status, ScanStatus::complete)
            << c.target << ": " << scan.result.problem;
        EXPECT_EQ(scan.head->path, c.path) << c.target;
        EXPECT_EQ(scan.head->query, c.query) << c.target;
    }
}

TEST(RequestHead, TakesAnAsteriskForOptionsOnly) {
    const Scan options{with_line("OPTIONS * HTTP/1.1")};
    const Scan others{with_line("GET * HTTP/1.1")};

    EXPECT_EQ(options.result.status, ScanStatus::complete);
    EXPECT_EQ(options.head->path, "*");
    EXPECT_EQ(others.result.problem, "request target * without OPTIONS");
}

TEST(RequestHead, ToleratesOneEmptyLineBeforeTheRequest) {
    const Scan one{"\r\n" + kSdkRequest};
    const Scan two{"\r\n\r\n" + kSdkRequest};
    const Scan bare{"\n" + kSdkRequest};

    EXPECT_EQ(one.result.status, ScanStatus::complete);
    EXPECT_EQ(one.result.size, kSdkRequest.size() + 2);
    EXPECT_EQ(two.result.problem, "empty lines before the request line");
    EXPECT_EQ(bare.result.problem, "bare LF");
}

TEST(RequestHead, RefusesMalformedRequestLines) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {" GET / HTTP/1.1", "malformed method"},
        {"GET\t/ HTTP/1.1", "malformed method"},
        {"G@T / HTTP/1.1", "malformed method"},
        {"\x16\x03\x01\x02", "malformed method"},
        {"CONNECT a:443 HTTP/1.1", "CONNECT"},
        {"GET  / HTTP/1.1", "malformed request line"},
        {"GET /", "malformed request line"},
        {"GET /\tHTTP/1.1", "malformed request line"},
        {"GET /\x80 HTTP/1.1", "malformed request line"},
        {"GET /\0 HTTP/1.1"s, "malformed request line"},
        {"GET /#x HTTP/1.1", "fragment in the request target"},
        {"GET v1/models HTTP/1.1", "malformed request target"},
        {"GET ftp://a/ HTTP/1.1", "malformed request target"},
        {"GET http:///x HTTP/1.1", "malformed request target"},
        {"GET http://u:p@a/ HTTP/1.1", "malformed request target"},
        {"GET http://b/ HTTP/1.1", "request target with another authority than Host"},
        {"GET http://a:80/ HTTP/1.1", "request target with another authority than Host"},
        {"GET /  HTTP/1.1", "HTTP version other than 1.1 and 1.0"},
        {"GET / HTTP/2.0", "HTTP version other than 1.1 and 1.0"},
        {"GET / HTTP/1.2", "HTTP version other than 1.1 and 1.0"},
        {"GET / http/1.1", "HTTP version other than 1.1 and 1.0"},
        {"GET / x HTTP/1.1", "HTTP version other than 1.1 and 1.0"},
        {"PRI * HTTP/2.0", "request target * without OPTIONS"},
        {"GET / HTTP/1.1 ", "malformed request line"},
        {"GET / HTTP/1.10", "malformed request line"},
        {"GET / HTTP/1.1\n", "bare LF"},
        {"GET / HTTP/1.1\rX", "bare CR"},
    };
    for (const auto& [line, problem] : cases) {
        const Scan scan{with_line(line)};

        EXPECT_EQ(scan.result.status, ScanStatus::malformed) << line;
        EXPECT_EQ(scan.result.problem, problem) << line;
    }
}

TEST(RequestHead, AcceptsEveryKindOfHost) {
    for (const char* host :
         {"a", "a.example", "a.example:8080", "A_b~c", "a%2db", "127.0.0.1", "127.0.0.1:65535",
          "[::1]", "[::1]:80", "[2001:db8::ff00:42:8329]:443", "[::ffff:10.0.0.1]"}) {
        const Scan scan{with_host(host)};

        EXPECT_EQ(scan.result.status, ScanStatus::complete) << host;
        EXPECT_EQ(scan.head->host, host);
    }
}

TEST(RequestHead, RefusesMalformedHosts) {
    for (const char* host : {"",     ":80",       "a:",       "a:b",    "a:65536",
                             "a:-1", "a:+1",      "a:80:80",  "a b",    "a,b",
                             "a/b",  "u@a",       "a%2",      "a%zz",   "[::1",
                             "[]",   "[1.2.3.4]", "[::1]x",   "[::1]:", "[fe80::1%25eth0]",
                             "::1",  "[v1.x]",    "\xc3\xa9", "a?b",    "a#b",
                             "a\\b", "a\"b"}) {
        const Scan scan{with_host(host)};

        EXPECT_EQ(scan.result.problem, "malformed Host") << host;
    }
}

TEST(RequestHead, NeedsExactlyOneHostInHttp11) {
    const Scan missing{with_fields("Accept: */*\r\n")};
    const Scan repeated{with_fields("Host: a\r\nhost: a\r\n")};
    const Scan old{"GET / HTTP/1.0\r\n\r\n"};
    const Scan old_absolute{"GET http://a/x HTTP/1.0\r\n\r\n"};

    EXPECT_EQ(missing.result.problem, "missing Host");
    EXPECT_EQ(repeated.result.problem, "repeated Host");
    EXPECT_EQ(old.result.status, ScanStatus::complete);
    EXPECT_EQ(old_absolute.head->host, "a");
}

TEST(RequestHead, RefusesMalformedFieldLines) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {" X: y\r\n", "obs-fold"},
        {"X: y\r\n z\r\n", "obs-fold"},
        {"X: y\r\n\tz\r\n", "obs-fold"},
        {"X : y\r\n", "white space before the colon"},
        {"X\t: y\r\n", "white space before the colon"},
        {": y\r\n", "empty field name"},
        {"X\r\n", "bare CR"},
        {"X\n", "bare LF"},
        {"X\0: y\r\n"s, "NUL"},
        {"X\x7f: y\r\n", "control byte"},
        {"X(y): z\r\n", "malformed field name"},
        {"X\xc3\xa9: z\r\n", "malformed field name"},
        {"X: y\n", "bare LF"},
        {"X: y\rz\r\n", "bare CR"},
        {"X: y\r\r\n", "bare CR"},
        {"X: y\0z\r\n"s, "NUL"},
        {"X: y\x01z\r\n", "control byte"},
        {"X: y\x7f\r\n", "control byte"},
        {"X: 0123456789abcdef0123456789\x0b\r\n", "control byte"},
        {"X: y\r\n\n", "bare LF"},
        {"X: y\r\n\rz", "bare CR"},
    };
    for (const auto& [fields, problem] : cases) {
        const Scan scan{with_fields("Host: a\r\n" + fields)};

        EXPECT_EQ(scan.result.status, ScanStatus::malformed) << fields;
        EXPECT_EQ(scan.result.problem, problem) << fields;
    }
}

TEST(RequestHead, KeepsValuesAsTheyStandWithoutTheSpaceAround) {
    const Scan scan{with_fields("Host:a\r\nX: \t a\tb  c \xff\"\\ \t \r\nEmpty:\r\nBlank: \t\r\n")};

    ASSERT_EQ(scan.result.status, ScanStatus::complete) << scan.result.problem;
    EXPECT_EQ(scan.head->fields.find("x")->value, "a\tb  c \xff\"\\");
    EXPECT_EQ(scan.head->fields.find("empty")->value, "");
    EXPECT_EQ(scan.head->fields.find("blank")->value, "");
}

TEST(RequestHead, FindsAForbiddenByteAtEveryPlaceOfAValue) {
    for (std::size_t at = 0; at < 70; ++at) {
        std::string value(70, 'v');
        value[at] = '\x02';

        const Scan scan{with_fields("Host: a\r\nX: " + value + "\r\n")};

        EXPECT_EQ(scan.result.problem, "control byte") << at;
    }
}

}  // namespace
}  // namespace headgate::proxy
