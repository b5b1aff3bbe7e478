#pragma once

#include "providers/contract/api_request.h"
#include "providers/contract/json_reader.h"
#include "providers/contract/json_splice.h"
#include "providers/contract/token_estimate.h"
#include "tests/fuzz/oracle.h"

#include <string>
#include <string_view>

namespace headgate::fuzz {

inline bool is_json(std::string_view text) {
    return providers::JsonReader{text}.finish();
}

/// All that must be the same in a request whose model alone has changed.
inline bool asks_the_same(const providers::ApiRequest& a, const providers::ApiRequest& b) {
    return a.stream == b.stream && a.include_usage == b.include_usage &&
           a.stream_options_is_empty == b.stream_options_is_empty &&
           a.stream_options.size() == b.stream_options.size() && a.n == b.n &&
           a.best_of == b.best_of && a.output_cap() == b.output_cap() &&
           a.temperature == b.temperature && a.has_seed == b.has_seed &&
           a.service_tier == b.service_tier && a.user == b.user && a.store == b.store &&
           a.has_previous_response_id == b.has_previous_response_id &&
           a.background == b.background && a.tools == b.tools && a.messages == b.messages &&
           a.inline_images == b.inline_images && a.has_remote_content == b.has_remote_content &&
           a.prompt.size() == b.prompt.size();
}

inline void check_refusal(const providers::ApiError& error, std::string_view body) {
    require(!error.message.empty(), "a refusal has words");
    require(is_json(to_json(error)), "a refusal is JSON");
    require(error.status() == 400, "a body is refused with 400");
    if (!is_json(body)) {
        return;
    }
    const bool is_repeated = error.message.find("twice") != std::string::npos;
    require(error.code == providers::ErrorCode::invalid_request || is_repeated,
            "valid JSON is not called invalid");
}

inline void check_estimate(const providers::ApiRequest& request) {
    const providers::TokenEstimate estimate = providers::estimate_input(request);
    require(estimate.guess.count >= 0, "a guess is a number of tokens");
    require(!estimate.is_bounded || estimate.guess <= estimate.at_most, "a bound holds the guess");
    require(!estimate.is_bounded || !request.has_remote_content, "only the body can bound");
}

inline void check_understood(const providers::ApiRequest& request, std::string_view body) {
    using providers::ByteRange;
    require(is_json(body), "only JSON is understood");
    require(providers::is_model_name(request.model), "the model has a valid name");
    const std::string_view model = request.model_value.in(body);
    require(model.size() >= 3 && model.front() == '"' && model.back() == '"',
            "the model's range has its quotes");
    require(body[request.after_open - 1] == '{', "after_open is behind the brace");
    require(request.stream_options.empty() || is_json(request.stream_options.in(body)),
            "stream_options is a value");
    require(request.choices() >= 1 && request.choices() <= 128, "choices are bounded");
    require(request.content_bytes <= body.size(), "content is part of the body");
    require(request.prompt.empty() || is_json(request.prompt.in(body)), "the prompt is a value");
    require(request.messages + request.inline_images <= body.size(), "elements take bytes");
    check_estimate(request);

    providers::SplicedText spliced{body};
    spliced.replace({request.after_open, request.after_open}, R"("spliced":null,)");
    spliced.replace(request.model_value, R"("another/model")");
    const std::string text = spliced.to_string();
    const auto again = providers::understand(*request.endpoint, text);
    require(again.has_value(), "a spliced body is understood");
    require(again->model == "another/model", "a spliced body has the model put there");
    require(asks_the_same(request, *again), "a spliced body asks the same");
}

inline void check_understand(std::string_view body) {
    for (const providers::Endpoint& endpoint : providers::endpoint_table()) {
        if (endpoint.handling != providers::Handling::relayed) {
            continue;
        }
        const auto request = providers::understand(endpoint, body);
        if (request) {
            check_understood(*request, body);
        } else {
            check_refusal(request.error(), body);
        }
    }
}

}  // namespace headgate::fuzz
