#include "tests/unit/providers/simulator/simulated.h"

namespace headgate::providers {
namespace {

constexpr std::string_view kCompletions = "/v1/completions";

std::string completion(std::string_view with) {
    return R"({"model":"gpt-3.5-turbo-instruct")" + std::string{with} + "}";
}

TEST(SimulatedCompletion, HasTheShapeOfACompletion) {
    const Json answer = post_json(kCompletions, completion(R"(,"prompt":"Once upon")"));

    EXPECT_STREQ(answer["object"].GetString(), "text_completion");
    ASSERT_EQ(answer["choices"].Size(), 1U);
    const auto& choice = answer["choices"][0];
    EXPECT_TRUE(choice["logprobs"].IsNull());
    EXPECT_STREQ(choice["finish_reason"].GetString(), "stop");
    EXPECT_EQ(answer["usage"]["prompt_tokens"].GetInt64(), 2);
    EXPECT_EQ(answer["usage"]["completion_tokens"].GetInt64(),
              count_tokens(choice["text"].GetString()));
}

TEST(SimulatedCompletion, TakesEveryKindOfPrompt) {
    const std::tuple<std::string_view, unsigned, std::int64_t> cases[] = {
        {"", 1, 1},
        {R"(,"prompt":"a b c")", 1, 3},
        {R"(,"prompt":["a b","c"])", 2, 3},
        {R"(,"prompt":[7,8,9])", 1, 3},
        {R"(,"prompt":[[7,8],[9]])", 2, 3},
        {R"(,"prompt":["a","b"],"n":2)", 4, 2},
    };
    for (const auto& [with, choices, prompt_tokens] : cases) {
        const Json answer = post_json(kCompletions, completion(with));

        EXPECT_EQ(answer["choices"].Size(), choices) << with;
        EXPECT_EQ(answer["usage"]["prompt_tokens"].GetInt64(), prompt_tokens) << with;
    }
}

TEST(SimulatedCompletion, ChargesEveryCandidateOfBestOf) {
    const Json answer =
        post_json(kCompletions, completion(R"(,"prompt":"a","n":2,"best_of":5,"max_tokens":6)"));

    EXPECT_EQ(answer["choices"].Size(), 2U);
    EXPECT_EQ(answer["usage"]["completion_tokens"].GetInt64(), 30);
    EXPECT_STREQ(answer["choices"][0]["finish_reason"].GetString(), "length");
}

TEST(SimulatedCompletion, EchoesThePrompt) {
    const Json answer =
        post_json(kCompletions, completion(R"(,"prompt":"Once upon","echo":true,"max_tokens":3)"));

    EXPECT_TRUE(
        std::string_view{answer["choices"][0]["text"].GetString()}.starts_with("Once upon "));
    EXPECT_EQ(count_tokens(answer["choices"][0]["text"].GetString()), 5);
    EXPECT_EQ(answer["usage"]["completion_tokens"].GetInt64(), 3);
}

TEST(SimulatedCompletion, TellsLogProbabilitiesWithOffsets) {
    const Json answer =
        post_json(kCompletions, completion(R"(,"prompt":"a","logprobs":2,"max_tokens":4)"));
    const auto& choice = answer["choices"][0];
    const auto& logprobs = choice["logprobs"];

    ASSERT_EQ(logprobs["tokens"].Size(), 4U);
    const std::string text = choice["text"].GetString();
    for (rapidjson::SizeType i = 0; i < 4; ++i) {
        const std::string token = logprobs["tokens"][i].GetString();
        EXPECT_EQ(text.substr(logprobs["text_offset"][i].GetUint(), token.size()), token);
        EXPECT_LT(logprobs["token_logprobs"][i].GetDouble(), 0);
        EXPECT_EQ(logprobs["top_logprobs"][i].MemberCount(), 2U);
    }
}

TEST(SimulatedCompletion, StreamedPutTogetherIsThePlainAnswer) {
    for (const std::string_view with :
         {R"(,"prompt":"a")", R"(,"prompt":["a","b"],"n":2,"max_tokens":5)",
          R"(,"prompt":"a","echo":true,"logprobs":1)"}) {
        const Json plain = post_json(kCompletions, completion(with));
        const auto events = events_of(post(
            kCompletions, completion(std::string{with} +
                                     R"(,"stream":true,"stream_options":{"include_usage":true})")));

        std::vector<std::string> texts(plain["choices"].Size());
        std::vector<std::string> finishes(texts.size());
        for (std::size_t i = 0; i + 2 < events.size(); ++i) {
            const Json chunk = parsed(events[i]);
            const auto& choice = chunk["choices"][0];
            texts.at(choice["index"].GetUint()) += choice["text"].GetString();
            if (choice["finish_reason"].IsString()) {
                finishes.at(choice["index"].GetUint()) = choice["finish_reason"].GetString();
            }
        }
        for (rapidjson::SizeType i = 0; i < texts.size(); ++i) {
            EXPECT_EQ(texts[i], plain["choices"][i]["text"].GetString());
            EXPECT_EQ(finishes[i], plain["choices"][i]["finish_reason"].GetString());
        }
        EXPECT_EQ(parsed(events[events.size() - 2])["usage"], plain["usage"]);
        EXPECT_EQ(events.back(), "[DONE]");
    }
}

TEST(SimulatedCompletion, RefusesWhatAProviderWouldRefuse) {
    const std::string long_prompt(2'000'000, 'x');
    const std::pair<std::string, std::string_view> cases[] = {
        {R"(,"prompt":[])", "prompt"},
        {R"(,"prompt":{})", "prompt"},
        {R"(,"prompt":[1,-2])", "prompt"},
        {R"(,"prompt":[1,"a"])", "prompt"},
        {R"(,"prompt":"a","n":3,"best_of":2)", "best_of"},
        {R"(,"prompt":"a","best_of":2,"stream":true)", "best_of"},
        {R"(,"prompt":"a","logprobs":6)", "logprobs"},
        {R"(,"prompt":"a","echo":true,"n":128,"prompt":")" + long_prompt + "\"", ""},
        {R"(,"echo":true,"prompt":")" + long_prompt + "\"", "prompt"},
    };
    for (const auto& [with, param] : cases) {
        const WireScript script = post(kCompletions, completion(with));

        if (param.empty()) {  // the first of two `prompt` counts: a small one
            EXPECT_EQ(script.status, 200);
            continue;
        }
        EXPECT_EQ(told_error(script).param, param) << with.substr(0, 80);
        EXPECT_EQ(script.status, 400);
    }
}

}  // namespace
}  // namespace headgate::providers
