#pragma once

#include "providers/simulator/behaviour.h"
#include "providers/simulator/json_view.h"
#include "providers/simulator/openai_error.h"
#include "providers/simulator/text.h"
#include "providers/simulator/wire_script.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace headgate::providers {

/// One request on its way to an answer. Private to this folder.
struct Call {
    const SimulatedRequest& request;
    JsonView body;  // absent for GET
    const Behaviour& behaviour;
    /// Unix seconds: a fixed day and the answer's number, as there is no clock.
    std::int64_t created = 0;
    /// Differs from answer to answer; texts never depend on it.
    Random ids{0};
    WireFormat wire = WireFormat::openai;

    bool is_azure() const { return wire == WireFormat::azure; }
    std::chrono::milliseconds token_delay() const;
    /// How many tokens each of `choices` says that no cap cuts short: the behaviour's, bounded so
    /// that one answer has at most kMostTokens.
    std::int64_t natural_tokens(std::int64_t choices) const;

    /// The cap of each of `choices`: `asked`, within the same bound.
    std::int64_t bounded_cap(std::optional<std::int64_t> asked, std::int64_t choices) const;

    static constexpr std::int64_t kMostTokens = 100'000;
};

/// One answer a function: its steps, is_stream, and as before_head the time its tokens took. The
/// head and the faults are added by answer_openai() and answer_azure().
OrError<WireScript> answer_chat(Call& call);
OrError<WireScript> answer_completion(Call& call);
OrError<WireScript> answer_embeddings(Call& call);
OrError<WireScript> answer_moderation(Call& call);
OrError<WireScript> answer_response(Call& call);
OrError<WireScript> answer_images(Call& call);
OrError<WireScript> list_models(Call& call);
OrError<WireScript> retrieve_model(Call& call);

/// An unstreamed 200 whose text took `tokens` to say.
WireScript plain_answer(const Call& call, std::string body, std::int64_t tokens = 0);

/// The events of a stream, one a step.
class EventStream {
public:
    explicit EventStream(const Call& call) : token_delay_{call.token_delay()} {
        script_.is_stream = true;
    }

    /// The next event carries a token: it waits the token delay, but for the first one.
    void tick();
    /// `data: JSON`
    void data(std::string_view json);
    /// `event: NAME`, `data: JSON`
    void event(std::string_view name, std::string_view json);
    WireScript finish() { return std::move(script_); }

private:
    void push(std::string bytes);

    WireScript script_;
    std::chrono::milliseconds token_delay_;
    std::chrono::milliseconds wait_{0};
    bool has_ticked_ = false;
};

}  // namespace headgate::providers
