#include "tests/unit/providers/openai/stream_run.h"

#include "providers/contract/answer_tokens.h"
#include "providers/openai/adapter.h"

#include <algorithm>
#include <fstream>
#include <span>
#include <sstream>
#include <stdexcept>

namespace headgate::providers::openai {

std::string fixture(std::string_view name) {
    const std::string path = std::string{HEADGATE_FIXTURES} + "/" + std::string{name};
    std::ifstream file{path, std::ios::binary};
    if (!file) {
        throw std::runtime_error("no fixture " + path);
    }
    std::ostringstream bytes;
    bytes << file.rdbuf();
    const std::string text = bytes.str();
    return text.substr(text.find("\n\n") + 2);
}

ApiRequest stream_request(Operation operation, bool include_usage, std::int64_t choices) {
    const std::span<const Endpoint> table = endpoint_table();
    const auto is_wanted = [&](const Endpoint& endpoint) {
        return endpoint.operation == operation && endpoint.handling == Handling::relayed;
    };
    const auto endpoint = std::ranges::find_if(table, is_wanted);
    if (endpoint == table.end()) {
        throw std::runtime_error("no such endpoint");
    }
    ApiRequest request;
    request.endpoint = &*endpoint;
    request.stream = true;
    request.include_usage = include_usage;
    request.n = choices;
    return request;
}

Usage reported(std::initializer_list<std::pair<Tokens Usage::*, std::int64_t>> classes) {
    Usage usage;
    for (const auto& [member, count] : classes) {
        usage.*member = Tokens{count};
    }
    usage.is_reported = true;
    return usage;
}

Usage pictures(std::int64_t count) {
    Usage usage = reported({});
    usage.images = count;
    return usage;
}

void PrintTo(const StreamRun& run, std::ostream* stream) {
    *stream << "state " << static_cast<int>(run.state) << ", events " << run.events << ", content "
            << run.content_tokens.count << ", reported " << run.usage.is_reported << ", out:\n"
            << run.out;
}

Tokens counted(std::initializer_list<std::string_view> deltas) {
    AnswerTokens tokens;
    for (const std::string_view delta : deltas) {
        tokens.add(delta);
    }
    return tokens.total();
}

StreamRun run(const ApiRequest& request,
              const std::vector<std::string_view>& pieces,
              bool is_clean) {
    const std::unique_ptr<StreamDecoder> decoder = OpenAiAdapter{}.stream_decoder(request);
    StreamRun result;
    for (const std::string_view piece : pieces) {
        // An exact copy on the heap, so that a sanitizer sees a view that outlives its bytes.
        const std::vector<char> bytes(piece.begin(), piece.end());
        decoder->feed({bytes.data(), bytes.size()}, result.out);
    }
    result.state = decoder->finish(is_clean, result.out);
    result.usage = decoder->usage();
    result.content_tokens = decoder->content_tokens();
    result.events = decoder->events();
    return result;
}

StreamRun run_bytewise(const ApiRequest& request, std::string_view stream, bool is_clean) {
    std::vector<std::string_view> pieces;
    for (std::size_t at = 0; at < stream.size(); ++at) {
        pieces.push_back(stream.substr(at, 1));
    }
    return run(request, pieces, is_clean);
}

std::vector<std::size_t> event_borders(std::string_view stream) {
    std::vector<std::size_t> borders{0};
    for (std::size_t at = stream.find("\n\n"); at != std::string_view::npos;
         at = stream.find("\n\n", at + 2)) {
        borders.push_back(at + 2);
    }
    return borders;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    for (std::size_t at = text.find(from); at != std::string::npos;
         at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
    return text;
}

namespace {

struct Case {
    std::string_view file;
    Operation operation;
    StreamState state;
    std::int64_t choices = 1;
};

constexpr Case kCases[] = {
    {"chat_text.sse", Operation::chat_completions, StreamState::complete},
    {"chat_text_without_usage.sse", Operation::chat_completions, StreamState::complete},
    {"chat_tool_calls.sse", Operation::chat_completions, StreamState::complete},
    {"chat_two_choices.sse", Operation::chat_completions, StreamState::complete, 2},
    {"chat_azure.sse", Operation::chat_completions, StreamState::complete},
    {"chat_azure_usage.sse", Operation::chat_completions, StreamState::complete},
    {"chat_azure_async.sse", Operation::chat_completions, StreamState::complete},
    {"chat_azure_filtered.sse", Operation::chat_completions, StreamState::complete},
    {"responses_azure.sse", Operation::responses, StreamState::complete},
    {"chat_compatible.sse", Operation::chat_completions, StreamState::complete},
    {"chat_error.sse", Operation::chat_completions, StreamState::provider_error},
    {"completions.sse", Operation::completions, StreamState::complete},
    {"responses_text.sse", Operation::responses, StreamState::complete},
    {"responses_function_call.sse", Operation::responses, StreamState::complete},
    {"responses_failed.sse", Operation::responses, StreamState::complete},
    {"responses_error.sse", Operation::responses, StreamState::provider_error},
    {"image.sse", Operation::image_generations, StreamState::complete},
};

class EveryStream : public testing::TestWithParam<Case> {};

INSTANTIATE_TEST_SUITE_P(Fixtures, EveryStream, testing::ValuesIn(kCases), [](const auto& info) {
    return replaced(std::string{info.param.file}, ".sse", "");
});

TEST_P(EveryStream, IsTheSameHoweverItWasSplit) {
    const Case& c = GetParam();
    const std::string stream = fixture(c.file);

    for (const bool include_usage : {false, true}) {
        const ApiRequest request = stream_request(c.operation, include_usage, c.choices);
        const StreamRun whole = run(request, {stream});

        EXPECT_EQ(whole.state, c.state);
        EXPECT_EQ(run_bytewise(request, stream), whole);
        for (std::size_t at = 1; at < stream.size(); ++at) {
            const std::string_view text = stream;
            ASSERT_EQ(run(request, {text.substr(0, at), text.substr(at)}), whole) << "at " << at;
        }
    }
}

TEST_P(EveryStream, MeansTheSameWithOtherLineEnds) {
    const Case& c = GetParam();
    const std::string stream = fixture(c.file);
    const ApiRequest request = stream_request(c.operation, false, c.choices);
    const StreamRun expected = run(request, {stream});

    for (const std::string_view line_end : {"\r\n", "\r"}) {
        const std::string other = replaced(stream, "\n", line_end);
        const StreamRun whole = run(request, {other});

        // What is written anew, such as a masked error, has LF line ends.
        const std::string out = replaced(replaced(whole.out, "\r\n", "\n"), "\r", "\n");
        EXPECT_EQ(out, expected.out);
        EXPECT_EQ(whole.state, expected.state);
        EXPECT_EQ(whole.usage, expected.usage);
        EXPECT_EQ(run_bytewise(request, other), whole);
    }
}

TEST_P(EveryStream, IsCutWhereverTheProviderBreaksOffBeforeItsEnd) {
    const Case& c = GetParam();
    const std::string stream = fixture(c.file);
    const ApiRequest request = stream_request(c.operation, false, c.choices);
    const StreamRun whole = run(request, {stream}, false);
    const std::string_view code = c.operation == Operation::responses
                                      ? R"("code":"upstream_interrupted","message":)"
                                      : R"("type":"upstream_error","param":null,)"
                                        R"("code":"upstream_interrupted"}})";

    for (std::size_t at = 0; at + 1 < stream.size(); ++at) {
        const StreamRun cut = run(request, {std::string_view{stream}.substr(0, at)}, false);

        ASSERT_EQ(cut.state, StreamState::cut) << "at " << at;
        const std::size_t failure =
            cut.out.rfind(c.operation == Operation::responses ? "event: error\ndata: " : "data: ");
        ASSERT_NE(failure, std::string::npos);
        EXPECT_TRUE(whole.out.starts_with(cut.out.substr(0, failure))) << "at " << at;
        EXPECT_NE(cut.out.find(code, failure), std::string::npos) << cut.out.substr(failure);
        EXPECT_TRUE(cut.out.ends_with("}\n\n"));
        EXPECT_EQ(cut.out.find("[DONE]"), std::string::npos);
    }
}

TEST_P(EveryStream, IsInvalidFromAnEventThatIsNotJson) {
    const Case& c = GetParam();
    const std::string stream = fixture(c.file);
    const ApiRequest request = stream_request(c.operation, true, c.choices);
    const std::vector<std::size_t> borders = event_borders(stream);

    for (std::size_t i = 0; i + 1 < borders.size(); ++i) {
        for (const std::string_view bad :
             {"data: {\"a\":}\n\n", "data: {\"a\":\"\xff\"}\n\n", "data: {} {}\n\n",
              "data: [1]\n\n", "data: 5\n\n", "data: {\"a\":NaN}\n\n", "data: <html>\n\n"}) {
            const std::string before = stream.substr(0, borders[i]);
            const std::string_view after = std::string_view{stream}.substr(borders[i]);
            const StreamRun broken = run(request, {before, bad, after});

            ASSERT_EQ(broken.state, StreamState::invalid) << bad;
            EXPECT_NE(broken.out.find("\"upstream_invalid_response\""), std::string::npos);
            EXPECT_EQ(broken.out.find("<html>"), std::string::npos);
            EXPECT_EQ(broken.out.find("[DONE]"), std::string::npos);
        }
    }
}

}  // namespace
}  // namespace headgate::providers::openai
