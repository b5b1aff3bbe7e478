#include "providers/openai/stream_decoder.h"

#include "tests/unit/providers/openai/stream_run.h"

#include <random>

namespace headgate::providers::openai {
namespace {

constexpr std::string_view kDone = "data: [DONE]\n\n";

ApiRequest chat(bool include_usage = false, std::int64_t choices = 1) {
    return stream_request(Operation::chat_completions, include_usage, choices);
}

std::string as_event(std::string_view json) {
    return "data: " + std::string{json} + "\n\n";
}

std::string finished(int index) {
    return as_event(R"({"choices":[{"index":)" + std::to_string(index) +
                    R"(,"delta":{},"finish_reason":"stop"}]})");
}

TEST(ChatStream, PassesEverythingToAClientThatAskedForUsage) {
    for (const std::string_view file : {"chat_text.sse", "chat_tool_calls.sse", "chat_azure.sse"}) {
        const std::string stream = fixture(file);

        EXPECT_EQ(run(chat(true), {stream}).out, stream) << file;
    }
    const std::string legacy = fixture("completions.sse");
    EXPECT_EQ(run(stream_request(Operation::completions, true), {legacy}).out, legacy);
}

TEST(ChatStream, PassesAllReportsOfAzuresFilterAndTakesAwayOnlyTheUsage) {
    for (const std::string_view file :
         {"chat_azure_usage.sse", "chat_azure_async.sse", "chat_azure_filtered.sse"}) {
        const std::string stream = fixture(file);
        const std::size_t usage = stream.find("\"usage\":{");
        std::string without = stream;
        if (usage != std::string::npos) {
            const std::size_t begin = stream.rfind("\n\n", usage) + 2;
            without.erase(begin, stream.find("\n\n", usage) + 2 - begin);
        }

        const StreamRun result = run(chat(), {stream});

        EXPECT_EQ(result.out, replaced(without, R"(,"usage":null)", "")) << file;
        EXPECT_EQ(result.usage.is_reported, usage != std::string::npos) << file;
        EXPECT_EQ(run(chat(true), {stream}).out, stream) << file;
    }
}

TEST(ChatStream, TakesTheUsageOutOfAnEventThatAlsoReportsOnThePrompt) {
    constexpr std::string_view kUsage =
        R"("usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11})";
    const std::string first = R"({)" + std::string{kUsage} +
                              R"(,"choices":[],"prompt_filter_results":[{"prompt_index":0}]})";
    const std::string last = R"({"choices":[],"prompt_filter_results":[{"prompt_index":0}], )" +
                             std::string{kUsage} + "}";

    for (const std::string& event : {first, last}) {
        const StreamRun result = run(chat(), {as_event(event) + finished(0) + std::string{kDone}});

        EXPECT_EQ(result.out,
                  as_event(R"({"choices":[],"prompt_filter_results":[{"prompt_index":0}]})") +
                      finished(0) + std::string{kDone});
        EXPECT_EQ(result.usage, reported({{&Usage::input, 9}, {&Usage::output, 2}}));
    }
}

TEST(ChatStream, PassesUnchangedWhatHasNothingToRemove) {
    for (const std::string_view file : {"chat_text_without_usage.sse", "chat_azure.sse"}) {
        const std::string stream = fixture(file);

        EXPECT_EQ(run(chat(), {stream}).out, stream) << file;
    }
}

TEST(ChatStream, TakesTheUsageAwayFromAClientThatDidNotAskForIt) {
    const StreamRun result = run(chat(), {fixture("chat_text.sse")});

    EXPECT_EQ(result.out, fixture("chat_text_without_usage.sse"));
    EXPECT_EQ(result.state, StreamState::complete);
    EXPECT_TRUE(result.usage.is_reported);
}

TEST(ChatStream, TakesTheUsageAwayFromLegacyCompletionsToo) {
    const std::string stream = fixture("completions.sse");
    const std::size_t usage_event = event_borders(stream)[3];

    const StreamRun result = run(stream_request(Operation::completions), {stream});

    EXPECT_EQ(result.out,
              replaced(stream.substr(0, usage_event), R"(,"usage":null)", "") + std::string{kDone});
    EXPECT_EQ(result.usage, reported({{&Usage::input, 5}, {&Usage::output, 7}}));
    EXPECT_EQ(result.content_tokens, counted({"This is a test"}));
}

TEST(ChatStream, SplitsTheUsageIntoItsClasses) {
    const StreamRun result = run(chat(), {fixture("chat_text.sse")});

    EXPECT_EQ(result.usage, reported({{&Usage::input, 11},
                                      {&Usage::cached_input, 8},
                                      {&Usage::output, 46},
                                      {&Usage::reasoning, 64}}));
}

TEST(ChatStream, CutsTheNullUsageByteForByteWhereverItStands) {
    const struct {
        std::string_view in;
        std::string_view out;
    } cases[] = {
        {R"({"id":"a","usage":null})", R"({"id":"a"})"},
        {R"({"usage":null,"id":"a"})", R"({"id":"a"})"},
        {R"({ "usage" : null , "id" : "a" })", R"({  "id" : "a" })"},
        {R"({"id": "a", "usage": null, "n": 1.50})", R"({"id": "a", "n": 1.50})"},
        {R"({"usage":null})", R"({})"},
        {R"({ "usage": null })", R"({  })"},
        {R"({"id":"a","us\u0061ge":null})", R"({"id":"a"})"},
        {R"({"x":{"usage":null},"choices":[{"usage":null}]})",
         R"({"x":{"usage":null},"choices":[{"usage":null}]})"},
        {R"({"usage":null,"usage":null})", R"({"usage":null,"usage":null})"},
        {R"({"usage":false})", R"({"usage":false})"},
    };

    for (const auto& c : cases) {
        EXPECT_EQ(run(chat(), {as_event(c.in), kDone}).out, as_event(c.out) + std::string{kDone})
            << c.in;
    }
}

TEST(ChatStream, WritesDataOfSeveralLinesAnewWhereItCutsTheNullUsage) {
    const std::string stream =
        "event: chunk\ndata: {\"id\":\"a\",\ndata: \"usage\":null,\ndata:\"n\":1}\n\n";

    EXPECT_EQ(run(chat(true), {stream, kDone}).out, stream + std::string{kDone});
    EXPECT_EQ(run(chat(), {stream, kDone}).out,
              "event: chunk\ndata: {\"id\":\"a\",\ndata: \"n\":1}\n\n" + std::string{kDone});
}

TEST(ChatStream, LeavesOutLinesOtherThanDataAndEvent) {
    const std::string stream =
        ": comment\nid: 7\nevent: chunk\nretry: 10\ndata: {\"a\":1,\"usage\":null}\nfoo\ndata\n\n";

    EXPECT_EQ(run(chat(), {replaced(stream, "data\n", ""), kDone}).out,
              "event: chunk\ndata: {\"a\":1}\n\n" + std::string{kDone});
    EXPECT_EQ(run(chat(true), {stream, kDone}).out,
              "event: chunk\ndata: {\"a\":1,\"usage\":null}\ndata\n\n" + std::string{kDone});
}

TEST(ChatStream, LeavesOutCommentsAndEventsWithoutData) {
    const StreamRun result = run(chat(), {": keep-alive\n\nevent: ping\n\ndata:\n\n", kDone});

    EXPECT_EQ(result.out, kDone);
    EXPECT_EQ(result.events, 1U);
}

TEST(ChatStream, DropsAByteOrderMark) {
    EXPECT_EQ(run(chat(), {"\xef\xbb\xbf", kDone}).out, kDone);
}

TEST(ChatStream, ReadsAndPassesUsageInTheLastContentChunk) {
    const std::string stream = fixture("chat_compatible.sse");

    const StreamRun result = run(chat(), {stream});

    EXPECT_EQ(result.usage, reported({{&Usage::input, 5}, {&Usage::output, 2}}));
    EXPECT_NE(result.out.find("\"total_tokens\":7"), std::string::npos);
    EXPECT_EQ(result.out.find("OPENROUTER"), std::string::npos);
}

TEST(ChatStream, TakesTheLastUsageOfSeveral) {
    const std::string first =
        as_event(R"({"choices":[{}],"usage":{"prompt_tokens":5,"completion_tokens":1}})");
    const std::string last =
        as_event(R"({"choices":[{}],"usage":{"prompt_tokens":5,"completion_tokens":9}})");

    EXPECT_EQ(run(chat(), {first, last}).usage.output, Tokens{9});
}

TEST(ChatStream, AddsAMissingDoneAfterACleanEndOfAllChoices) {
    const StreamRun result = run(chat(), {fixture("chat_compatible.sse")});

    EXPECT_EQ(result.state, StreamState::complete);
    EXPECT_TRUE(result.out.ends_with("}\n\ndata: [DONE]\n\n"));
}

TEST(ChatStream, IsCutAtACleanEndWhereAChoiceIsNotFinished) {
    const std::string started = as_event(R"({"choices":[{"index":1,"delta":{"content":"x"}}]})");
    const std::string empty = as_event(R"({"choices":[{"index":0,"finish_reason":""}]})");
    const std::string null = as_event(R"({"choices":[{"index":0,"finish_reason":null}]})");

    EXPECT_EQ(run(chat(), {}).state, StreamState::cut);
    EXPECT_EQ(run(chat(), {started, finished(0)}).state, StreamState::cut);
    EXPECT_EQ(run(chat(), {empty}).state, StreamState::cut);
    EXPECT_EQ(run(chat(), {null}).state, StreamState::cut);
    EXPECT_EQ(run(chat(false, 2), {finished(0)}).state, StreamState::cut);
    EXPECT_EQ(run(chat(false, 2), {finished(0), finished(0)}).state, StreamState::cut);
    EXPECT_EQ(run(chat(false, 2), {finished(0), finished(1)}).state, StreamState::complete);
}

TEST(ChatStream, IsCutAtACleanEndInsideAnEvent) {
    EXPECT_EQ(run(chat(), {finished(0), "data: [DO"}).state, StreamState::cut);
    EXPECT_EQ(run(chat(), {finished(0), "data: [DONE]"}).state, StreamState::cut);
    EXPECT_EQ(run(chat(), {finished(0), "data: {}\n"}).state, StreamState::cut);
}

TEST(ChatStream, IsCutAtAnUncleanEndEvenWhereAllChoicesAreFinished) {
    EXPECT_EQ(run(chat(), {finished(0)}, false).state, StreamState::cut);
    EXPECT_EQ(run(chat(), {finished(0), kDone}, false).state, StreamState::complete);
}

TEST(ChatStream, DropsWhatFollowsDone) {
    const std::string stream = finished(0) + std::string{kDone};

    EXPECT_EQ(run(chat(), {stream + finished(1) + "data: nonsense\n\n"}).out, stream);
    EXPECT_EQ(run(chat(), {stream, finished(1), kDone}).out, stream);
}

TEST(ChatStream, PassesAnErrorOfTheProviderWithItsIdsMasked) {
    const std::string stream = fixture("chat_error.sse");

    const StreamRun result = run(chat(), {stream, kDone});

    EXPECT_EQ(result.state, StreamState::provider_error);
    EXPECT_EQ(result.out, replaced(stream, "org-AbCdEf0123456789AbCdEf01", "org-***"));
}

TEST(ChatStream, PassesAnErrorBesideAChoiceAndIgnoresOneThatTellsNone) {
    const std::string beside = as_event(
        R"({"choices":[{"delta":{"content":"org-AbC123"},"finish_reason":"error"}],"error":{"code":502}})");
    const std::string none =
        as_event(R"({"error":null,"choices":[]})") + as_event(R"({"error":""})");

    EXPECT_EQ(run(chat(), {beside, kDone}).out, beside);
    EXPECT_EQ(run(chat(), {beside}).state, StreamState::provider_error);
    EXPECT_EQ(run(chat(), {none, kDone}).state, StreamState::complete);
}

TEST(ChatStream, RefusesImpossibleChoices) {
    for (const std::string_view index : {"-1", "65536", "1.5", "99999999999999999999"}) {
        const std::string event = as_event(R"({"choices":[{"index":)" + std::string{index} + "}]}");

        EXPECT_EQ(run(chat(), {event}).state, StreamState::invalid) << index;
    }
}

TEST(ChatStream, PassesMembersOfTypesThatItDoesNotExpect) {
    const std::string stream = as_event(
        R"({"choices":[null,[1],{"delta":[{"a":1}],"text":{},"finish_reason":{},"index":"0"}],"usage":[]})");

    const StreamRun result = run(chat(), {stream, kDone});

    EXPECT_EQ(result.out, stream + std::string{kDone});
    EXPECT_EQ(result.usage, Usage{});
}

TEST(ChatStream, IsInvalidAtAnEventAboveItsLimit) {
    const std::string large(SseParser::kMaxEvent + 1, 'x');

    const StreamRun result = run(chat(), {"data: \"", large});

    EXPECT_EQ(result.state, StreamState::invalid);
    EXPECT_LT(result.out.size(), 300U);
}

TEST(ChatStream, SurvivesRandomDamage) {
    const std::string stream = fixture("chat_tool_calls.sse");

    for (unsigned seed = 0; seed < 2000; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937 random{seed};
        std::string damaged = stream;
        for (int i = 0; i < 3; ++i) {
            damaged[random() % damaged.size()] = static_cast<char>(random());
        }

        const StreamRun whole = run(chat(), {damaged});

        EXPECT_NE(whole.state, StreamState::open);
        EXPECT_EQ(run_bytewise(chat(), damaged), whole);
    }
}

}  // namespace
}  // namespace headgate::providers::openai
