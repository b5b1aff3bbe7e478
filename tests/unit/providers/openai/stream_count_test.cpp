#include "providers/contract/answer_tokens.h"
#include "providers/openai/adapter.h"
#include "tests/unit/providers/openai/stream_run.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

// Our own count of what a stream brought, and what stands beside a usage that came in its midst.

namespace headgate::providers::openai {
namespace {

constexpr std::string_view kDone = "data: [DONE]\n\n";
constexpr std::string_view kFinish =
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";

ApiRequest chat() {
    return stream_request(Operation::chat_completions, true);
}

std::string delta(std::string_view members) {
    return "data: {\"choices\":[{\"index\":0,\"delta\":{" + std::string{members} + "}}]}\n\n";
}

std::string say(std::string_view text) {
    return delta("\"content\":\"" + std::string{text} + "\"");
}

/// An event with a word of one token and a usage.
std::string say_and_tell(std::string_view usage) {
    return "data: {\"choices\":[{\"delta\":{\"content\":\" word\"}}],\"usage\":" +
           std::string{usage} + "}\n\n";
}

std::string tell(int input, int output) {
    return say_and_tell("{\"prompt_tokens\":" + std::to_string(input) +
                        ",\"completion_tokens\":" + std::to_string(output) + "}");
}

std::string words(int count) {
    std::string events;
    for (int i = 0; i < count; ++i) {
        events += say(" word");
    }
    return events;
}

Usage estimated(std::int64_t input, std::int64_t output) {
    Usage usage = reported({{&Usage::input, input}, {&Usage::output, output}});
    usage.is_estimated = true;
    return usage;
}

Tokens content_of(const std::string& stream) {
    return run(chat(), {stream}).content_tokens;
}

TEST(StreamCount, IsThatOfTheTextAndOfToolCalls) {
    EXPECT_EQ(content_of(fixture("chat_text.sse")), counted({"Grüße", ", \\\"Welt\\\"\\n", "🌍."}));
    EXPECT_EQ(content_of(fixture("chat_tool_calls.sse")),
              counted({"get_weather", "{\\\"city\\\":", "\\\"Oslo\\\"}", "now", "{}"}));
    EXPECT_EQ(content_of(delta(R"("content":"\u00e4\u20ac\ud83c\udf0d\n")")), counted({"ä€🌍\\n"}));
    EXPECT_EQ(content_of(delta(R"("refusal":"No, I will not.")")), counted({"No, I will not."}));
    EXPECT_EQ(run(stream_request(Operation::completions),
                  {"data: {\"choices\":[{\"text\":\"Once upon\"}]}\n\n"})
                  .content_tokens,
              counted({"Once upon"}));
}

TEST(StreamCount, IsATokenADeltaWhereTheServerSendsSo) {
    EXPECT_EQ(content_of(words(40)), Tokens{40});
}

TEST(StreamCount, TakesReasoningThatIsSentByTwoNamesOnce) {
    const Tokens once = counted({" Let me think of it"});

    for (const std::string_view members :
         {R"("reasoning":" Let me think of it")", R"("reasoning_content":" Let me think of it")",
          R"("reasoning":" Let me think of it","reasoning_content":" Let me think of it")",
          R"("reasoning":null,"reasoning_content":" Let me think of it")",
          R"("reasoning":"","reasoning_content":" Let me think of it")"}) {
        EXPECT_EQ(content_of(delta(members)), once) << members;
    }
}

TEST(StreamCount, KeepsTheWordsOfChoicesApart) {
    std::string stream;
    for (const std::string_view text : {"incom", "prehensi", "bilities of", " a kind"}) {
        for (const char* const index : {"0", "1"}) {
            stream += "data: {\"choices\":[{\"index\":" + std::string{index} +
                      ",\"delta\":{\"content\":\"" + std::string{text} + "\"}}]}\n\n";
        }
    }
    AnswerTokens expected;
    for (const std::string_view text : {"incom", "prehensi", "bilities of", " a kind"}) {
        expected.add(text, 0);
        expected.add(text, 1);
    }

    EXPECT_EQ(content_of(stream), expected.total());
}

TEST(StreamUsage, OfACutStreamIsTheLastToldAndOurCountOfWhatCameBehind) {
    const struct {
        std::string stream;
        Usage expected;
    } cases[] = {
        // A usage in every event.
        {tell(9, 1) + tell(9, 2) + tell(9, 3), reported({{&Usage::input, 9}, {&Usage::output, 3}})},
        {tell(9, 1) + tell(9, 70), reported({{&Usage::input, 9}, {&Usage::output, 70}})},
        // One in the first.
        {tell(9, 1) + words(40), estimated(9, 41)},
        {words(10) + tell(9, 90) + words(5), estimated(9, 95)},
        // Input alone, told with every event.
        {tell(9, 0) + words(20) + tell(9, 0), estimated(9, 22)},
        // Nothing that is believed.
        {tell(0, 0) + words(20), Usage{}},
        {say_and_tell("null") + words(20), Usage{}},
        {tell(9, 2) + tell(9, -1), estimated(9, 3)},
    };

    for (const auto& c : cases) {
        const StreamRun result = run(chat(), {c.stream}, false);

        EXPECT_EQ(result.state, StreamState::cut);
        EXPECT_EQ(result.usage, c.expected) << c.stream << " gave " << result.usage.output.count;
    }
}

TEST(StreamUsage, IsKnownWhileTheStreamIsStillOpen) {
    const std::unique_ptr<StreamDecoder> decoder = OpenAiAdapter{}.stream_decoder(chat());
    std::string out;

    decoder->feed(tell(9, 1) + words(40), out);

    EXPECT_EQ(decoder->usage(), estimated(9, 41));
}

TEST(StreamUsage, OfAWholeStreamIsAsToldUnlessItIsLessThanWhatWasSeen) {
    const struct {
        std::string stream;
        Usage expected;
    } cases[] = {
        {words(40) + tell(9, 3), reported({{&Usage::input, 9}, {&Usage::output, 3}})},
        {words(40) + tell(9, 0), reported({{&Usage::input, 9}})},
        {words(40) + tell(0, 0), reported({})},
        // The usage of the whole ahead of a text that was ready before.
        {tell(9, 45) + words(40), reported({{&Usage::input, 9}, {&Usage::output, 45}})},
        {tell(9, 1) + words(40), estimated(9, 41)},
    };

    for (const auto& c : cases) {
        const StreamRun result = run(chat(), {c.stream, std::string{kFinish}, std::string{kDone}});

        EXPECT_EQ(result.state, StreamState::complete);
        EXPECT_EQ(result.usage, c.expected) << c.stream << " gave " << result.usage.output.count;
    }
}

}  // namespace
}  // namespace headgate::providers::openai
