#include "providers/simulator/wire_script.h"

#include "providers/simulator/call.h"
#include "providers/simulator/faults.h"

#include <algorithm>
#include <array>

namespace headgate::providers {
namespace {

constexpr std::int64_t kFirstCreated = 1'750'000'000;  // 2025-06-15

struct Operation {
    std::string_view method;
    std::string_view path;  // with a '/' at its end: whatever follows is an argument
    OrError<WireScript> (*answer)(Call&);
};

constexpr std::array kOperations = {
    Operation{"POST", "/v1/chat/completions", answer_chat},
    Operation{"POST", "/v1/completions", answer_completion},
    Operation{"POST", "/v1/embeddings", answer_embeddings},
    Operation{"POST", "/v1/moderations", answer_moderation},
    Operation{"POST", "/v1/responses", answer_response},
    Operation{"POST", "/v1/images/generations", answer_images},
    Operation{"GET", "/v1/models", list_models},
    Operation{"GET", "/v1/models/", retrieve_model},
};

const Operation* operation_of(const SimulatedRequest& request) {
    const auto* found = std::ranges::find_if(kOperations, [&](const Operation& operation) {
        const bool takes_argument = operation.path.ends_with('/');
        return operation.method == request.method &&
               (takes_argument ? request.path.starts_with(operation.path) &&
                                     request.path.size() > operation.path.size()
                               : request.path == operation.path);
    });
    return found == kOperations.end() ? nullptr : found;
}

OpenAiError unknown_url(const SimulatedRequest& request) {
    OpenAiError error = bad_request(
        "Invalid URL (" + std::string{request.method} + " " + std::string{request.path} + ")", "");
    error.status = 404;
    return error;
}

OrError<WireScript> answer(Call& call, const Operation* operation, bool is_json) {
    if (operation == nullptr) {
        return std::unexpected{unknown_url(call.request)};
    }
    if (operation->method == "POST" && (!is_json || !call.body.is_object())) {
        return std::unexpected{
            bad_request("We could not parse the JSON body of your request. (HINT: This likely "
                        "means you aren't using your HTTP library correctly. The OpenAI API "
                        "expects a JSON payload, but what was sent was not valid JSON.)",
                        "")};
    }
    return operation->answer(call);
}

WireScript error_answer(const OpenAiError& error) {
    WireScript script;
    script.status = error.status;
    script.steps.push_back({std::chrono::milliseconds{0}, to_json(error)});
    return script;
}

/// Adds retry-after in whole seconds, rounded up, and exactly in retry-after-ms.
void add_retry_advice(WireScript& script, std::chrono::milliseconds wait) {
    const std::int64_t milliseconds = std::max<std::int64_t>(wait.count(), 0);
    const std::int64_t seconds = milliseconds / 1000 + (milliseconds % 1000 != 0 ? 1 : 0);
    script.headers.emplace_back("retry-after", std::to_string(seconds));
    script.headers.emplace_back("retry-after-ms", std::to_string(milliseconds));
}

std::string request_id(Random& ids) {
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string id = "req_";
    for (int i = 0; i < 32; ++i) {
        id += kHex[ids.below(kHex.size())];
    }
    return id;
}

void add_head(WireScript& script, const Trouble& trouble, Random& ids) {
    using namespace std::chrono_literals;
    const bool is_limited = script.status == 429;
    const std::string reset =
        std::to_string(is_limited ? trouble.retry_after.value_or(6ms).count() : 6) + "ms";
    script.headers = {
        {"content-type",
         script.is_stream ? "text/event-stream; charset=utf-8" : "application/json"},
        {"x-request-id", request_id(ids)},
        {"openai-version", "2020-10-01"},
        {"openai-organization", "simulator"},
        {"openai-processing-ms", std::to_string(script.before_head.count())},
        {"x-ratelimit-limit-requests", "10000"},
        {"x-ratelimit-limit-tokens", "2000000"},
        {"x-ratelimit-remaining-requests", is_limited ? "0" : "9999"},
        {"x-ratelimit-remaining-tokens", "1999950"},
        {"x-ratelimit-reset-requests", reset},
        {"x-ratelimit-reset-tokens", "1ms"},
    };
    if (script.status >= 400 && trouble.retry_after) {
        add_retry_advice(script, *trouble.retry_after);
    }
}

}  // namespace

std::string WireScript::body() const {
    std::string whole;
    for (const ScriptStep& step : steps) {
        whole += step.bytes;
    }
    return whole + unsent;
}

double SimulatorState::draw() {
    Random random{random_};
    const double drawn = random.fraction();
    random_ += 0x9e3779b97f4a7c15;  // one step of the same sequence
    return drawn;
}

WireScript answer_openai(const SimulatedRequest& request,
                         const Behaviour& behaviour,
                         SimulatorState& state) {
    const std::uint64_t number = state.next_number();
    const auto salt = static_cast<std::uint64_t>(state.draw() * 0x1.0p53);
    const Trouble trouble = draw_trouble(behaviour, state);
    const auto document = JsonDocument::parse(request.body);
    Call call{request, document ? document->root() : JsonView{}, behaviour,
              kFirstCreated + static_cast<std::int64_t>(number), Random{salt ^ number << 53}};
    WireScript script;
    if (trouble.status) {
        script = error_answer(error_of_status(*trouble.status, call.body["model"].text()));
    } else {
        auto answered = answer(call, operation_of(request), document.has_value());
        script = answered ? std::move(*answered) : error_answer(answered.error());
        script.before_head += behaviour.first_byte;
    }
    script.before_head += trouble.delay;
    add_head(script, trouble, call.ids);
    if (trouble.cut_after && script.status < 400) {
        cut(script, *trouble.cut_after);
    }
    return script;
}

}  // namespace headgate::providers
