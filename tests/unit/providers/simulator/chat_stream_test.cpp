#include "tests/unit/providers/simulator/simulated.h"

#include <map>

namespace headgate::providers {
namespace {

constexpr std::string_view kChat = "/v1/chat/completions";

constexpr std::string_view kTools =
    R"(,"tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object",)"
    R"("properties":{"city":{"type":"string"},"days":{"type":"integer","minimum":1}},)"
    R"("required":["city","days"]}}},{"type":"function","function":{"name":"clock"}}])";

std::string chat(std::string_view with) {
    return R"({"model":"gpt-4o","messages":[{"role":"user","content":"How is it?"}])" +
           std::string{with} + "}";
}

/// What a client puts together from the chunks of one choice.
struct Rebuilt {
    std::string content;
    std::map<unsigned, std::pair<std::string, std::string>> calls;  // name, arguments
    std::vector<std::string> ids;
    std::string finish;
    std::size_t roles = 0;
    std::size_t logprobs = 0;
};

void add_delta(const rapidjson::Value& delta, Rebuilt& rebuilt) {
    if (delta.HasMember("role")) {
        ++rebuilt.roles;
    }
    if (delta.HasMember("content") && delta["content"].IsString()) {
        rebuilt.content += delta["content"].GetString();
    }
    if (!delta.HasMember("tool_calls")) {
        return;
    }
    for (const auto& call : delta["tool_calls"].GetArray()) {
        auto& [name, arguments] = rebuilt.calls[call["index"].GetUint()];
        if (call.HasMember("id")) {
            rebuilt.ids.emplace_back(call["id"].GetString());
            EXPECT_STREQ(call["type"].GetString(), "function");
            name += call["function"]["name"].GetString();
        }
        arguments += call["function"]["arguments"].GetString();
    }
}

std::map<unsigned, Rebuilt> rebuilt_from(const std::vector<std::string>& events) {
    std::map<unsigned, Rebuilt> choices;
    for (const std::string& event : events) {
        if (event == "[DONE]") {
            continue;
        }
        const Json chunk = parsed(event);
        EXPECT_STREQ(chunk["object"].GetString(), "chat.completion.chunk");
        for (const auto& choice : chunk["choices"].GetArray()) {
            Rebuilt& rebuilt = choices[choice["index"].GetUint()];
            EXPECT_EQ(rebuilt.finish, "") << "a chunk after the last";
            add_delta(choice["delta"], rebuilt);
            if (choice["logprobs"].IsObject()) {
                rebuilt.logprobs += choice["logprobs"]["content"].Size();
            }
            if (choice["finish_reason"].IsString()) {
                EXPECT_EQ(choice["delta"].MemberCount(), 0U);
                rebuilt.finish = choice["finish_reason"].GetString();
            }
        }
    }
    return choices;
}

TEST(SimulatedChatStream, PutTogetherIsThePlainAnswer) {
    for (
        const std::string_view with :
        {"", R"(,"max_tokens":9)", R"(,"n":4)", R"(,"logprobs":true,"n":2)",
         R"(,"reasoning_effort":"low","max_tokens":3)",
         R"(,"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"array","items":{"type":"string"},"minItems":2}}})"}) {
        const Json plain = post_json(kChat, chat(with));
        const auto events = events_of(post(kChat, chat(std::string{with} + R"(,"stream":true)")));

        const auto choices = rebuilt_from(events);

        ASSERT_EQ(choices.size(), plain["choices"].Size()) << with;
        EXPECT_EQ(events.back(), "[DONE]");
        for (const auto& [index, rebuilt] : choices) {
            const auto& choice = plain["choices"][index];
            EXPECT_EQ(rebuilt.content, choice["message"]["content"].GetString()) << with;
            EXPECT_EQ(rebuilt.finish, choice["finish_reason"].GetString()) << with;
            EXPECT_EQ(rebuilt.roles, 1U);
            if (choice["logprobs"].IsObject()) {
                EXPECT_EQ(rebuilt.logprobs, choice["logprobs"]["content"].Size());
            }
        }
    }
}

TEST(SimulatedChatStream, PutsToolCallsTogetherToThePlainOnes) {
    const Json plain = post_json(kChat, chat(kTools));
    const auto events = events_of(post(kChat, chat(std::string{kTools} + R"(,"stream":true)")));

    const Rebuilt rebuilt = rebuilt_from(events).at(0);

    const auto& calls = plain["choices"][0]["message"]["tool_calls"];
    ASSERT_EQ(calls.Size(), 2U);
    ASSERT_EQ(rebuilt.calls.size(), 2U);
    for (unsigned i = 0; i < 2; ++i) {
        EXPECT_EQ(rebuilt.calls.at(i).first, calls[i]["function"]["name"].GetString());
        EXPECT_EQ(rebuilt.calls.at(i).second, calls[i]["function"]["arguments"].GetString());
    }
    EXPECT_NE(rebuilt.ids.at(0), rebuilt.ids.at(1));
    EXPECT_EQ(rebuilt.finish, "tool_calls");
    EXPECT_GT(events.size(), 10U) << "arguments come in pieces";
}

TEST(SimulatedChatStream, SharesIdAndTimeInAllChunks) {
    const auto events = events_of(post(kChat, chat(R"(,"stream":true)")));

    const Json first = parsed(events.front());
    for (std::size_t i = 1; i + 1 < events.size(); ++i) {
        const Json chunk = parsed(events[i]);
        EXPECT_EQ(chunk["id"], first["id"]);
        EXPECT_EQ(chunk["created"], first["created"]);
        EXPECT_EQ(chunk["model"], first["model"]);
        EXPECT_FALSE(chunk.HasMember("usage"));
    }
    EXPECT_STREQ(first["choices"][0]["delta"]["role"].GetString(), "assistant");
    EXPECT_STREQ(first["choices"][0]["delta"]["content"].GetString(), "");
}

TEST(SimulatedChatStream, TellsUsageOnceWhereAskedFor) {
    const Json plain = post_json(kChat, chat(""));
    const auto events =
        events_of(post(kChat, chat(R"(,"stream":true,"stream_options":{"include_usage":true})")));

    const Json last = parsed(events[events.size() - 2]);

    EXPECT_EQ(last["choices"].Size(), 0U);
    EXPECT_EQ(last["usage"], plain["usage"]);
    for (std::size_t i = 0; i + 2 < events.size(); ++i) {
        EXPECT_TRUE(parsed(events[i])["usage"].IsNull());
    }
}

TEST(SimulatedChatStream, InterleavesChoices) {
    const auto events = events_of(post(kChat, chat(R"(,"stream":true,"n":3)"), saying(4)));

    for (std::size_t i = 0; i + 1 < events.size(); ++i) {
        EXPECT_EQ(parsed(events[i])["choices"][0]["index"].GetUint(), i % 3);
    }
}

TEST(SimulatedChatTools, SatisfyTheirSchema) {
    const Json answer = post_json(kChat, chat(kTools));
    const auto& message = answer["choices"][0]["message"];

    EXPECT_TRUE(message["content"].IsNull());
    const Json arguments = parsed(message["tool_calls"][0]["function"]["arguments"].GetString());
    EXPECT_TRUE(arguments["city"].IsString());
    EXPECT_GE(arguments["days"].GetInt64(), 1);
    EXPECT_STREQ(message["tool_calls"][1]["function"]["arguments"].GetString(), "{}");
    std::int64_t tokens = 0;
    for (const auto& call : message["tool_calls"].GetArray()) {
        tokens += count_tokens(call["function"]["name"].GetString()) +
                  count_tokens(call["function"]["arguments"].GetString());
    }
    EXPECT_EQ(answer["usage"]["completion_tokens"].GetInt64(), tokens);
}

TEST(SimulatedChatTools, AreCalledAsTheChoiceSays) {
    const std::pair<std::string_view, std::vector<std::string>> cases[] = {
        {"", {"weather", "clock"}},
        {R"(,"tool_choice":"auto")", {"weather", "clock"}},
        {R"(,"tool_choice":"required")", {"weather", "clock"}},
        {R"(,"parallel_tool_calls":false)", {"weather"}},
        {R"(,"tool_choice":"none")", {}},
        {R"(,"tool_choice":{"type":"function","function":{"name":"clock"}})", {"clock"}},
        {R"(,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":)"
         R"([{"type":"function","function":{"name":"clock"}}]}})",
         {"clock"}},
    };
    for (const auto& [choice, names] : cases) {
        const Json answer = post_json(kChat, chat(std::string{kTools} + std::string{choice}));
        const auto& message = answer["choices"][0]["message"];

        std::vector<std::string> called;
        if (message.HasMember("tool_calls")) {
            for (const auto& call : message["tool_calls"].GetArray()) {
                called.emplace_back(call["function"]["name"].GetString());
            }
        }
        EXPECT_EQ(called, names) << choice;
        EXPECT_EQ(message["content"].IsNull(), !names.empty());
    }
}

TEST(SimulatedChatTools, AreNotCalledOnAToolsResult) {
    const Json answer = post_json(
        kChat, R"({"model":"m","messages":[{"role":"user","content":"hi"},{"role":"assistant",)"
               R"("tool_calls":[{"id":"c","type":"function","function":{"name":"clock",)"
               R"("arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"noon"}])" +
                   std::string{kTools} + "}");

    EXPECT_TRUE(answer["choices"][0]["message"]["content"].IsString());
    EXPECT_STREQ(answer["choices"][0]["finish_reason"].GetString(), "stop");
}

TEST(SimulatedChatTools, AreCutByTheCap) {
    const Json answer = post_json(kChat, chat(std::string{kTools} + R"(,"max_tokens":4)"));

    EXPECT_EQ(answer["usage"]["completion_tokens"].GetInt64(), 4);
    EXPECT_STREQ(answer["choices"][0]["finish_reason"].GetString(), "length");
}

TEST(SimulatedChatTools, KnowCustomAndDeprecatedFunctions) {
    const Json custom =
        post_json(kChat, chat(R"(,"tools":[{"type":"custom","custom":{"name":"shell"}}])"));
    const Json legacy = post_json(kChat, chat(R"(,"functions":[{"name":"f"}])"));

    const auto& call = custom["choices"][0]["message"]["tool_calls"][0];
    EXPECT_STREQ(call["custom"]["name"].GetString(), "shell");
    EXPECT_GT(call["custom"]["input"].GetStringLength(), 0U);
    EXPECT_STREQ(legacy["choices"][0]["message"]["function_call"]["name"].GetString(), "f");
    EXPECT_STREQ(legacy["choices"][0]["finish_reason"].GetString(), "function_call");
}

}  // namespace
}  // namespace headgate::providers
