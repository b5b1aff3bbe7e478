#include "bench/wire/message_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace headgate::bench {
namespace {

using State = MessageReader::State;

struct Read {
    State state = State::head;
    std::string body;
    std::string_view rest;
};

Read read_in_steps(std::string_view bytes, std::size_t step) {
    MessageReader reader;
    Read result;
    while (!bytes.empty() && reader.state() != State::complete) {
        std::string_view part = bytes.substr(0, step);
        const std::size_t size = part.size();
        result.state = reader.feed(part, result.body);
        bytes.remove_prefix(size - part.size());
        if (result.state == State::failed) {
            break;
        }
    }
    result.rest = bytes;
    return result;
}

TEST(MessageReader, ReadsTheSameMessageHoweverItWasSplit) {
    const std::string_view plain =
        "POST /v1/chat/completions HTTP/1.1\r\ncontent-LENGTH:  5\r\n\r\nhelloNEXT";
    const std::string_view chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nX-Trailer: 1\r\n\r\nNEXT";

    for (const std::string_view message : {plain, chunked}) {
        for (std::size_t step = 1; step <= message.size(); ++step) {
            const Read read = read_in_steps(message, step);

            EXPECT_EQ(read.state, State::complete) << step;
            EXPECT_EQ(read.body, "hello") << step;
            EXPECT_EQ(read.rest, "NEXT") << step;
        }
    }
}

TEST(MessageReader, FailsOnWhatIsNotHttp) {
    const std::string_view cases[] = {
        "\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 5x\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nZ\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 99999999999999\r\n\r\n",
    };

    for (const std::string_view bytes : cases) {
        EXPECT_EQ(read_in_steps(bytes, bytes.size()).state, State::failed) << bytes;
    }
}

TEST(MessageReader, RefusesAHeadWithoutEnd) {
    const std::string endless(17 * 1024, 'a');

    EXPECT_EQ(read_in_steps(endless, 1000).state, State::failed);
}

TEST(MessageReader, TellsWhetherTheConnectionGoesOn) {
    for (const auto& [field, expected] :
         {std::pair{"Connection: close", false}, std::pair{"Connection: keep-alive", true}}) {
        const std::string message = "GET / HTTP/1.1\r\n" + std::string(field) + "\r\n\r\n";
        std::string_view bytes = message;
        std::string body;
        MessageReader reader;

        EXPECT_EQ(reader.feed(bytes, body), State::complete);
        EXPECT_EQ(reader.keeps_alive(), expected);
        EXPECT_EQ(reader.start_line(), "GET / HTTP/1.1");
    }
}

}  // namespace
}  // namespace headgate::bench
