#include "providers/azure/adapter.h"
#include "tests/unit/providers/azure/simulated_cases.h"

#include <gtest/gtest.h>

#include <memory>

namespace headgate::providers::azure {
namespace {

class SimulatedAzure : public testing::TestWithParam<SimulatedCase> {
protected:
    /// The client's request: it asks for what the case's body asks.
    ApiRequest request() const {
        const Classified classified = classify(Method::post, GetParam().endpoint);
        Result<ApiRequest> request = understand(*classified.endpoint, GetParam().body);
        EXPECT_TRUE(request) << GetParam().body;
        return request.value_or(ApiRequest{});
    }

    bool is_chat() const { return GetParam().endpoint.ends_with("/completions"); }
};

class Plain : public SimulatedAzure {};
class Streamed : public SimulatedAzure {};
class Refused : public SimulatedAzure {};

template <class Wanted>
std::vector<SimulatedCase> cases(Wanted wanted) {
    std::vector<SimulatedCase> found;
    std::ranges::copy_if(kSimulatedCases, std::back_inserter(found), wanted);
    return found;
}

std::string name_of(const testing::TestParamInfo<SimulatedCase>& info) {
    std::string name{info.param.file};
    name[name.find('.')] = '_';
    return name;
}

INSTANTIATE_TEST_SUITE_P(Fixtures,
                         Plain,
                         testing::ValuesIn(cases([](const SimulatedCase& c) {
                             return c.status == 200 && !c.is_stream();
                         })),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Fixtures,
                         Streamed,
                         testing::ValuesIn(cases([](const SimulatedCase& c) {
                             return c.is_stream();
                         })),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Fixtures,
                         Refused,
                         testing::ValuesIn(cases([](const SimulatedCase& c) {
                             return c.status != 200;
                         })),
                         name_of);

TEST_P(Plain, AnswerIsValidAndTellsItsUsage) {
    const std::string body = answer_of(GetParam());

    const PlainAnswer answer = AzureAdapter{}.decode(request(), body);

    EXPECT_TRUE(answer.is_valid) << answer.problem;
    EXPECT_TRUE(answer.usage.is_reported);
    EXPECT_EQ(answer.content_tokens.count > 0, is_chat() || GetParam().endpoint == "/v1/responses");
}

struct Decoded {
    StreamState state = StreamState::open;
    std::string out;
    Usage usage;
    Tokens content_tokens;

    friend bool operator==(const Decoded&, const Decoded&) = default;
};

/// The stream in pieces of `piece` bytes, the first of `first`.
Decoded decoded(const ApiRequest& request,
                std::string_view stream,
                std::size_t first,
                std::size_t piece) {
    const std::unique_ptr<StreamDecoder> decoder = AzureAdapter{}.stream_decoder(request);
    Decoded result;
    for (std::size_t size = first; !stream.empty(); size = piece) {
        decoder->feed(stream.substr(0, size), result.out);
        stream.remove_prefix(std::min(size, stream.size()));
    }
    result.state = decoder->finish(true, result.out);
    result.usage = decoder->usage();
    result.content_tokens = decoder->content_tokens();
    return result;
}

TEST_P(Streamed, AnswerPassesByteForByteToWhoAskedSo) {
    const std::string stream = answer_of(GetParam());
    const ApiRequest asked = request();

    const Decoded result = decoded(asked, stream, stream.size(), stream.size());

    EXPECT_EQ(result.state, StreamState::complete);
    EXPECT_EQ(result.out, stream);
    EXPECT_EQ(result.usage.is_reported, asked.include_usage || !is_chat());
    EXPECT_EQ(result.content_tokens.count > 0, GetParam().endpoint != "/v1/images/generations");
}

TEST_P(Streamed, AnswerLosesNothingButTheUsageToWhoDidNotAskForIt) {
    const std::string stream = answer_of(GetParam());
    ApiRequest asked = request();
    asked.include_usage = false;

    const Decoded result = decoded(asked, stream, stream.size(), stream.size());

    EXPECT_EQ(result.state, StreamState::complete);
    if (is_chat()) {
        EXPECT_FALSE(result.out.contains("\"usage\""));
        EXPECT_TRUE(result.out.contains("\"prompt_filter_results\""));
        EXPECT_TRUE(result.out.ends_with("data: [DONE]\n\n"));
    } else {
        EXPECT_EQ(result.out, stream);
    }
}

TEST_P(Streamed, AnswerIsTheSameHoweverItWasSplit) {
    const std::string stream = answer_of(GetParam());

    for (const bool include_usage : {false, true}) {
        ApiRequest asked = request();
        asked.include_usage = include_usage;
        const Decoded whole = decoded(asked, stream, stream.size(), stream.size());

        EXPECT_EQ(decoded(asked, stream, 1, 1), whole);
        for (std::size_t at = 1; at < stream.size(); ++at) {
            ASSERT_EQ(decoded(asked, stream, at, stream.size()), whole) << "at " << at;
        }
    }
}

TEST_P(Refused, AnswerIsAnErrorOfOpenAisShape) {
    const SimulatedCase& c = GetParam();
    const std::string body = answer_of(c);

    const ProviderError error = AzureAdapter{}.decode_error(c.status, body);

    EXPECT_TRUE(error.body.starts_with(R"({"error":{"message":")")) << error.body;
    EXPECT_FALSE(error.code.empty());
    EXPECT_EQ(error.is_credential, c.status == 401 || c.status == 403);
    EXPECT_FALSE(error.is_quota);
    if (c.file == "simulated_content_filter.json") {
        EXPECT_EQ(error.body, body);
        EXPECT_EQ(error.code, "content_filter");
    }
}

}  // namespace
}  // namespace headgate::providers::azure
