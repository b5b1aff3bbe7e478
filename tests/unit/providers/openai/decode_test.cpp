#include "providers/openai/decode.h"

#include "tests/unit/providers/openai/stream_run.h"

namespace headgate::providers::openai {
namespace {

PlainAnswer decoded(Operation operation, std::string_view body) {
    return decode(stream_request(operation), body);
}

// OpenAI API reference, Create chat completion, response with a tool call.
constexpr std::string_view kChat =
    R"({"id":"chatcmpl-B9M","object":"chat.completion","created":1741569952,"model":"gpt-5-mini",
"choices":[{"index":0,"message":{"role":"assistant","content":"Gr\u00fc\u00dfe","refusal":null,
"tool_calls":[{"id":"call_1","type":"function","function":{"name":"now","arguments":"{\"a\":1}"}}],
"annotations":[]},"logprobs":null,"finish_reason":"stop"}],
"usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,
"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":0},
"completion_tokens_details":{"reasoning_tokens":3,"audio_tokens":0}},"service_tier":"default"})";

// OpenAI API reference, Create a model response.
constexpr std::string_view kResponse =
    R"({"id":"resp_1","object":"response","status":"completed","error":null,"output":[
{"type":"reasoning","id":"rs_1","summary":[]},
{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"Hello"}]},
{"type":"function_call","name":"now","arguments":"{}"}],
"usage":{"input_tokens":36,"input_tokens_details":{"cached_tokens":6,"cache_write_tokens":0},
"output_tokens":87,"output_tokens_details":{"reasoning_tokens":7},"total_tokens":123}})";

TEST(Decode, ReadsTheUsageAndTextOfAChat) {
    const PlainAnswer answer = decoded(Operation::chat_completions, kChat);

    EXPECT_TRUE(answer.is_valid) << answer.problem;
    EXPECT_EQ(answer.usage, reported({{&Usage::input, 15},
                                      {&Usage::cached_input, 4},
                                      {&Usage::output, 7},
                                      {&Usage::reasoning, 3}}));
    EXPECT_EQ(answer.content_tokens, counted({"Grüße", "now", "{\"a\":1}"}));
}

TEST(Decode, ReadsTheUsageAndTextOfACompletion) {
    const PlainAnswer answer = decoded(
        Operation::completions,
        R"({"choices":[{"text":"ab","index":0},{"text":"c","index":1}],"usage":{"prompt_tokens":5,"completion_tokens":7}})");

    EXPECT_TRUE(answer.is_valid);
    EXPECT_EQ(answer.usage, reported({{&Usage::input, 5}, {&Usage::output, 7}}));
    EXPECT_EQ(answer.content_tokens, Tokens{2});
}

TEST(Decode, ReadsTheUsageAndTextOfAResponse) {
    const PlainAnswer answer = decoded(Operation::responses, kResponse);

    EXPECT_TRUE(answer.is_valid) << answer.problem;
    EXPECT_EQ(answer.usage, reported({{&Usage::input, 30},
                                      {&Usage::cached_input, 6},
                                      {&Usage::output, 80},
                                      {&Usage::reasoning, 7}}));
    EXPECT_EQ(answer.content_tokens, counted({"Hello", "now", "{}"}));
}

TEST(Decode, TakesAResponseThatFailedForAnAnswer) {
    EXPECT_TRUE(
        decoded(Operation::responses,
                R"({"id":"r","status":"failed","error":{"code":"server_error"},"output":[]})")
            .is_valid);
    EXPECT_FALSE(decoded(Operation::responses, R"({"id":"r","error":{"code":"x"}})").is_valid);
}

TEST(Decode, ReadsTheUsageOfEmbeddings) {
    const PlainAnswer answer = decoded(
        Operation::embeddings,
        R"({"object":"list","data":[{"embedding":[0.1,-2e-5],"index":0}],"usage":{"prompt_tokens":8,"total_tokens":8}})");

    EXPECT_TRUE(answer.is_valid);
    EXPECT_EQ(answer.usage, reported({{&Usage::input, 8}}));
}

TEST(Decode, CountsPicturesAndReadsTheirTokensWhereTheyAreTold) {
    const PlainAnswer by_tokens = decoded(
        Operation::image_generations,
        R"({"created":1,"data":[{"b64_json":"AA"}],"usage":{"input_tokens":50,"output_tokens":60,"total_tokens":110,"input_tokens_details":{"text_tokens":10,"image_tokens":40}}})");
    const PlainAnswer by_piece =
        decoded(Operation::image_generations, R"({"created":1,"data":[{"url":"a"},{"url":"b"}]})");

    Usage told =
        reported({{&Usage::input, 10}, {&Usage::image_input, 40}, {&Usage::image_output, 60}});
    told.images = 1;
    EXPECT_EQ(by_tokens.usage, told);
    EXPECT_EQ(by_piece.usage, pictures(2));
}

TEST(Decode, ReportsNoUsageOfModerations) {
    const PlainAnswer answer = decoded(Operation::moderations, R"({"id":"m","results":[{}]})");

    EXPECT_TRUE(answer.is_valid);
    EXPECT_EQ(answer.usage, Usage{});
}

TEST(Decode, RefusesWhatIsNotOfTheShapeThatTheEndpointPromises) {
    const struct {
        Operation operation;
        std::string_view body;
        std::string_view problem;
    } cases[] = {
        {Operation::chat_completions, "{}", "no array `choices`"},
        {Operation::chat_completions, R"({"choices":{}})", "no array `choices`"},
        {Operation::chat_completions, R"({"choices":[],"choices":1})", "no array `choices`"},
        {Operation::completions, R"({"data":[]})", "no array `choices`"},
        {Operation::embeddings, R"({"data":null})", "no array `data`"},
        {Operation::moderations, R"({"choices":[]})", "no array `results`"},
        {Operation::responses, R"({"id":"r"})", "no array `output`"},
        {Operation::responses, R"({"id":1,"status":"x"})", "no array `output`"},
        {Operation::image_generations, R"({"created":"x"})", "no array `data`"},
        {Operation::chat_completions, R"({"choices":[],"error":{}})",
         "an `error` in a successful answer"},
        {Operation::chat_completions, "[]", "not a JSON object"},
        {Operation::chat_completions, "7", "not a JSON object"},
        {Operation::chat_completions, "", "not JSON: the text ends too early at byte 0"},
        {Operation::chat_completions, "<html>", "not JSON: unexpected character at byte 0"},
        {Operation::chat_completions, R"({"choices":[]} x)",
         "not JSON: bytes behind the JSON value at byte 15"},
        {Operation::chat_completions, "{\"choices\":[\"\xff\"]}",
         "not JSON: invalid UTF-8 at byte 13"},
    };

    for (const auto& c : cases) {
        const PlainAnswer answer = decoded(c.operation, c.body);

        EXPECT_FALSE(answer.is_valid) << c.body;
        EXPECT_EQ(answer.problem, c.problem) << c.body;
        EXPECT_EQ(answer.usage, Usage{});
    }
}

TEST(Decode, TakesTheLastOfMembersThatStandTwice) {
    const PlainAnswer answer = decoded(
        Operation::chat_completions,
        R"({"choices":1,"error":{},"usage":{"prompt_tokens":1,"completion_tokens":1},"choices":[],"error":null,"usage":null})");

    EXPECT_TRUE(answer.is_valid) << answer.problem;
    EXPECT_EQ(answer.usage, Usage{});
}

TEST(Decode, RefusesEveryAnswerThatWasCut) {
    for (const auto& [operation, body] : {std::pair{Operation::chat_completions, kChat},
                                          std::pair{Operation::responses, kResponse}}) {
        for (std::size_t at = 0; at < body.size(); ++at) {
            ASSERT_FALSE(decoded(operation, body.substr(0, at)).is_valid) << "at " << at;
        }
    }
}

TEST(Decode, TellsTheServiceTierThatServedTheRequest) {
    const auto tier = [](Operation operation, std::string_view body) {
        return decoded(operation, body).service_tier;
    };
    EXPECT_EQ(tier(Operation::chat_completions, kChat), "default");
    EXPECT_EQ(tier(Operation::chat_completions, R"({"service_tier":"flex","choices":[]})"), "flex");
    EXPECT_EQ(tier(Operation::chat_completions, R"({"service_tier":null,"choices":[]})"), "");
    EXPECT_EQ(tier(Operation::chat_completions, R"({"service_tier":["x"],"choices":[]})"), "");
    EXPECT_EQ(tier(Operation::responses, R"({"output":[],"service_tier":"priority"})"), "priority");
    EXPECT_EQ(tier(Operation::responses, R"({"output":[{"service_tier":"flex"}]})"), "");
    const std::string longest(kMaxServiceTier, 'x');
    EXPECT_EQ(tier(Operation::responses, R"({"output":[],"service_tier":")" + longest + R"("})"),
              longest);
    EXPECT_EQ(tier(Operation::responses, R"({"output":[],"service_tier":")" + longest + R"(x"})"),
              "");
}

}  // namespace
}  // namespace headgate::providers::openai
