#include "policy/budget/request_bound.h"

#include "providers/catalog/picture_tokens.h"

#include <algorithm>
#include <limits>

namespace headgate::policy {
namespace {

using providers::ApiRequest;
using providers::Operation;
using providers::Tokens;

constexpr std::int64_t kFramesUnlessTold = 9;  // of a GIF: SDK 3.54.0, image_generate_params.py

std::int64_t times(std::int64_t a, std::int64_t b) {
    std::int64_t product = 0;
    return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<std::int64_t>::max()
                                                  : product;
}

std::int64_t plus(std::int64_t a, std::int64_t b) {
    std::int64_t sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<std::int64_t>::max() : sum;
}

/// Embeddings and completions take a list of prompts, each for itself.
std::int64_t prompts_of(const ApiRequest& request) {
    const Operation operation = request.endpoint->operation;
    const bool may_be_many =
        operation == Operation::embeddings || operation == Operation::completions;
    return may_be_many ? std::max<std::int64_t>(1, static_cast<std::int64_t>(request.messages)) : 1;
}

}  // namespace

Meter meter_of(const providers::Endpoint& endpoint) {
    if (endpoint.meter.empty()) {
        return Meter::none;
    }
    if (endpoint.operation == Operation::image_generations) {
        return Meter::pictures;
    }
    return endpoint.meter == "input_tokens" ? Meter::input_tokens : Meter::tokens;
}

RequestBound::RequestBound(const ApiRequest& request, const providers::TokenEstimate* estimate)
    : request_{request}, meter_{meter_of(*request.endpoint)} {
    if (meter_ == Meter::none) {
        return;
    }
    input_ = estimate != nullptr ? *estimate : estimate_input(request);
    prompts_ = prompts_of(request);
    const std::int64_t answers = std::max(request.choices(), request.best_of.value_or(1));
    choices_ = times(prompts_, answers);
    if (request.has_prediction) {
        beyond_cap_ = times(choices_, input_.at_most.count);
    }
}

std::optional<std::int64_t> RequestBound::input_at(const providers::Model* model) const {
    if (meter_ == Meter::pictures) {
        return input_inline();
    }
    const std::int64_t window = model != nullptr ? times(prompts_, model->max_input) : 0;
    if (window == 0) {
        return input_.is_bounded ? std::optional{input_inline()} : std::nullopt;
    }
    return input_.is_bounded ? std::min(input_inline(), window) : window;
}

std::int64_t RequestBound::input_inline() const {
    const std::int64_t at_most = input_.at_most.count;
    return meter_ == Meter::pictures ? times(request_.choices(), at_most) : at_most;
}

std::int64_t RequestBound::output_with(std::int64_t cap) const {
    return plus(times(choices_, cap), beyond_cap_);
}

std::optional<std::int64_t> RequestBound::picture_tokens_at(std::string_view model) const {
    const providers::PictureRequest& asked = request_.picture;
    const std::optional<Tokens> one = providers::picture_tokens(model, asked.size, asked.quality);
    if (!one) {
        return std::nullopt;
    }
    const std::int64_t frames =
        asked.format == "gif" ? asked.frames.value_or(kFramesUnlessTold) : 1;
    const std::int64_t partials = asked.partials * providers::kPartialPictureTokens.count;
    return times(request_.choices(), plus(times(frames, one->count), partials));
}

Consumption RequestBound::classes() const {
    Consumption classes;
    classes.may_read_sound = request_.has_sound || request_.has_remote_content;
    classes.may_read_pictures = request_.inline_images > 0 || request_.has_remote_content;
    classes.may_speak = request_.wants_audio;
    return classes;
}

}  // namespace headgate::policy
