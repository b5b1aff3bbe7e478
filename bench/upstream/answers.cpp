#include "bench/upstream/answers.h"

#include <array>
#include <charconv>

namespace headgate::bench {
namespace {

constexpr std::string_view kCompletion =
    R"({"id":"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT","object":"chat.completion",)"
    R"("created":1741569952,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,)"
    R"("message":{"role":"assistant","content":"Hello! How can I assist you today?",)"
    R"("refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":219,"completion_tokens":10,"total_tokens":229,)"
    R"("prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},)"
    R"("completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,)"
    R"("accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},)"
    R"("service_tier":"default","system_fingerprint":"fp_06737a9306"})";

constexpr std::string_view kChunkStart =
    R"(data: {"id":"chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG","object":"chat.completion.chunk",)"
    R"("created":1741570283,"model":"gpt-4o-mini-2024-07-18","service_tier":"default",)"
    R"("system_fingerprint":"fp_06737a9306",)";

constexpr std::string_view kCommonFields =
    "x-request-id: req_7f1c6f0f4bd34f6cb54f2d6e50d2b8e1\r\n"
    "openai-processing-ms: 42\r\n"
    "openai-version: 2020-10-01\r\n";

std::string hexadecimal(std::size_t number) {
    std::array<char, 16> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
    return {digits.data(), end};
}

std::string as_chunk(const std::string& event) {
    return hexadecimal(event.size()) + "\r\n" + event + "\r\n";
}

std::string event(std::string_view rest) {
    return as_chunk(std::string(kChunkStart) + std::string(rest) + "\n\n");
}

std::string delta_event(const std::string& delta) {
    return event(R"("choices":[{"index":0,"delta":)" + delta +
                 R"(,"logprobs":null,"finish_reason":null}],"usage":null})");
}

std::string usage_event(std::size_t words) {
    return event(R"("choices":[],"usage":{"prompt_tokens":219,"completion_tokens":)" +
                 std::to_string(words) + R"(,"total_tokens":)" + std::to_string(219 + words) +
                 R"(,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},)"
                 R"("completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,)"
                 R"("accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}})");
}

}  // namespace

Answers make_answers(std::size_t words) {
    Answers answers;
    answers.completion = json_answer(kCompletion);
    answers.stream_start =
        "HTTP/1.1 200 OK\r\n"
        "content-type: text/event-stream; charset=utf-8\r\n"
        "transfer-encoding: chunked\r\n"
        "cache-control: no-cache\r\n" +
        std::string(kCommonFields) + "\r\n" +
        delta_event(R"({"role":"assistant","content":"","refusal":null})");
    for (std::size_t i = 0; i < words; ++i) {
        answers.words.push_back(delta_event(R"({"content":"word)" + std::to_string(i) + R"( "})"));
    }
    answers.stream_end =
        event(R"("choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],)"
              R"("usage":null})") +
        usage_event(words) + as_chunk("data: [DONE]\n\n") + "0\r\n\r\n";
    return answers;
}

std::string json_answer(std::string_view json) {
    return "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: " +
           std::to_string(json.size()) + "\r\n" + std::string(kCommonFields) + "\r\n" +
           std::string(json);
}

std::string error_answer(std::string_view status, std::string_view message) {
    const std::string json = R"({"error":{"message":")" + std::string(message) +
                             R"(","type":"invalid_request_error","param":null,"code":null}})";
    return "HTTP/1.1 " + std::string(status) +
           "\r\ncontent-type: application/json\r\ncontent-length: " + std::to_string(json.size()) +
           "\r\n\r\n" + json;
}

bool asks_for_stream(std::string_view body) {
    constexpr std::string_view kName = R"("stream")";
    constexpr std::string_view kSpace = " \t\r\n";
    for (std::size_t at = body.find(kName); at != std::string_view::npos;
         at = body.find(kName, at + 1)) {
        const std::size_t colon = body.find_first_not_of(kSpace, at + kName.size());
        if (colon == std::string_view::npos || body[colon] != ':') {
            continue;
        }
        const std::size_t value = body.find_first_not_of(kSpace, colon + 1);
        if (value != std::string_view::npos && body.substr(value).starts_with("true")) {
            return true;
        }
    }
    return false;
}

}  // namespace headgate::bench
