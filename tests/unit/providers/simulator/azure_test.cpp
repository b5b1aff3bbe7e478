#include "providers/contract/json_reader.h"
#include "tests/unit/providers/simulator/simulated.h"

namespace headgate::providers {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kChat = "/openai/deployments/prod/chat/completions";
constexpr std::string_view kVersion = "api-version=2024-10-21";
constexpr std::string_view kPlain = R"({"messages":[{"role":"user","content":"hi"}]})";
constexpr std::string_view kStreamed =
    R"({"messages":[{"role":"user","content":"hi"}],"stream":true})";

WireScript ask(std::string_view path,
               std::string_view query,
               std::string_view body = kPlain,
               const Behaviour& behaviour = {},
               std::string_view method = "POST") {
    SimulatorState state;
    return answer_simulated(WireFormat::azure, {method, path, body, query}, behaviour, state);
}

/// `error.code` of an answer that is no 200.
std::string code_of(const WireScript& script) {
    const Json json = parsed(script.body());
    const bool has_code = json.IsObject() && json.HasMember("error") &&
                          json["error"].HasMember("code") && json["error"]["code"].IsString();
    return has_code ? json["error"]["code"].GetString() : "none: " + script.body();
}

TEST(SimulatedAzure, WantsAVersionWithADateButForTheVersionlessApi) {
    const struct {
        std::string_view path;
        std::string_view query;
        int status;
    } cases[] = {
        {kChat, "api-version=2024-10-21", 200},
        {kChat, "api-version=2025-04-01-preview", 200},
        {kChat, "a=b&api-version=2024-10-21&c", 200},
        {kChat, "", 404},
        {kChat, "api-version", 404},
        {kChat, "api-version=", 404},
        {kChat, "api-version=v1", 404},
        {kChat, "api-version=2024-10-2", 404},
        {kChat, "api-version=2024-10-21-beta", 404},
        {kChat, "xapi-version=2024-10-21", 404},
        {"/openai/v1/chat/completions", "", 200},
        {"/openai/v1/chat/completions", "api-version=preview", 200},
        {"/openai/v1/chat/completions", "api-version=v1", 200},
        {"/openai/v1/chat/completions", "api-version=2024-10-21", 400},
    };

    for (const auto& c : cases) {
        const WireScript script =
            ask(c.path, c.query, R"({"model":"m","messages":[{"role":"user","content":"hi"}]})");

        EXPECT_EQ(script.status, c.status) << c.path << '?' << c.query;
        if (c.status == 404) {
            EXPECT_EQ(script.body(), R"({"error":{"code":"404","message":"Resource not found"}})");
        }
    }
}

TEST(SimulatedAzure, HasNothingAtOtherAddresses) {
    for (const std::string_view path :
         {"/v1/chat/completions", "/chat/completions", "/openai", "/openai/",
          "/openai/deployments/prod", "/openai/deployments//chat/completions",
          "/openai/deployments/prod/responses", "/openai/deployments/prod/moderations",
          "/openai/deployments/a%2/chat/completions", "/openai/deployments/a%zz/chat/completions",
          "/openai/v1/moderations", "/openai/chat/completions", "/x/openai/responses"}) {
        EXPECT_EQ(ask(path, kVersion).status, 404) << path;
        EXPECT_EQ(code_of(ask(path, kVersion)), "404") << path;
    }
    EXPECT_EQ(ask(kChat, kVersion, kPlain, {}, "GET").status, 404);
}

TEST(SimulatedAzure, GoesByTheDeploymentWhateverTheBodySays) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {R"({"messages":[{"role":"user","content":"model"}]})", "prod"},
        {R"({"model":"gpt-5","messages":[{"role":"user","content":"hi"}]})", "prod"},
        {R"({"messages":[{"role":"user","content":"hi"}], "model" : [{"a":1}] })", "prod"},
        {R"({"model":null,"messages":[{"role":"user","content":"hi"}],"model":"b"})", "prod"},
    };

    for (const auto& [body, model] : cases) {
        const WireScript script = ask(kChat, kVersion, body);

        ASSERT_EQ(script.status, 200) << script.body();
        EXPECT_EQ(parsed(script.body())["model"].GetString(), model) << body;
    }
    const WireScript odd =
        ask("/openai/deployments/%C3%BCber%2Feins%22/chat/completions", kVersion);
    EXPECT_STREQ(parsed(odd.body())["model"].GetString(), "über/eins\"");
}

TEST(SimulatedAzure, ListsModelsAtBothAddresses) {
    for (const auto& [path, query] :
         {std::pair<std::string_view, std::string_view>{"/openai/models", kVersion},
          {"/openai/v1/models", ""}}) {
        const WireScript script = ask(path, query, "", {}, "GET");

        ASSERT_EQ(script.status, 200) << path;
        const Json json = parsed(script.body());
        EXPECT_STREQ(json["data"][0]["id"].GetString(), "gpt-4o");
        EXPECT_STREQ(json["data"][0]["status"].GetString(), "succeeded");
    }
    EXPECT_EQ(ask("/openai/models/gpt-4o", kVersion, "", {}, "GET").status, 200);
    EXPECT_EQ(ask("/openai/models", "", "", {}, "GET").status, 404);
}

TEST(SimulatedAzure, HasTheHeadersOfAzure) {
    const WireScript script = ask(kChat, kVersion, kStreamed);

    EXPECT_EQ(header(script, "content-type"), "text/event-stream; charset=utf-8");
    EXPECT_EQ(header(script, "apim-request-id").size(), 36U);
    for (const std::string_view name :
         {"x-ms-region", "azureml-model-session", "x-request-id", "x-ratelimit-remaining-requests",
          "x-ratelimit-remaining-tokens"}) {
        EXPECT_FALSE(header(script, name).empty()) << name;
    }
    for (const std::string_view name :
         {"openai-organization", "x-ratelimit-limit-requests", "retry-after"}) {
        EXPECT_EQ(header(script, name), "") << name;
    }
}

TEST(SimulatedAzure, ReportsOnThePromptBeforeTheFirstChoice) {
    const std::vector<std::string> events = events_of(ask(kChat, kVersion, kStreamed, saying(2)));

    ASSERT_EQ(events.size(), 6U);  // the report, role, 2 tokens, finish, [DONE]
    const Json first = parsed(events[0]);
    EXPECT_EQ(first["choices"].Size(), 0U);
    EXPECT_EQ(first["prompt_filter_results"].Size(), 1U);
    EXPECT_FALSE(first.HasMember("usage"));
    for (std::size_t i = 1; i + 1 < events.size(); ++i) {
        EXPECT_TRUE(parsed(events[i])["choices"][0].HasMember("content_filter_results")) << i;
    }
}

TEST(SimulatedAzure, FiltersAPromptWithTheWordsForIt) {
    const struct {
        std::string_view path;
        std::string_view body;
        bool is_filtered;
    } cases[] = {
        {kChat, R"({"messages":[{"role":"user","content":"a simulate-content-filter b"}]})", true},
        {kChat,
         R"({"messages":[{"role":"user","content":[{"type":"text","text":"simulate\u002dcontent-filter"}]}],"stream":true})",
         true},
        {kChat, R"({"messages":[{"role":"user","content":"hi"}],"user":"simulate-content-filter"})",
         false},
        {kChat, R"({"messages":[{"role":"user","content":"simulate content filter"}]})", false},
        {"/openai/deployments/d/completions", R"({"prompt":["a","simulate-content-filter"]})",
         true},
        {"/openai/deployments/d/embeddings", R"({"input":"simulate-content-filter"})", false},
        {"/openai/responses", R"({"model":"d","input":"simulate-content-filter"})", true},
        {"/openai/responses",
         R"({"model":"d","input":"hi","instructions":"simulate-content-filter"})", true},
        {"/openai/deployments/d/images/generations", R"({"prompt":"simulate-content-filter"})",
         true},
    };

    for (const auto& c : cases) {
        const WireScript script = ask(c.path, kVersion, c.body);

        EXPECT_EQ(script.status, c.is_filtered ? 400 : 200) << c.body;
        if (c.is_filtered) {
            EXPECT_EQ(code_of(script), "content_filter");
            EXPECT_TRUE(parsed(script.body())["error"]["type"].IsNull());
            EXPECT_TRUE(parsed(script.body())["error"]["innererror"].IsObject());
        }
    }
}

TEST(SimulatedAzure, AnswersFaultsInTheGatewaysShape) {
    const std::pair<int, std::string_view> cases[] = {{400, "BadRequest"},
                                                      {401, "401"},
                                                      {403, "403"},
                                                      {404, "DeploymentNotFound"},
                                                      {418, "418"},
                                                      {429, "429"},
                                                      {500, "InternalServerError"},
                                                      {503, "ServiceUnavailable"}};

    for (const auto& [status, code] : cases) {
        const WireScript script = ask(kChat, kVersion, kPlain, failing(status_fault(status)));

        EXPECT_EQ(script.status, status);
        EXPECT_EQ(code_of(script), code);
        EXPECT_FALSE(parsed(script.body())["error"].HasMember("type")) << status;
        EXPECT_EQ(header(script, "retry-after"), "");
    }
}

TEST(SimulatedAzure, TellsWhenToComeBack) {
    Fault limit = status_fault(429);
    limit.retry_after = 5500ms;

    const WireScript script = ask(kChat, kVersion, kPlain, failing(limit));

    EXPECT_EQ(header(script, "retry-after"), "6");
    EXPECT_EQ(header(script, "retry-after-ms"), "5500");
    EXPECT_EQ(header(script, "x-ratelimit-remaining-requests"), "0");
    EXPECT_NE(script.body().find("Requests to the ChatCompletions_Create Operation under Azure "
                                 "OpenAI API version 2024-10-21 have exceeded call rate limit"),
              std::string::npos);
    EXPECT_NE(script.body().find("Please retry after 6 seconds."), std::string::npos);
}

TEST(SimulatedAzure, DelaysAndCutsAsOpenAiDoes) {
    Behaviour late = slow(5ms, 10ms, 3);
    late.fail.emplace_back().delay = 700ms;
    late.fail.push_back(cut_fault(1));

    const WireScript script = ask(kChat, kVersion, kStreamed, late);

    EXPECT_EQ(script.before_head, 705ms);
    ASSERT_EQ(script.steps.size(), 1U) << "the report on the prompt is an event";
    EXPECT_TRUE(script.is_cut);
}

TEST(SimulatedAzure, NamesAFaultOfTheRequestAsOpenAiDoes) {
    const ToldError error = told_error(ask(kChat, kVersion, "{}"));

    EXPECT_EQ(error.status, 400);
    EXPECT_EQ(error.param, "messages");
    EXPECT_EQ(error.type, "invalid_request_error");
    for (const std::string_view body :
         {"", "{", "[]", "null", R"({"model":)", R"({"a":"\ud800"})"}) {
        EXPECT_EQ(ask(kChat, kVersion, body).status, 400) << body;
    }
}

TEST(SimulatedAzure, AnswersJsonToWhateverItGets) {
    Random random{7};
    const std::string_view bytes = "/openai/deployments/%v1?&=-{}\"\\\xff\n0";
    for (int i = 0; i < 2000; ++i) {
        std::string noise;
        for (std::uint64_t n = random.below(24); n > 0; --n) {
            noise += bytes[random.below(bytes.size())];
        }
        const WireScript script =
            ask("/openai/" + noise, kVersion, "{" + noise + "}", {}, i % 2 == 0 ? "POST" : "GET");

        ASSERT_TRUE(JsonReader{script.body()}.finish()) << noise;
        ASSERT_GE(script.status, 400) << noise;
    }
}

}  // namespace
}  // namespace headgate::providers
