#include "tests/unit/providers/simulator/simulated.h"

namespace headgate::providers {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kChat = "/v1/chat/completions";
constexpr std::string_view kPlain =
    R"({"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]})";
constexpr std::string_view kStreamed =
    R"({"model":"gpt-4o","messages":[{"role":"user","content":"hi"}],"stream":true})";

std::chrono::milliseconds duration_of(const WireScript& script) {
    std::chrono::milliseconds sum = script.before_head;
    for (const ScriptStep& step : script.steps) {
        sum += step.wait;
    }
    return sum;
}

TEST(WireScript, HasTheHeadersOfOpenAi) {
    const WireScript plain = post(kChat, kPlain);
    const WireScript streamed = post(kChat, kStreamed);

    EXPECT_EQ(header(plain, "content-type"), "application/json");
    EXPECT_EQ(header(streamed, "content-type"), "text/event-stream; charset=utf-8");
    EXPECT_TRUE(header(plain, "x-request-id").starts_with("req_"));
    for (const std::string_view name :
         {"openai-processing-ms", "openai-version", "openai-organization",
          "x-ratelimit-limit-requests", "x-ratelimit-remaining-tokens",
          "x-ratelimit-reset-requests"}) {
        EXPECT_FALSE(header(plain, name).empty()) << name;
    }
}

TEST(WireScript, HasNewIdsEachTimeAndTheSameFromTheSameSeed) {
    SimulatorState one;
    SimulatorState other;
    const SimulatedRequest request{"POST", kChat, kPlain};

    const WireScript first = answer_openai(request, {}, one);
    const WireScript second = answer_openai(request, {}, one);
    const WireScript again = answer_openai(request, {}, other);

    EXPECT_NE(header(first, "x-request-id"), header(second, "x-request-id"));
    EXPECT_NE(parsed(first.body())["id"], parsed(second.body())["id"]);
    EXPECT_EQ(first.headers, again.headers);
    EXPECT_EQ(first.body(), again.body());
}

TEST(WireScript, TakesTheSameTimePlainAndStreamed) {
    const Behaviour behaviour = slow(50ms, 10ms, 20);

    const WireScript plain = post(kChat, kPlain, behaviour);
    const WireScript streamed = post(kChat, kStreamed, behaviour);

    EXPECT_EQ(plain.before_head, 50ms + 19 * 10ms);
    EXPECT_EQ(streamed.before_head, 50ms);
    EXPECT_EQ(streamed.steps.front().wait, 0ms);
    EXPECT_EQ(duration_of(plain), duration_of(streamed));
}

TEST(WireScript, LetsChoicesOfAStreamComeAtOneTime) {
    const WireScript script = post(
        kChat, R"({"model":"m","messages":[{"role":"user","content":"hi"}],"n":5,"stream":true})",
        slow(0ms, 10ms, 20));

    EXPECT_EQ(duration_of(script), 19 * 10ms);
}

TEST(WireScript, AnswersUnknownPathsWith404) {
    SimulatorState state;
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"GET", "/v1/files"},   {"GET", "/v1/chat/completions"},
        {"POST", "/v1/models"}, {"GET", "/v1/models/"},
        {"POST", ""},           {"POST", "/v1/chat/completions/"}};
    for (const auto& [method, path] : cases) {
        const ToldError error = told_error(answer_openai({method, path, "{}"}, {}, state));

        EXPECT_EQ(error.status, 404) << method << path;
        EXPECT_EQ(error.message,
                  "Invalid URL (" + std::string{method} + " " + std::string{path} + ")");
    }
}

TEST(WireScript, AnswersWhatIsNoJsonObjectWith400) {
    for (const std::string_view body :
         {"", "{", "[]", "null", "{\"a\":NaN}", "{}x", "{\"a\":\"\xff\"}", "{\"a\":\"\\ud800\"}",
          "{\"a\":\"\\udc00\"}", "{\"a\":1e999}"}) {
        EXPECT_EQ(told_error(post(kChat, body)).status, 400) << body;
    }
    EXPECT_EQ(told_error(post(kChat, std::string(100'000, '['))).status, 400);
}

TEST(SimulatorFaults, AnswerAStatusWithRetryAdvice) {
    Fault limit = status_fault(429);
    limit.retry_after = 1200ms;

    const WireScript script = post(kChat, kPlain, failing(limit));

    EXPECT_EQ(told_error(script).code, "rate_limit_exceeded");
    EXPECT_EQ(script.status, 429);
    EXPECT_EQ(script.before_head, 0ms);
    EXPECT_EQ(header(script, "retry-after"), "2");
    EXPECT_EQ(header(script, "retry-after-ms"), "1200");
    EXPECT_EQ(header(script, "x-ratelimit-remaining-requests"), "0");
}

TEST(SimulatorFaults, HaveAnErrorBodyForEveryStatus) {
    const std::pair<int, std::string_view> cases[] = {{400, "invalid_request_error"},
                                                      {401, "invalid_request_error"},
                                                      {403, "request_forbidden"},
                                                      {404, "invalid_request_error"},
                                                      {418, "invalid_request_error"},
                                                      {429, "requests"},
                                                      {500, "server_error"},
                                                      {502, "server_error"},
                                                      {503, "service_unavailable_error"},
                                                      {504, "timeout_error"},
                                                      {529, "overloaded_error"},
                                                      {599, "server_error"}};
    for (const auto& [status, type] : cases) {
        const WireScript script = post(kChat, kStreamed, failing(status_fault(status)));

        EXPECT_EQ(script.status, status);
        EXPECT_EQ(told_error(script).type, type) << status;
        EXPECT_FALSE(script.is_stream);
        EXPECT_EQ(header(script, "retry-after"), "");
    }
}

TEST(SimulatorFaults, DelayTheHead) {
    Behaviour late = slow(5ms, 0ms, 1);
    late.fail.emplace_back().delay = 700ms;

    EXPECT_EQ(post(kChat, kStreamed, late).before_head, 705ms);
}

TEST(SimulatorFaults, CutAStreamAfterSoManyEvents) {
    const Behaviour cutting = failing(cut_fault(4));
    const WireScript whole = post(kChat, kStreamed);

    const WireScript script = post(kChat, kStreamed, cutting);

    ASSERT_EQ(script.steps.size(), 4U);
    EXPECT_TRUE(script.is_cut);
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(parsed(script.steps[i].bytes.substr(6))["choices"],
                  parsed(whole.steps[i].bytes.substr(6))["choices"]);
    }
}

TEST(SimulatorFaults, CutAfterNothingLeavesTheHead) {
    const Behaviour cutting = failing(cut_fault(0));

    const WireScript streamed = post(kChat, kStreamed, cutting);
    const WireScript plain = post(kChat, kPlain, cutting);

    EXPECT_EQ(streamed.status, 200);
    EXPECT_TRUE(streamed.is_cut);
    EXPECT_TRUE(streamed.steps.empty());
    EXPECT_TRUE(plain.is_cut);
    ASSERT_EQ(plain.steps.size(), 1U);
    EXPECT_EQ(plain.steps[0].bytes, "");
    EXPECT_TRUE(parsed(plain.body()).IsObject()) << "the length is the whole body's";
}

TEST(SimulatorFaults, CutAfterTheFirstEvent) {
    const WireScript script = post(kChat, kStreamed, failing(cut_fault(1)));

    ASSERT_EQ(script.steps.size(), 1U);
    EXPECT_TRUE(script.is_cut);
    EXPECT_TRUE(script.steps[0].bytes.contains(R"("role":"assistant")"));
}

TEST(SimulatorFaults, OfSeveralRulesAllCount) {
    Behaviour behaviour = slow(5ms, 0ms, 4);
    behaviour.fail.emplace_back().delay = 100ms;
    behaviour.fail.push_back(cut_fault(5));
    behaviour.fail.emplace_back().delay = 20ms;
    behaviour.fail.push_back(cut_fault(2));

    const WireScript script = post(kChat, kStreamed, behaviour);

    EXPECT_EQ(script.before_head, 125ms);
    EXPECT_EQ(script.steps.size(), 2U) << "the shortest cut";
    EXPECT_TRUE(script.is_cut);
}

TEST(SimulatorFaults, OfSeveralStatusesTheFirstCountsWithItsOwnAdvice) {
    Fault limit = status_fault(429);
    limit.retry_after = 3s;
    Behaviour behaviour;
    behaviour.fail = {status_fault(503), limit, cut_fault(1)};

    const WireScript script = post(kChat, kStreamed, behaviour);

    EXPECT_EQ(script.status, 503);
    EXPECT_EQ(header(script, "retry-after"), "");
    EXPECT_FALSE(script.is_cut) << "an error comes whole";
}

TEST(SimulatorFaults, ComeAtTheirRatesIndependently) {
    constexpr int kAnswers = 4000;
    SimulatorState state{7};
    Fault limit = status_fault(429);
    limit.rate = 0.2;
    limit.retry_after = 2s;
    Fault broken = status_fault(500);
    broken.rate = 0.5;
    Behaviour behaviour;
    behaviour.fail = {limit, broken};
    int limited = 0;
    int failed = 0;

    for (int i = 0; i < kAnswers; ++i) {
        const WireScript script = answer_openai({"GET", "/v1/models", ""}, behaviour, state);
        limited += script.status == 429 ? 1 : 0;
        failed += script.status == 500 ? 1 : 0;
        ASSERT_EQ(header(script, "retry-after"), script.status == 429 ? "2" : "");
    }

    EXPECT_NEAR(limited, kAnswers * 0.2, 110);       // more than four standard deviations
    EXPECT_NEAR(failed, kAnswers * 0.8 * 0.5, 130);  // of what the first left
}

TEST(SimulatorFaults, CutAPlainBodyShortOfItsLength) {
    const Behaviour cutting = failing(cut_fault(100));

    const WireScript script = post(kChat, kPlain, cutting);

    ASSERT_EQ(script.steps.size(), 1U);
    EXPECT_TRUE(script.is_cut);
    EXPECT_EQ(script.steps[0].bytes.size(), 100U);
    EXPECT_GT(script.body().size(), 100U);
    EXPECT_TRUE(parsed(script.body()).IsObject()) << "the length is the whole body's";
}

TEST(SimulatorFaults, LeaveAnAnswerWholeThatIsShorterThanTheCut) {
    const Behaviour cutting = failing(cut_fault(1'000'000));

    EXPECT_FALSE(post(kChat, kPlain, cutting).is_cut);
    EXPECT_FALSE(post(kChat, kStreamed, cutting).is_cut);
}

TEST(SimulatorFaults, ComeAtTheirRate) {
    constexpr int kAnswers = 4000;
    SimulatorState state{99};
    Fault fault = status_fault(500);
    fault.rate = 0.25;
    const Behaviour behaviour = failing(fault);
    int failed = 0;

    for (int i = 0; i < kAnswers; ++i) {
        failed += answer_openai({"GET", "/v1/models", ""}, behaviour, state).status == 500 ? 1 : 0;
    }

    EXPECT_NEAR(failed, kAnswers / 4.0, 120);  // four standard deviations
}

TEST(SimulatorFaults, OfRateZeroNeverCome) {
    SimulatorState state;
    Fault fault = status_fault(500);
    fault.rate = 0;
    const Behaviour behaviour = failing(fault);

    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(answer_openai({"GET", "/v1/models", ""}, behaviour, state).status, 200);
    }
}

}  // namespace
}  // namespace headgate::providers
