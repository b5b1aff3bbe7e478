#include "bench/load/event_tally.h"

#include "bench/upstream/answers.h"
#include "bench/wire/message_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace headgate::bench {
namespace {

std::string stream_of(const Answers& answers) {
    std::string bytes = answers.stream_start;
    for (const std::string& word : answers.words) {
        bytes += word;
    }
    return bytes + answers.stream_end;
}

std::string body_of(std::string_view bytes) {
    MessageReader reader;
    std::string body;
    reader.feed(bytes, body);
    EXPECT_EQ(reader.state(), MessageReader::State::complete);
    return body;
}

TEST(EventTally, FindsTheUpstreamsStreamCompleteHoweverItWasSplit) {
    const std::string body = body_of(stream_of(make_answers(3)));

    for (std::size_t step = 1; step < 400; ++step) {
        EventTally tally;
        for (std::size_t at = 0; at < body.size(); at += step) {
            tally.feed(std::string_view(body).substr(at, step));
        }

        EXPECT_TRUE(tally.is_complete(3)) << step;
        EXPECT_EQ(tally.events(), 7U) << step;
    }
}

TEST(EventTally, NoticesAnEventThatIsMissingDoubledOrOutOfOrder) {
    const Answers whole = make_answers(3);
    const std::string& first = whole.words[0];
    const std::string& second = whole.words[1];
    const std::string& third = whole.words[2];
    const std::string cases[] = {
        first + third,
        first + second,
        second + first + third,
        first + second + second + third,
    };

    for (const std::string& words : cases) {
        EventTally tally;

        tally.feed(body_of(whole.stream_start + words + whole.stream_end));

        EXPECT_FALSE(tally.is_complete(3));
    }
}

TEST(EventTally, IsNotCompleteWithoutTheEnd) {
    std::string body = body_of(stream_of(make_answers(1)));
    const std::size_t done = body.find("data: [DONE]");
    EventTally tally;

    tally.feed(std::string_view(body).substr(0, done));

    EXPECT_FALSE(tally.is_complete(1));
    EXPECT_FALSE(tally.is_broken());
}

TEST(EventTally, PassesOverComments) {
    EventTally tally;

    tally.feed(": keep-alive\n\n" + body_of(stream_of(make_answers(1))));

    EXPECT_TRUE(tally.is_complete(1));
}

}  // namespace
}  // namespace headgate::bench
