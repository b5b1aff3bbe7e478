#include "tests/unit/providers/simulator/simulated.h"

namespace headgate::providers {
namespace {

constexpr std::string_view kChat = "/v1/chat/completions";

/// A chat request with further members: `with` begins with a comma.
std::string chat(std::string_view with = "",
                 std::string_view user = "Tell me of the sea, please.") {
    return R"({"model":"gpt-4o","messages":[{"role":"system","content":"Be kind"},)"
           R"({"role":"user","content":")" +
           std::string{user} + R"("}])" + std::string{with} + "}";
}

std::string content_of(const Json& answer, rapidjson::SizeType choice = 0) {
    return answer["choices"][choice]["message"]["content"].GetString();
}

TEST(SimulatedChat, HasTheShapeOfAChatCompletion) {
    const Json answer = post_json(kChat, chat());

    EXPECT_TRUE(std::string_view{answer["id"].GetString()}.starts_with("chatcmpl-"));
    EXPECT_STREQ(answer["object"].GetString(), "chat.completion");
    EXPECT_STREQ(answer["model"].GetString(), "gpt-4o");
    EXPECT_STREQ(answer["service_tier"].GetString(), "default");
    EXPECT_TRUE(answer["created"].IsInt64());
    EXPECT_TRUE(answer["system_fingerprint"].IsString());
    ASSERT_EQ(answer["choices"].Size(), 1U);
    const auto& choice = answer["choices"][0];
    EXPECT_STREQ(choice["message"]["role"].GetString(), "assistant");
    EXPECT_TRUE(choice["message"]["refusal"].IsNull());
    EXPECT_TRUE(choice["logprobs"].IsNull());
    EXPECT_STREQ(choice["finish_reason"].GetString(), "stop");
}

TEST(SimulatedChat, UsageAgreesWithTheTexts) {
    const Json answer = post_json(kChat, chat());
    const auto& usage = answer["usage"];

    EXPECT_EQ(usage["completion_tokens"].GetInt64(), count_tokens(content_of(answer)));
    EXPECT_EQ(usage["prompt_tokens"].GetInt64(),
              count_tokens("Be kind") + count_tokens("Tell me of the sea, please."));
    EXPECT_EQ(usage["total_tokens"].GetInt64(),
              usage["prompt_tokens"].GetInt64() + usage["completion_tokens"].GetInt64());
    EXPECT_EQ(usage["prompt_tokens_details"]["cached_tokens"].GetInt64(), 0);
    EXPECT_EQ(usage["completion_tokens_details"]["reasoning_tokens"].GetInt64(), 0);
}

TEST(SimulatedChat, ReadsLongPromptsFromTheCacheInBlocks) {
    std::string long_text;
    for (int i = 0; i < 2000; ++i) {
        long_text += "sea ";
    }

    const Json answer = post_json(kChat, chat("", long_text));

    const std::int64_t prompt = answer["usage"]["prompt_tokens"].GetInt64();
    const std::int64_t cached =
        answer["usage"]["prompt_tokens_details"]["cached_tokens"].GetInt64();
    EXPECT_GE(prompt, 2000);
    EXPECT_EQ(cached % 128, 0);
    EXPECT_LT(cached, prompt);
    EXPECT_GE(cached, prompt - 128);
}

TEST(SimulatedChat, SaysTheSameToTheSameAndOtherThingsToOthers) {
    const std::string first = content_of(post_json(kChat, chat()));

    EXPECT_EQ(content_of(post_json(kChat, chat())), first);
    EXPECT_NE(content_of(post_json(kChat, chat("", "Something else"))), first);
    EXPECT_NE(content_of(post_json(kChat, chat(R"(,"seed":7)"))), first);
}

TEST(SimulatedChat, SaysAsManyTokensAsTheBehaviourWants) {
    for (const std::int64_t tokens : {0, 1, 17, 300}) {
        const Json answer = post_json(kChat, chat(), saying(tokens));

        EXPECT_EQ(answer["usage"]["completion_tokens"].GetInt64(), tokens);
        EXPECT_EQ(count_tokens(content_of(answer)), tokens);
    }
}

TEST(SimulatedChat, ObeysCaps) {
    for (const std::string_view cap : {"max_tokens", "max_completion_tokens"}) {
        const Json answer = post_json(kChat, chat(",\"" + std::string{cap} + "\":7"));

        EXPECT_EQ(count_tokens(content_of(answer)), 7);
        EXPECT_EQ(answer["usage"]["completion_tokens"].GetInt64(), 7);
        EXPECT_STREQ(answer["choices"][0]["finish_reason"].GetString(), "length");
    }
    EXPECT_STREQ(
        post_json(kChat, chat(R"(,"max_tokens":50)"))["choices"][0]["finish_reason"].GetString(),
        "stop");
}

TEST(SimulatedChat, ObeysStops) {
    const std::string whole = content_of(post_json(kChat, chat()));
    const std::string third = std::string{Speech{whole}.token(2)};

    const Json answer = post_json(kChat, chat(R"(,"stop":["nowhere",")" + third + "\"]"));

    EXPECT_EQ(content_of(answer), whole.substr(0, whole.find(third)));
    EXPECT_STREQ(answer["choices"][0]["finish_reason"].GetString(), "stop");
    EXPECT_EQ(answer["usage"]["completion_tokens"].GetInt64(), count_tokens(content_of(answer)));
}

TEST(SimulatedChat, ChargesReasoningWithinTheCap) {
    const Json free = post_json(kChat, chat(R"(,"reasoning_effort":"low")"));
    const Json capped =
        post_json(kChat, chat(R"(,"reasoning_effort":"high","max_completion_tokens":10)"));

    const auto& usage = free["usage"];
    EXPECT_EQ(usage["completion_tokens_details"]["reasoning_tokens"].GetInt64(), 16);
    EXPECT_EQ(usage["completion_tokens"].GetInt64(), 16 + count_tokens(content_of(free)));
    EXPECT_EQ(capped["usage"]["completion_tokens"].GetInt64(), 10);
    EXPECT_EQ(content_of(capped), "");
    EXPECT_STREQ(capped["choices"][0]["finish_reason"].GetString(), "length");
}

TEST(SimulatedChat, GivesSeveralChoicesThatDiffer) {
    const Json answer = post_json(kChat, chat(R"(,"n":3)"));

    ASSERT_EQ(answer["choices"].Size(), 3U);
    std::int64_t tokens = 0;
    for (rapidjson::SizeType i = 0; i < 3; ++i) {
        EXPECT_EQ(answer["choices"][i]["index"].GetUint(), i);
        tokens += count_tokens(content_of(answer, i));
    }
    EXPECT_NE(content_of(answer, 0), content_of(answer, 1));
    EXPECT_EQ(answer["usage"]["completion_tokens"].GetInt64(), tokens);
}

TEST(SimulatedChat, TellsLogProbabilitiesOfEachToken) {
    const Json answer =
        post_json(kChat, chat(R"(,"logprobs":true,"top_logprobs":4,"max_tokens":5)"));
    const auto& content = answer["choices"][0]["logprobs"]["content"];

    ASSERT_EQ(content.Size(), 5U);
    std::string joined;
    for (const auto& token : content.GetArray()) {
        joined += token["token"].GetString();
        EXPECT_LT(token["logprob"].GetDouble(), 0);
        EXPECT_EQ(token["bytes"].Size(), token["token"].GetStringLength());
        ASSERT_EQ(token["top_logprobs"].Size(), 4U);
        EXPECT_EQ(token["top_logprobs"][0]["token"], token["token"]);
        EXPECT_LT(token["top_logprobs"][1]["logprob"].GetDouble(), token["logprob"].GetDouble());
    }
    EXPECT_EQ(joined, content_of(answer));
}

TEST(SimulatedChat, EchoesTheServiceTier) {
    EXPECT_STREQ(post_json(kChat, chat(R"(,"service_tier":"flex")"))["service_tier"].GetString(),
                 "flex");
    EXPECT_STREQ(post_json(kChat, chat(R"(,"service_tier":"auto")"))["service_tier"].GetString(),
                 "default");
}

TEST(SimulatedChat, AnswersInTheJsonThatWasAskedFor) {
    const Json object =
        post_json(kChat, chat(R"(,"response_format":{"type":"json_object"})", "Answer in JSON"));
    const Json shaped = post_json(
        kChat,
        chat(R"(,"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":)"
             R"({"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}}})"));

    EXPECT_TRUE(parsed(content_of(object)).IsObject());
    EXPECT_EQ(object["usage"]["completion_tokens"].GetInt64(), 50);
    EXPECT_TRUE(parsed(content_of(shaped))["a"].IsInt64());
    EXPECT_EQ(shaped["usage"]["completion_tokens"].GetInt64(), count_tokens(content_of(shaped)));
}

TEST(SimulatedChat, ReadsTypedPartsAndCallsAsText) {
    const Json answer = post_json(
        kChat,
        R"({"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"one two"},)"
        R"({"type":"image_url","image_url":{"url":"https://x.example/a.png"}}]},)"
        R"({"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function",)"
        R"("function":{"name":"look","arguments":"{}"}}]},)"
        R"({"role":"tool","tool_call_id":"c","content":"three"}]})");

    EXPECT_EQ(answer["usage"]["prompt_tokens"].GetInt64(), 2 + 1 + 2 + 1);
}

TEST(SimulatedChat, RefusesWhatAProviderWouldRefuse) {
    const std::string messages = R"("messages":[{"role":"user","content":"hi"}])";
    const std::string head = R"({"model":"m",)" + messages;
    const std::tuple<std::string, std::string, std::string> cases[] = {
        {R"({"model":"m"})", "messages", "missing_required_parameter"},
        {"{" + messages + "}", "null", "null"},
        {R"({"model":"m","messages":"hi"})", "messages", "invalid_type"},
        {R"({"model":"m","messages":[]})", "messages", "empty_array"},
        {R"({"model":"m","messages":[3]})", "messages[0]", "invalid_type"},
        {R"({"model":"m","messages":[{"content":"x"}]})", "messages[0].role",
         "missing_required_parameter"},
        {R"({"model":"m","messages":[{"role":"boss","content":"x"}]})", "messages[0].role",
         "invalid_value"},
        {R"({"model":"m","messages":[{"role":"user"}]})", "messages[0].content", "null"},
        {R"({"model":"m","messages":[{"role":"tool","content":"x"}]})", "messages[0].role", "null"},
        {R"({"model":7,)" + messages + "}", "model", "invalid_type"},
        {R"({"model":")" + std::string(300, 'm') + "\"," + messages + "}", "model",
         "string_above_max_length"},
        {head + R"(,"n":0})", "n", "integer_below_min_value"},
        {head + R"(,"n":129})", "n", "integer_above_max_value"},
        {head + R"(,"n":1.5})", "n", "invalid_type"},
        {head + R"(,"temperature":2.5})", "temperature", "decimal_above_max_value"},
        {head + R"(,"top_p":-1})", "top_p", "decimal_below_min_value"},
        {head + R"(,"max_tokens":0})", "max_tokens", "integer_below_min_value"},
        {head + R"(,"max_tokens":5,"max_completion_tokens":5})", "max_tokens",
         "invalid_parameter_combination"},
        {head + R"(,"stream":"yes"})", "stream", "invalid_type"},
        {head + R"(,"stream_options":{"include_usage":true}})", "stream_options", "null"},
        {head + R"(,"top_logprobs":3})", "top_logprobs", "null"},
        {head + R"(,"logprobs":true,"top_logprobs":21})", "top_logprobs",
         "integer_above_max_value"},
        {head + R"(,"stop":["a","b","c","d","e"]})", "stop", "array_above_max_length"},
        {head + R"(,"stop":[1]})", "stop", "invalid_type"},
        {head + R"(,"service_tier":"first"})", "service_tier", "invalid_value"},
        {head + R"(,"response_format":{"type":"xml"}})", "response_format.type", "invalid_value"},
        {head + R"(,"response_format":{"type":"json_object"}})", "messages", "null"},
        {head + R"(,"response_format":{"type":"json_schema"}})", "response_format.json_schema.name",
         "missing_required_parameter"},
        {head +
             R"(,"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":false}}})",
         "response_format", "invalid_json_schema"},
        {head + R"(,"tools":[]})", "tools", "empty_array"},
        {head + R"(,"tools":[{"type":"function","function":{}}]})", "tools[0].function.name",
         "missing_required_parameter"},
        {head + R"(,"tool_choice":"auto"})", "tool_choice", "null"},
        {head + R"(,"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"maybe"})",
         "tool_choice", "invalid_value"},
        {head + R"(,"tools":[{"type":"function","function":{"name":"f"}}],)"
                R"("tool_choice":{"type":"function","function":{"name":"g"}}})",
         "tool_choice", "null"},
        {head +
             R"(,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object",)"
             R"("required":["a"],"properties":{"a":false}}}}]})",
         "tools", "invalid_function_parameters"},
    };
    for (const auto& [body, param, code] : cases) {
        const ToldError error = told_error(post(kChat, body));

        EXPECT_EQ(error.status, 400) << body;
        EXPECT_EQ(error.type, "invalid_request_error") << body;
        EXPECT_EQ(error.param, param) << body;
        EXPECT_EQ(error.code, code) << body;
        EXPECT_FALSE(error.message.empty());
    }
}

}  // namespace
}  // namespace headgate::providers
