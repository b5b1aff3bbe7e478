#pragma once

#include "providers/contract/endpoint.h"

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace headgate::providers::azure {

/// A request to the simulated Azure and the file of fixtures/ with its answer. The simulator's
/// tests hold it to the file, the adapter's tests read the file: so both are held to each other.
struct SimulatedCase {
    std::string_view file;
    std::string_view endpoint;  // what the client asked
    std::string_view path;      // what the adapter makes of it
    std::string_view query;
    std::string_view body;
    int fault = 0;     // the status of a fault that answers instead
    int status = 200;  // of the answer

    bool is_stream() const { return file.ends_with(".sse"); }
};

inline constexpr SimulatedCase kSimulatedCases[] = {
    {"simulated_chat.json", "/v1/chat/completions", "/openai/deployments/prod/chat/completions",
     "api-version=2024-10-21",
     R"({"model":"gpt-4o","messages":[{"role":"user","content":"hi"}],"n":2,"max_tokens":3})"},
    {"simulated_chat.sse", "/v1/chat/completions", "/openai/deployments/prod/chat/completions",
     "api-version=2024-10-21",
     R"({"model":"gpt-4o","messages":[{"role":"user","content":"hi"}],"max_tokens":3,"stream":true,)"
     R"("stream_options":{"include_usage":true}})"},
    {"simulated_chat_without_usage.sse", "/v1/chat/completions",
     "/openai/deployments/prod/chat/completions", "api-version=2024-06-01",
     R"({"model":"gpt-4o","messages":[{"role":"user","content":"hi"}],"max_tokens":3,"n":2,)"
     R"("stream":true})"},
    {"simulated_tool_call.sse", "/v1/chat/completions", "/openai/v1/chat/completions", "",
     R"({"model":"prod","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function",)"
     R"("function":{"name":"look"}}],"stream":true,"stream_options":{"include_usage":true}})"},
    {"simulated_completions.json", "/v1/completions", "/openai/deployments/prod/completions",
     "api-version=2024-10-21", R"({"model":"m","prompt":["a","b"],"max_tokens":2})"},
    {"simulated_completions.sse", "/v1/completions", "/openai/deployments/prod/completions",
     "api-version=2024-10-21",
     R"({"model":"m","prompt":"a","max_tokens":2,"stream":true,)"
     R"("stream_options":{"include_usage":true}})"},
    {"simulated_embeddings.json", "/v1/embeddings", "/openai/deployments/embed/embeddings",
     "api-version=2024-10-21", R"({"model":"m","input":["a b","c"],"dimensions":2})"},
    {"simulated_responses.json", "/v1/responses", "/openai/responses",
     "api-version=2025-04-01-preview",
     R"({"model":"prod","input":"hi","max_output_tokens":16,"tools":[]})"},
    {"simulated_responses.sse", "/v1/responses", "/openai/v1/responses", "api-version=preview",
     R"({"model":"prod","input":"hi","max_output_tokens":3,"stream":true})"},
    {"simulated_images.json", "/v1/images/generations",
     "/openai/deployments/pictures/images/generations", "api-version=2025-04-01-preview",
     R"({"model":"gpt-image-1","prompt":"a cat","n":2})"},
    {"simulated_dall_e.json", "/v1/images/generations",
     "/openai/deployments/dall-e-3/images/generations", "api-version=2024-10-21",
     R"({"model":"dall-e-3","prompt":"a cat"})"},
    {"simulated_images.sse", "/v1/images/generations", "/openai/v1/images/generations", "",
     R"({"model":"pictures","prompt":"a cat","stream":true,"partial_images":1})"},
    {"simulated_content_filter.json", "/v1/chat/completions",
     "/openai/deployments/prod/chat/completions", "api-version=2024-10-21",
     R"({"model":"m","messages":[{"role":"user","content":"simulate-content-filter"}]})", 0, 400},
    {"simulated_not_found.json", "/v1/chat/completions",
     "/openai/deployments/prod/chat/completions", "api-version=tomorrow",
     R"({"model":"m","messages":[{"role":"user","content":"hi"}]})", 0, 404},
    {"simulated_bad_request.json", "/v1/chat/completions",
     "/openai/deployments/prod/chat/completions", "api-version=2024-10-21", R"({"model":"m"})", 0,
     400},
    {"simulated_401.json", "/v1/chat/completions", "/openai/v1/chat/completions", "", "{}", 401,
     401},
    {"simulated_403.json", "/v1/chat/completions", "/openai/v1/chat/completions", "", "{}", 403,
     403},
    {"simulated_404.json", "/v1/chat/completions", "/openai/v1/chat/completions", "", "{}", 404,
     404},
    {"simulated_429.json", "/v1/chat/completions", "/openai/deployments/prod/chat/completions",
     "api-version=2024-10-21", "{}", 429, 429},
    {"simulated_500.json", "/v1/chat/completions", "/openai/v1/chat/completions", "", "{}", 500,
     500},
};

/// The text of a case's file.
inline std::string answer_of(const SimulatedCase& simulated) {
    const std::string path =
        HEADGATE_SOURCE_DIR "/tests/unit/providers/azure/fixtures/" + std::string{simulated.file};
    std::ifstream file{path, std::ios::binary};
    if (!file) {
        throw std::runtime_error("no fixture " + path);
    }
    std::ostringstream bytes;
    bytes << file.rdbuf();
    return bytes.str();
}

}  // namespace headgate::providers::azure
