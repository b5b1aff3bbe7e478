#include "proxy/net/body_reader.h"

namespace headgate::proxy {
namespace {

using State = BodyReader::State;

TEST(BodyReader, StopsAtTheLengthAndLeavesWhatFollows) {
    BodyReader reader = BodyReader::of_length(5);
    providers::Bytes input = "helloGET /";

    EXPECT_EQ(reader.next(input), "hello");
    EXPECT_EQ(reader.state(), State::end);
    EXPECT_EQ(input, "GET /");
}

TEST(BodyReader, CountsWhatIsLeft) {
    BodyReader reader = BodyReader::of_length(10);
    providers::Bytes input = "abc";

    reader.next(input);

    EXPECT_EQ(reader.left(), 7U);
    EXPECT_EQ(reader.state(), State::more);
}

TEST(BodyReader, TakesTheChunkedCodingOff) {
    BodyReader reader = BodyReader::chunked();
    providers::Bytes input = "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nnext";
    std::string body;

    while (!input.empty() && reader.state() == State::more) {
        body += reader.next(input);
    }

    EXPECT_EQ(body, "hello world");
    EXPECT_EQ(reader.state(), State::end);
    EXPECT_EQ(input, "next");
}

TEST(BodyReader, TellsAMalformedChunk) {
    BodyReader reader = BodyReader::chunked();
    providers::Bytes input = "zz\r\n";

    while (!input.empty() && reader.state() == State::more) {
        reader.next(input);
    }

    EXPECT_EQ(reader.state(), State::malformed);
    EXPECT_FALSE(reader.problem().empty());
}

TEST(BodyReader, EndsByCloseOnlyWithoutFraming) {
    EXPECT_TRUE(BodyReader::until_close().may_end_by_close());
    EXPECT_FALSE(BodyReader::of_length(3).may_end_by_close());
    EXPECT_FALSE(BodyReader::chunked().may_end_by_close());
    EXPECT_EQ(BodyReader::none().state(), State::end);
}

}  // namespace
}  // namespace headgate::proxy
