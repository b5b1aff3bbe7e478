#include "providers/openai/responses_decoder.h"

#include "tests/unit/providers/openai/stream_run.h"

namespace headgate::providers::openai {
namespace {

StreamRun run_responses(const std::vector<std::string_view>& pieces, bool is_clean = true) {
    return run(stream_request(Operation::responses), pieces, is_clean);
}

TEST(ResponsesStream, PassesUnchangedToItsEnd) {
    for (const std::string_view file :
         {"responses_text.sse", "responses_function_call.sse", "responses_error.sse"}) {
        const std::string stream = fixture(file);

        EXPECT_EQ(run_responses({stream}).out, stream) << file;
        EXPECT_EQ(run_responses({stream, "data: [DONE]\n\n"}).out, stream) << file;
    }
}

TEST(ResponsesStream, ReadsTheUsageOfItsLastEvent) {
    const Usage expected = reported({{&Usage::input, 20},
                                     {&Usage::cached_input, 12},
                                     {&Usage::cache_write, 5},
                                     {&Usage::output, 7},
                                     {&Usage::reasoning, 4}});

    EXPECT_EQ(run_responses({fixture("responses_text.sse")}).usage, expected);
    EXPECT_EQ(run_responses({fixture("responses_function_call.sse")}).usage, expected);
}

TEST(ResponsesStream, HasNoUsageBeforeItsEnd) {
    const std::string early =
        "data: {\"type\":\"response.in_progress\",\"response\":{\"usage\":"
        "{\"input_tokens\":1,\"output_tokens\":1}}}\n\n";

    EXPECT_FALSE(run_responses({early}).usage.is_reported);
}

TEST(ResponsesStream, CountsDeltasAndTheNamesOfTools) {
    EXPECT_EQ(run_responses({fixture("responses_text.sse")}).content_tokens,
              counted({"Hi", " thére!"}));
    EXPECT_EQ(run_responses({fixture("responses_function_call.sse")}).content_tokens,
              counted({"get_weather", "{\"", "city", "\":\"Oslo\"}"}));
    // The type may stand behind what it tells of.
    EXPECT_EQ(
        run_responses({"data: {\"delta\":\"Hi\",\"type\":\"response.output_text.delta\"}\n\n"})
            .content_tokens,
        Tokens{1});
    EXPECT_EQ(run_responses({"data: {\"type\":\"response.audio.delta\",\"delta\":\"AAAA\"}\n\n",
                             "data: {\"type\":\"response.output_text.done\",\"text\":\"Hi\"}\n\n"})
                  .content_tokens,
              Tokens{});
}

TEST(ResponsesStream, MasksIdsInTheErrorOfAFailedResponseOnly) {
    const std::string stream = fixture("responses_failed.sse");

    const StreamRun result = run_responses({stream});

    EXPECT_EQ(result.state, StreamState::complete);
    EXPECT_EQ(result.out, replaced(stream, "org-AbCdEf0123456789AbCdEf01", "org-***"));
}

TEST(ResponsesStream, LeavesWhatTheModelWroteAlone) {
    const std::string stream =
        "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":"
        "{\"error\":null,\"output\":[{\"text\":\"sk-abcdefgh12345678\"}]}}\n\n";

    EXPECT_EQ(run_responses({stream}).out, stream);
}

TEST(ResponsesStream, ClosesABrokenStreamWithTheNextSequenceNumber) {
    const std::string stream = fixture("responses_text.sse");
    const std::vector<std::size_t> borders = event_borders(stream);

    for (std::size_t i = 0; i + 1 < borders.size(); ++i) {
        const std::string before = stream.substr(0, borders[i]);

        const StreamRun result = run_responses({before});

        EXPECT_EQ(result.state, StreamState::cut);
        EXPECT_EQ(result.out,
                  before +
                      "event: error\ndata: {\"type\":\"error\",\"code\":\"upstream_interrupted\","
                      "\"message\":\"The provider broke off before the answer was complete.\","
                      "\"param\":null,\"sequence_number\":" +
                      std::to_string(i) + "}\n\n");
    }
}

TEST(ResponsesStream, CountsEventsWhereTheirNumbersAreMissingOrImpossible) {
    const auto closing_number = [](std::string_view number) {
        const std::string event =
            "data: {\"type\":\"x\",\"sequence_number\":" + std::string{number} + "}\n\n";
        const std::string out = run_responses({"data: {\"type\":\"x\"}\n\n", event}).out;
        return out.substr(out.rfind(':') + 1);
    };

    EXPECT_EQ(closing_number("41"), "42}\n\n");
    EXPECT_EQ(closing_number("\"7\""), "2}\n\n");
    EXPECT_EQ(closing_number("1.5"), "2}\n\n");
    EXPECT_EQ(closing_number("9223372036854775807"), "1}\n\n");
    EXPECT_EQ(closing_number("9223372036854775808"), "2}\n\n");
    EXPECT_EQ(closing_number("-5"), "2}\n\n");
}

TEST(ResponsesStream, KnowsAnEventByItsTypeAndElseByItsName) {
    const struct {
        std::string_view event;
        StreamState state;
    } cases[] = {
        {"data: {\"type\":\"response.completed\"}\n\n", StreamState::complete},
        {"data: {\"response\":null,\"type\":\"response.incomplete\"}\n\n", StreamState::complete},
        {"data: {\"type\":\"response\\u002efailed\"}\n\n", StreamState::complete},
        {"event: response.completed\ndata: {}\n\n", StreamState::complete},
        {"event: response.completed\ndata: {\"type\":\"other\"}\n\n", StreamState::cut},
        {"event: error\ndata: {\"message\":\"x\"}\n\n", StreamState::provider_error},
        {"data: {\"type\":\"error\",\"message\":\"x\"}\n\n", StreamState::provider_error},
        {"data: {\"error\":{\"message\":\"x\"}}\n\n", StreamState::provider_error},
        {"data: [DONE]\n\n", StreamState::cut},
    };

    for (const auto& c : cases) {
        EXPECT_EQ(run_responses({c.event}).state, c.state) << c.event;
    }
}

TEST(ResponsesStream, DropsADoneThatThisApiDoesNotHave) {
    const StreamRun result = run_responses({"data: [DONE]\n\n", fixture("responses_text.sse")});

    EXPECT_EQ(result.out, fixture("responses_text.sse"));
    EXPECT_EQ(result.state, StreamState::complete);
}

}  // namespace
}  // namespace headgate::providers::openai
