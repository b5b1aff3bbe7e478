#include "providers/simulator/wire_script.h"

#include "providers/simulator/answering.h"

namespace headgate::providers {
namespace {

OpenAiError unknown_url(const SimulatedRequest& request) {
    OpenAiError error = bad_request(
        "Invalid URL (" + std::string{request.method} + " " + std::string{request.path} + ")", "");
    error.status = 404;
    return error;
}

WireScript error_answer(const OpenAiError& error) {
    return providers::error_answer(error.status, to_json(error));
}

WireScript answer(Call& call) {
    const SimulatedOperation* operation = find_operation(call.request.method, call.request.path);
    if (operation == nullptr) {
        return error_answer(unknown_url(call.request));
    }
    auto answered = answer_operation(call, *operation);
    return answered ? std::move(*answered) : error_answer(answered.error());
}

void add_head(WireScript& script, const Trouble& trouble, Random& ids) {
    using namespace std::chrono_literals;
    const bool is_limited = script.status == 429;
    const std::string reset =
        std::to_string(is_limited ? trouble.retry_after.value_or(6ms).count() : 6) + "ms";
    script.headers = {
        {"content-type", std::string{content_type_of(script)}},
        {"x-request-id", "req_" + made_hex(32, ids)},
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
    const Drawn drawn = draw_answer(behaviour, state);
    const Trouble& trouble = drawn.trouble;
    const auto document = JsonDocument::parse(request.body);
    Call call{request, document ? document->root() : JsonView{}, behaviour, drawn.created,
              drawn.ids};
    WireScript script;
    if (trouble.status) {
        script = error_answer(error_of_status(*trouble.status, call.body["model"].text()));
    } else {
        script = answer(call);
        script.before_head += behaviour.first_byte;
    }
    script.before_head += trouble.delay;
    add_head(script, trouble, call.ids);
    if (trouble.cut_after && script.status < 400) {
        cut(script, *trouble.cut_after);
    }
    return script;
}

WireScript answer_simulated(WireFormat wire,
                            const SimulatedRequest& request,
                            const Behaviour& behaviour,
                            SimulatorState& state) {
    return wire == WireFormat::azure ? answer_azure(request, behaviour, state)
                                     : answer_openai(request, behaviour, state);
}

}  // namespace headgate::providers
