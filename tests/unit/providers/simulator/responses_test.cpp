#include "tests/unit/providers/simulator/simulated.h"

namespace headgate::providers {
namespace {

constexpr std::string_view kResponses = "/v1/responses";

constexpr std::string_view kTools =
    R"(,"tools":[{"type":"function","name":"weather","parameters":{"type":"object","properties":)"
    R"({"city":{"type":"string"}},"required":["city"]}},{"type":"custom","name":"shell"},)"
    R"({"type":"web_search"}])";

std::string ask(std::string_view with = "", std::string_view input = R"("How is the sea?")") {
    return R"({"model":"gpt-5","input":)" + std::string{input} + std::string{with} + "}";
}

std::vector<std::string> types_of(const std::vector<std::string>& events) {
    std::vector<std::string> types;
    for (const std::string& event : events) {
        types.emplace_back(parsed(event)["type"].GetString());
    }
    return types;
}

TEST(SimulatedResponse, HasAllRequiredMembers) {
    const Json answer =
        post_json(kResponses, ask(R"(,"metadata":{"a":"b"},"instructions":"Be kind")"));

    for (const char* name : {"id",           "object",
                             "created_at",   "status",
                             "error",        "incomplete_details",
                             "instructions", "model",
                             "output",       "parallel_tool_calls",
                             "temperature",  "tool_choice",
                             "tools",        "top_p",
                             "text",         "reasoning",
                             "usage",        "metadata",
                             "service_tier", "truncation",
                             "store"}) {
        EXPECT_TRUE(answer.HasMember(name)) << name;
    }
    EXPECT_STREQ(answer["status"].GetString(), "completed");
    EXPECT_STREQ(answer["metadata"]["a"].GetString(), "b");
    const auto& item = answer["output"][0];
    EXPECT_STREQ(item["type"].GetString(), "message");
    EXPECT_STREQ(item["content"][0]["type"].GetString(), "output_text");
    EXPECT_EQ(answer["usage"]["output_tokens"].GetInt64(),
              count_tokens(item["content"][0]["text"].GetString()));
    EXPECT_EQ(answer["usage"]["input_tokens"].GetInt64(),
              count_tokens("Be kind") + count_tokens("How is the sea?"));
}

TEST(SimulatedResponse, ReadsItemsAsInput) {
    const Json answer = post_json(
        kResponses,
        ask("", R"([{"role":"developer","content":"one"},{"type":"message","role":"user",)"
                R"("content":[{"type":"input_text","text":"two three"}]},)"
                R"({"type":"function_call","call_id":"c","name":"f","arguments":"{}"},)"
                R"({"type":"function_call_output","call_id":"c","output":"four"}])"));

    EXPECT_EQ(answer["usage"]["input_tokens"].GetInt64(), 1 + 2 + 1 + 2 + 1);
}

TEST(SimulatedResponse, IsIncompleteAtTheCap) {
    const Json answer = post_json(kResponses, ask(R"(,"max_output_tokens":16)"));

    EXPECT_STREQ(answer["status"].GetString(), "incomplete");
    EXPECT_STREQ(answer["incomplete_details"]["reason"].GetString(), "max_output_tokens");
    EXPECT_STREQ(answer["output"][0]["status"].GetString(), "incomplete");
    EXPECT_EQ(answer["usage"]["output_tokens"].GetInt64(), 16);
}

TEST(SimulatedResponse, ThinksBeforeItTalks) {
    const Json answer = post_json(
        kResponses,
        ask(R"(,"reasoning":{"effort":"low","summary":"auto"},"include":["reasoning.encrypted_content"])"));
    const Json silent =
        post_json(kResponses, ask(R"(,"reasoning":{"effort":"high"},"max_output_tokens":20)"));

    ASSERT_EQ(answer["output"].Size(), 2U);
    EXPECT_STREQ(answer["output"][0]["type"].GetString(), "reasoning");
    EXPECT_GT(answer["output"][0]["summary"][0]["text"].GetStringLength(), 0U);
    EXPECT_GT(answer["output"][0]["encrypted_content"].GetStringLength(), 0U);
    EXPECT_EQ(answer["usage"]["output_tokens_details"]["reasoning_tokens"].GetInt64(), 16);
    EXPECT_EQ(answer["usage"]["output_tokens"].GetInt64(), 66);
    ASSERT_EQ(silent["output"].Size(), 1U);
    EXPECT_EQ(silent["output"][0]["summary"].Size(), 0U);
    EXPECT_EQ(silent["usage"]["output_tokens"].GetInt64(), 20);
    EXPECT_STREQ(silent["status"].GetString(), "incomplete");
}

TEST(SimulatedResponse, CallsTools) {
    const Json answer = post_json(kResponses, ask(kTools));
    const Json named =
        post_json(kResponses,
                  ask(std::string{kTools} + R"(,"tool_choice":{"type":"custom","name":"shell"})"));
    const Json hosted =
        post_json(kResponses, ask(std::string{kTools} + R"(,"tool_choice":{"type":"web_search"})"));

    ASSERT_EQ(answer["output"].Size(), 2U);
    const auto& call = answer["output"][0];
    EXPECT_STREQ(call["type"].GetString(), "function_call");
    EXPECT_STREQ(call["name"].GetString(), "weather");
    EXPECT_TRUE(parsed(call["arguments"].GetString())["city"].IsString());
    EXPECT_STREQ(answer["output"][1]["type"].GetString(), "custom_tool_call");
    ASSERT_EQ(named["output"].Size(), 1U);
    EXPECT_STREQ(named["output"][0]["name"].GetString(), "shell");
    EXPECT_STREQ(hosted["output"][0]["type"].GetString(), "message");
}

TEST(SimulatedResponse, ShapesItsTextByASchema) {
    const Json answer = post_json(
        kResponses,
        ask(R"(,"text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object",)"
            R"("properties":{"a":{"type":"boolean"}},"required":["a"]}}})"));

    EXPECT_TRUE(parsed(answer["output"][0]["content"][0]["text"].GetString())["a"].IsBool());
}

TEST(SimulatedResponseStream, HasItsEventsInOrder) {
    const WireScript script = post(kResponses, ask(R"(,"stream":true)"), saying(2));
    const auto events = events_of(script);

    EXPECT_EQ(types_of(events),
              (std::vector<std::string>{"response.created", "response.in_progress",
                                        "response.output_item.added", "response.content_part.added",
                                        "response.output_text.delta", "response.output_text.delta",
                                        "response.output_text.done", "response.content_part.done",
                                        "response.output_item.done", "response.completed"}));
    for (std::size_t i = 0; i < events.size(); ++i) {
        const Json event = parsed(events[i]);
        EXPECT_EQ(event["sequence_number"].GetUint64(), i);
        EXPECT_TRUE(script.steps[i].bytes.starts_with(
            "event: " + std::string{event["type"].GetString()} + "\ndata: "));
    }
}

TEST(SimulatedResponseStream, EndsWithThePlainAnswer) {
    for (const std::string& with :
         {std::string{}, std::string{R"(,"max_output_tokens":16)"}, std::string{kTools},
          std::string{R"(,"reasoning":{"summary":"detailed"},"max_output_tokens":20)"},
          std::string{R"(,"top_logprobs":2,"include":["message.output_text.logprobs"])"}}) {
        const Json plain = post_json(kResponses, ask(with));
        const auto events = events_of(post(kResponses, ask(with + R"(,"stream":true)")));

        const Json last = parsed(events.back());

        EXPECT_EQ(last["response"], plain) << with;
        EXPECT_EQ("response." + std::string{plain["status"].GetString()}, last["type"].GetString());
    }
}

TEST(SimulatedResponseStream, DeltasAddUpToWhatIsDone) {
    const std::pair<std::string, std::pair<std::string, const char*>> cases[] = {
        {"", {"response.output_text", "text"}},
        {std::string{kTools}, {"response.function_call_arguments", "arguments"}},
        {std::string{kTools}, {"response.custom_tool_call_input", "input"}},
        {R"(,"reasoning":{"summary":"auto"})", {"response.reasoning_summary_text", "text"}}};
    for (const auto& [with, names] : cases) {
        const auto& [stem, member] = names;
        std::string joined;
        std::string done;

        for (const std::string& text :
             events_of(post(kResponses, ask(with + R"(,"stream":true)")))) {
            const Json event = parsed(text);
            if (event["type"].GetString() == stem + ".delta") {
                joined += event["delta"].GetString();
            } else if (event["type"].GetString() == stem + ".done") {
                done = event[member].GetString();
            }
        }

        EXPECT_FALSE(done.empty()) << stem;
        EXPECT_EQ(joined, done) << stem;
    }
}

TEST(SimulatedResponse, RefusesWhatAProviderWouldRefuse) {
    const std::pair<std::string, std::string_view> cases[] = {
        {R"({"model":"m"})", "input"},
        {R"({"input":"x"})", "null"},
        {ask("", "[]"), "input"},
        {ask("", "7"), "input"},
        {ask("", R"([{"role":"boss","content":"x"}])"), "input[0].role"},
        {ask("", R"([{"role":"user"}])"), "input[0].content"},
        {ask(R"(,"max_output_tokens":0)"), "max_output_tokens"},
        {ask(R"(,"temperature":9)"), "temperature"},
        {ask(R"(,"metadata":3)"), "metadata"},
        {ask(R"(,"background":true)"), "background"},
        {ask(R"(,"tools":{})"), "tools"},
        {ask(R"(,"tools":[{"type":"function"}])"), "tools[0].name"},
        {ask(R"(,"text":{"format":{"type":"json_schema","schema":{}}})"), "text.format.name"},
        {ask(R"(,"text":{"format":{"type":"json_schema","name":"n","schema":{"enum":[]}}})"),
         "text.format.schema"},
    };
    for (const auto& [body, param] : cases) {
        const ToldError error = told_error(post(kResponses, body));

        EXPECT_EQ(error.status, 400) << body;
        EXPECT_EQ(error.param, param) << body;
    }
}

}  // namespace
}  // namespace headgate::providers
