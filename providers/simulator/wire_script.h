#pragma once

#include "providers/contract/provider.h"
#include "providers/simulator/behaviour.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headgate::providers {

/// What a simulated provider received.
struct SimulatedRequest {
    std::string_view method;  // "POST"
    std::string_view path;    // "/v1/chat/completions", without the query
    std::string_view body;
    std::string_view query = "";  // "api-version=2024-10-21", or empty
};

/// Bytes of the body, sent `wait` after the piece before.
struct ScriptStep {
    std::chrono::milliseconds wait{0};
    std::string bytes;
};

/// An answer as it goes over the wire: what to send, and when. The socket part adds the framing:
/// chunked where is_stream, else Content-Length.
struct WireScript {
    int status = 200;
    std::vector<std::pair<std::string, std::string>> headers;  // content-type included
    std::chrono::milliseconds before_head{0};
    std::vector<ScriptStep> steps;
    bool is_stream = false;
    bool is_cut = false;  // close the connection after the last step, without the end of the body
    std::string unsent;   // of an unstreamed answer that is cut: what its length counts and the
                          // steps lack; never sent

    /// The whole body, for an unstreamed answer's length: the steps and what stays unsent.
    std::string body() const;
};

/// What varies from one answer to the next: makes ids and draws faults. One a server; the same
/// seed gives the same answers.
class SimulatorState {
public:
    explicit SimulatorState(std::uint64_t seed = 1) : random_{seed} {}

    std::uint64_t next_number() { return ++answers_; }
    /// Uniform in [0, 1).
    double draw();

private:
    std::uint64_t random_;
    std::uint64_t answers_ = 0;
};

/// Answers as OpenAI's API would: deterministic text, usage that agrees with the text, caps
/// obeyed, tools called where asked for, JSON that satisfies a given schema, and the faults of
/// `behaviour`. Pure: no clock, no sockets.
WireScript answer_openai(const SimulatedRequest& request,
                         const Behaviour& behaviour,
                         SimulatorState& state);

/// A prompt that holds these words is refused by the content filter of a simulated Azure.
constexpr std::string_view kFilteredWords = "simulate-content-filter";

/// Answers as a provider of that wire format would. `openai`: as above. `azure`: by Azure OpenAI's
/// addresses, /openai/deployments/{any name}/…, /openai/responses, /openai/models with an
/// `api-version` of a date, and /openai/v1/…; with its head, its errors and what its content filter
/// reports. `model` in the answer is the deployment's name.
WireScript answer_simulated(WireFormat wire,
                            const SimulatedRequest& request,
                            const Behaviour& behaviour,
                            SimulatorState& state);

}  // namespace headgate::providers
