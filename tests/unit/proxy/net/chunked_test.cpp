#include "proxy/net/chunked.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace headgate::proxy {
namespace {

using namespace std::string_literals;

struct Decoded {
    std::string data;
    std::string rest;  // what was not read
    ChunkState state = ChunkState::more;
    std::string problem;

    friend bool operator==(const Decoded&, const Decoded&) = default;
};

/// Feeds `body` in pieces of `piece` bytes.
Decoded decode(const std::string& body, std::size_t piece = SIZE_MAX) {
    ChunkDecoder decoder;
    Decoded decoded;
    for (std::size_t at = 0; at < body.size();) {
        providers::Bytes input = providers::Bytes{body}.substr(at, piece);
        at += input.size();
        while (!input.empty() && decoder.state() == ChunkState::more) {
            decoded.data += decoder.next(input);
        }
        decoded.rest += input;
    }
    decoded.state = decoder.state();
    decoded.problem = decoder.problem();
    return decoded;
}

std::string chunk_with_extension(std::size_t bytes) {
    return "1;" + std::string(bytes - 1, 'e') + "\r\nx\r\n";
}

TEST(ChunkDecoder, TakesTheFramingOff) {
    const Decoded decoded = decode("5\r\nhello\r\n1\r\n \r\n00A\r\n0123456789\r\n0\r\n\r\n");

    EXPECT_EQ(decoded.state, ChunkState::end);
    EXPECT_EQ(decoded.data, "hello 0123456789");
    EXPECT_EQ(decoded.rest, "");
}

TEST(ChunkDecoder, StopsBehindTheLastByteOfTheBody) {
    const Decoded decoded = decode("1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n");

    EXPECT_EQ(decoded.state, ChunkState::end);
    EXPECT_EQ(decoded.rest, "GET / HTTP/1.1\r\n");
}

TEST(ChunkDecoder, GivesTheSameHoweverTheBytesWereSplit) {
    for (const std::string& body :
         {"1a;a=\"b\"\r\nabcdefghijklmnopqrstuvwxyz\r\n2\r\n\r\n\r\n0;x\r\nA: b\r\nC:\r\n\r\nrest"s,
          "3\r\nabcd\r\n0\r\n\r\n"s, "3\r\nabc\r\n0\r\nA b: c\r\n\r\n"s, "g\r\n"s}) {
        const Decoded whole = decode(body);

        for (std::size_t piece = 1; piece < body.size(); ++piece) {
            EXPECT_EQ(decode(body, piece), whole) << body << piece;
        }
    }
}

TEST(ChunkDecoder, GivesDataWithoutCopying) {
    ChunkDecoder decoder;
    const std::string body = "5\r\nhello\r\n";
    providers::Bytes input{body};

    const providers::Bytes data = decoder.next(input);

    EXPECT_EQ(data.data(), body.data() + 3);
    EXPECT_EQ(input, "\r\n");
}

TEST(ChunkDecoder, ReadsSizesOfSixteenDigits) {
    EXPECT_EQ(decode("0000000000000001\r\nx\r\n0\r\n\r\n").data, "x");
    EXPECT_EQ(decode("0000000000000000\r\n\r\n").state, ChunkState::end);

    ChunkDecoder decoder;
    const std::string largest = "ffffffffffffffff\r\nabc";
    providers::Bytes input{largest};

    EXPECT_EQ(decoder.next(input), "abc");
    EXPECT_EQ(decoder.state(), ChunkState::more);
}

TEST(ChunkDecoder, RefusesMalformedBodies) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"\r\n", "malformed chunk size"},
        {" 5\r\n", "malformed chunk size"},
        {"5 \r\n", "malformed chunk size"},
        {"5\t;a\r\n", "malformed chunk size"},
        {"+5\r\n", "malformed chunk size"},
        {"-5\r\n", "malformed chunk size"},
        {"0x5\r\n", "malformed chunk size"},
        {"g\r\n", "malformed chunk size"},
        {";a\r\n", "malformed chunk size"},
        {"5\nhello", "malformed chunk size"},
        {"5\0\r\n"s, "malformed chunk size"},
        {"5\rhello", "bare CR in a chunk size line"},
        {"00000000000000005\r\n", "chunk size too long"},
        {"fffffffffffffffff\r\n", "chunk size too long"},
        {"5;a\nhello", "control byte in a chunk extension"},
        {"5;a\0b\r\n"s, "control byte in a chunk extension"},
        {"5;a\rhello", "bare CR in a chunk size line"},
        {"5\r\nhello!\r\n", "chunk longer than its size"},
        {"5\r\nhello\n0\r\n\r\n", "chunk longer than its size"},
        {"5\r\nhello\rx", "chunk longer than its size"},
        {"5\r\nhello0\r\n\r\n", "chunk longer than its size"},
        {"0\r\n\n", "malformed trailer"},
        {"0\r\n\rx", "bare CR in a trailer"},
        {"0\r\nA: b\n\r\n", "malformed trailer"},
        {"0\r\nA: b\rx", "bare CR in a trailer"},
        {"0\r\nA : b\r\n\r\n", "malformed trailer"},
        {"0\r\n: b\r\n\r\n", "malformed trailer"},
        {"0\r\nA\r\n\r\n", "malformed trailer"},
        {"0\r\nA: b\r\n c\r\n\r\n", "malformed trailer"},
        {"0\r\nA: \0\r\n\r\n"s, "malformed trailer"},
        {"0\r\nGET / HTTP/1.1\r\n", "malformed trailer"},
    };
    for (const auto& [body, problem] : cases) {
        const Decoded decoded = decode(body);

        EXPECT_EQ(decoded.state, ChunkState::malformed) << body;
        EXPECT_EQ(decoded.problem, problem) << body;
    }
}

TEST(ChunkDecoder, GivesNothingMoreOnceItHasFailed) {
    ChunkDecoder decoder;
    providers::Bytes input{"x5\r\nhello\r\n"};

    decoder.next(input);
    const providers::Bytes later = decoder.next(input);

    EXPECT_EQ(decoder.state(), ChunkState::malformed);
    EXPECT_EQ(later, "");
    EXPECT_EQ(input, "5\r\nhello\r\n");
}

TEST(ChunkDecoder, BoundsExtensions) {
    std::string many;
    for (int i = 0; i < 64; ++i) {
        many += chunk_with_extension(256);
    }

    EXPECT_EQ(decode(chunk_with_extension(256)).state, ChunkState::more);
    EXPECT_EQ(decode(chunk_with_extension(257)).problem, "oversized chunk extension");
    EXPECT_EQ(decode(many + "0\r\n\r\n").state, ChunkState::end);
    EXPECT_EQ(decode(many + "0;\r\n\r\n").problem, "oversized chunk extension");
}

TEST(ChunkDecoder, BoundsTrailers) {
    const std::size_t around = "A:\r\n\r\n"s.size();

    EXPECT_EQ(decode("0\r\nA:" + std::string(4096 - around, 'v') + "\r\n\r\n").state,
              ChunkState::end);
    EXPECT_EQ(decode("0\r\nA:" + std::string(4097 - around, 'v') + "\r\n\r\n").problem,
              "oversized trailer");
}

}  // namespace
}  // namespace headgate::proxy
