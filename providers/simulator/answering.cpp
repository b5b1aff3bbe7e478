#include "providers/simulator/answering.h"

#include <algorithm>
#include <array>

namespace headgate::providers {
namespace {

constexpr std::int64_t kFirstCreated = 1'750'000'000;  // 2025-06-15

constexpr std::array kOperations = {
    SimulatedOperation{"POST", "/v1/chat/completions", answer_chat},
    SimulatedOperation{"POST", "/v1/completions", answer_completion},
    SimulatedOperation{"POST", "/v1/embeddings", answer_embeddings},
    SimulatedOperation{"POST", "/v1/moderations", answer_moderation},
    SimulatedOperation{"POST", "/v1/responses", answer_response},
    SimulatedOperation{"POST", "/v1/images/generations", answer_images},
    SimulatedOperation{"GET", "/v1/models", list_models},
    SimulatedOperation{"GET", "/v1/models/", retrieve_model},
};

}  // namespace

Drawn draw_answer(const Behaviour& behaviour, SimulatorState& state) {
    const std::uint64_t number = state.next_number();
    const auto salt = static_cast<std::uint64_t>(state.draw() * 0x1.0p53);
    Drawn drawn;
    drawn.created = kFirstCreated + static_cast<std::int64_t>(number);
    drawn.ids = Random{salt ^ number << 53};
    drawn.trouble = draw_trouble(behaviour, state);
    return drawn;
}

const SimulatedOperation* find_operation(std::string_view method, std::string_view path) {
    const auto* found = std::ranges::find_if(kOperations, [&](const SimulatedOperation& operation) {
        const bool takes_argument = operation.path.ends_with('/');
        return operation.method == method &&
               (takes_argument
                    ? path.starts_with(operation.path) && path.size() > operation.path.size()
                    : path == operation.path);
    });
    return found == kOperations.end() ? nullptr : found;
}

OrError<WireScript> answer_operation(Call& call, const SimulatedOperation& operation) {
    if (operation.method == "POST" && !call.body.is_object()) {
        return std::unexpected{
            bad_request("We could not parse the JSON body of your request. (HINT: This likely "
                        "means you aren't using your HTTP library correctly. The OpenAI API "
                        "expects a JSON payload, but what was sent was not valid JSON.)",
                        "")};
    }
    return operation.answer(call);
}

WireScript error_answer(int status, std::string json) {
    WireScript script;
    script.status = status;
    script.steps.push_back({std::chrono::milliseconds{0}, std::move(json)});
    return script;
}

std::int64_t whole_seconds(std::chrono::milliseconds wait) {
    const std::int64_t milliseconds = std::max<std::int64_t>(wait.count(), 0);
    return milliseconds / 1000 + (milliseconds % 1000 != 0 ? 1 : 0);
}

void add_retry_advice(WireScript& script, std::chrono::milliseconds wait) {
    const std::int64_t milliseconds = std::max<std::int64_t>(wait.count(), 0);
    script.headers.emplace_back("retry-after", std::to_string(whole_seconds(wait)));
    script.headers.emplace_back("retry-after-ms", std::to_string(milliseconds));
}

std::string_view content_type_of(const WireScript& script) {
    return script.is_stream ? "text/event-stream; charset=utf-8" : "application/json";
}

std::string made_hex(std::size_t length, Random& ids) {
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < length; ++i) {
        text += kHex[ids.below(kHex.size())];
    }
    return text;
}

}  // namespace headgate::providers
