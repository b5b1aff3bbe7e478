// What understand() finds in a valid body.
#include "providers/contract/api_request.h"
#include "providers/contract/json_splice.h"
#include "tests/unit/providers/contract/understood.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace headgate::providers {
namespace {

// The shape of the API reference's example, with every field that is read.
constexpr std::string_view kChat = R"({
  "model": "gpt-4o",
  "messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
  "stream": true,
  "stream_options": {"include_obfuscation": false, "include_usage": true},
  "max_tokens": 10, "max_completion_tokens": 20, "n": 2, "best_of": 3,
  "temperature": 0.20, "seed": -7, "service_tier": "flex", "user": "u-1", "store": true,
  "tools": [{"type": "function", "function": {"name": "f"}}, {"type": "function"}],
  "metadata": {"model": "not this", "n": "nor this"}
})";

TEST(Understand, FindsWhatAChatRequestAsksFor) {
    const ApiRequest request = understood(kChatPath, kChat);

    EXPECT_EQ(request.endpoint->operation, Operation::chat_completions);
    EXPECT_EQ(request.body.data(), kChat.data());
    EXPECT_EQ(request.model, "gpt-4o");
    EXPECT_EQ(request.model_value.in(kChat), R"("gpt-4o")");
    EXPECT_EQ(request.after_open, 1U);
    EXPECT_FALSE(request.is_empty_object);
    EXPECT_TRUE(request.stream);
    EXPECT_EQ(request.stream_options.in(kChat),
              R"({"include_obfuscation": false, "include_usage": true})");
    EXPECT_FALSE(request.stream_options_is_empty);
    EXPECT_TRUE(request.include_usage);
    EXPECT_EQ(request.include_usage_value.in(kChat), "true");
    EXPECT_EQ(request.max_tokens, 10);
    EXPECT_EQ(request.max_completion_tokens, 20);
    EXPECT_EQ(request.n, 2);
    EXPECT_EQ(request.choices(), 2);
    EXPECT_EQ(request.best_of, 3);
    EXPECT_EQ(request.temperature, "0.20");
    EXPECT_TRUE(request.has_seed);
    EXPECT_EQ(request.service_tier, "flex");
    EXPECT_EQ(request.user, "u-1");
    EXPECT_TRUE(request.store);
    EXPECT_EQ(request.tools, 2U);
}

TEST(Understand, FindsWhatAResponsesRequestAsksFor) {
    const ApiRequest request = understood(
        "/v1/responses",
        R"({"input":"Hi","model":"gpt-5","max_output_tokens":16,"stream":true,"store":false,)"
        R"("previous_response_id":"resp_1","background":true,"tools":[{"type":"web_search"}]})");

    EXPECT_EQ(request.model, "gpt-5");
    EXPECT_EQ(request.max_output_tokens, 16);
    EXPECT_EQ(request.output_cap(), 16);
    EXPECT_TRUE(request.stream);
    EXPECT_FALSE(request.store);
    EXPECT_TRUE(request.has_previous_response_id);
    EXPECT_TRUE(request.background);
    EXPECT_EQ(request.tools, 1U);
}

TEST(Understand, LeavesAbsentFieldsEmpty) {
    const ApiRequest request = understood(kChatPath, R"({"model":"m"})");

    EXPECT_FALSE(request.stream);
    EXPECT_TRUE(request.stream_options.empty());
    EXPECT_TRUE(request.include_usage_value.empty());
    EXPECT_FALSE(request.output_cap().has_value());
    EXPECT_FALSE(request.n.has_value());
    EXPECT_EQ(request.choices(), 1);
    EXPECT_TRUE(request.temperature.empty());
    EXPECT_FALSE(request.has_seed);
    EXPECT_TRUE(request.service_tier.empty());
    EXPECT_EQ(request.unescaped, nullptr);
}

TEST(Understand, TakesNullForAbsent) {
    const std::string_view body =
        R"({"model":"m","stream":null,"stream_options":null,"max_tokens":null,"n":null,)"
        R"("best_of":null,"temperature":null,"seed":null,"service_tier":null,"user":null,)"
        R"("store":null,"tools":null})";

    const ApiRequest request = understood(kChatPath, body);

    EXPECT_FALSE(request.stream);
    EXPECT_TRUE(request.stream_options.empty());
    EXPECT_EQ(request.stream_options_null.in(body), "null");
    EXPECT_FALSE(request.max_tokens.has_value());
    EXPECT_EQ(request.choices(), 1);
    EXPECT_TRUE(request.temperature.empty());
    EXPECT_FALSE(request.has_seed);
    EXPECT_EQ(request.tools, 0U);
    EXPECT_FALSE(understood("/v1/responses", R"({"model":"m","previous_response_id":null})")
                     .has_previous_response_id);
}

TEST(Understand, FindsStreamOptionsInEachShape) {
    struct OptionsCase {
        std::string_view options;
        bool is_empty;
        bool include_usage;
        std::string_view include_usage_value;
    };
    const OptionsCase cases[] = {
        {"{}", true, false, ""},
        {"{ \n }", true, false, ""},
        {R"({"include_usage":true})", false, true, "true"},
        {R"({"include_usage":false})", false, false, "false"},
        {R"({"include_usage":null})", false, false, "null"},
        {R"({"include\u005fusage":true})", false, true, "true"},
        {R"({"include_usage":true,"include_usage":false})", false, false, "false"},
        {R"({"other":{"include_usage":true}})", false, false, ""},
        {R"({"other":[1,{}],"include_usage":true,"more":1})", false, true, "true"},
    };

    for (const OptionsCase& test : cases) {
        const std::string body =
            R"({"model":"m","stream_options":)" + std::string{test.options} + R"(,"x":1})";
        const ApiRequest request = understood(kChatPath, body);

        EXPECT_EQ(request.stream_options.in(body), test.options);
        EXPECT_EQ(request.stream_options_is_empty, test.is_empty) << test.options;
        EXPECT_EQ(request.include_usage, test.include_usage) << test.options;
        EXPECT_EQ(request.include_usage_value.in(body), test.include_usage_value) << test.options;
    }
}

TEST(Understand, LetsTheLastOfARepeatedFieldWin) {
    const std::string_view body =
        R"({"stream":true,"model":"m","stream":false,"n":2,"n":3,"max_tokens":5,"max_tokens":null,)"
        R"("tools":[1,2],"tools":[3],"seed":1,"seed":null,"temperature":1,"temperature":0,)"
        R"("stream_options":{"include_usage":true},"stream_options":{}})";

    const ApiRequest request = understood(kChatPath, body);

    EXPECT_FALSE(request.stream);
    EXPECT_EQ(request.n, 3);
    EXPECT_FALSE(request.max_tokens.has_value());
    EXPECT_EQ(request.tools, 1U);
    EXPECT_FALSE(request.has_seed);
    EXPECT_EQ(request.temperature, "0");
    EXPECT_FALSE(request.include_usage);
    EXPECT_TRUE(request.stream_options_is_empty);
    EXPECT_TRUE(request.include_usage_value.empty());
    EXPECT_TRUE(understood(kChatPath, R"({"model":"m","stream_options":{},"stream_options":null})")
                    .stream_options.empty());
}

TEST(Understand, ReadsEscapedKeysAndTexts) {
    const std::string body = R"({"mod\u0065l":"gpt\u002d4o","\u0073tream":true,"\u006e":4,)"
                             R"("service_tier":"pri\u006frity","user":"\ud83d\ude00"})";

    ApiRequest request = understood(kChatPath, body);
    const ApiRequest copy = request;
    request = {};

    EXPECT_EQ(copy.model, "gpt-4o");
    EXPECT_EQ(copy.model_value.in(body), R"("gpt\u002d4o")");
    EXPECT_TRUE(copy.stream);
    EXPECT_EQ(copy.n, 4);
    EXPECT_EQ(copy.service_tier, "priority");
    EXPECT_EQ(copy.user, "\U0001f600");
}

TEST(Understand, ReadsAFieldOnlyWhereTheOperationHasIt) {
    const ApiRequest embeddings = understood(
        "/v1/embeddings",
        R"({"model":"m","input":["a"],"stream":true,"n":"x","max_tokens":0,"tools":{},"store":3})");
    const ApiRequest responses = understood("/v1/responses", R"({"model":"m","max_tokens":"x"})");
    const ApiRequest chat = understood(kChatPath, R"({"model":"m","max_output_tokens":7})");

    EXPECT_FALSE(embeddings.stream);
    EXPECT_FALSE(embeddings.n.has_value());
    EXPECT_FALSE(responses.output_cap().has_value());
    EXPECT_FALSE(chat.output_cap().has_value());
}

TEST(Understand, TakesTheHigherOfTwoOutputCaps) {
    EXPECT_EQ(understood(kChatPath, R"({"model":"m","max_tokens":9,"max_completion_tokens":4})")
                  .output_cap(),
              9);
    EXPECT_EQ(understood(kChatPath, R"({"model":"m","max_completion_tokens":4})").output_cap(), 4);
    EXPECT_EQ(understood(kChatPath, R"({"model":"m","max_tokens":2147483647})").output_cap(),
              2'147'483'647);
}

TEST(Understand, TakesIntegersOfAnySizeForASeed) {
    for (const std::string seed :
         {"0", "-1", "18446744073709551616", "123456789012345678901234567"}) {
        EXPECT_TRUE(understood(kChatPath, R"({"model":"m","seed":)" + seed + "}").has_seed) << seed;
    }
}

TEST(Understand, CountsTheBytesOfAllStrings) {
    EXPECT_EQ(understood(kChatPath, R"({"model":"abc","messages":[{"content":"12\n"}],"x":1})")
                  .content_bytes,
              3U + 4U);
}

TEST(Understand, GivesOffsetsThatSplice) {
    const std::string body = " {\t\"stream\":true , \"model\" : \"m\" } ";
    const ApiRequest request = understood(kChatPath, body);
    SplicedText spliced{body};

    spliced.replace({request.after_open, request.after_open}, R"("stream_options":{},)");
    spliced.replace(request.model_value, R"("other")");

    EXPECT_EQ(spliced.to_string(),
              " {\"stream_options\":{},\t\"stream\":true , \"model\" : \"other\" } ");
}

TEST(ModelName, HasTheAlphabetOfThePolicy) {
    for (const std::string name :
         {"a", "gpt-4o", "meta-llama/Llama-3.1-8B", "ft:gpt-4o:org::id", "a@b+c_d", "a..b", "a.",
          "...", ".", "a/...", "a/.b", "a//b", "a/"}) {
        EXPECT_TRUE(is_model_name(name)) << name;
    }
    for (const std::string name : {"", "/a", "..", "../a", "a/..", "a/../b", "a b", "a\"b", "a%20b",
                                   "a\\b", "a?b", "a#b", "\u00e9", "a\n", "a*"}) {
        EXPECT_FALSE(is_model_name(name)) << name;
    }
    EXPECT_TRUE(is_model_name(std::string(256, 'x')));
    EXPECT_FALSE(is_model_name(std::string(257, 'x')));
    EXPECT_FALSE(is_model_name(std::string_view{"a\0b", 3}));
}

}  // namespace
}  // namespace headgate::providers
