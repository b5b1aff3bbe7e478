#include "policy/budget/bound_errors.h"

#include <string>
#include <string_view>
#include <utility>

namespace headgate::policy {
namespace {

using providers::ApiError;
using providers::ApiRequest;
using providers::ErrorCode;
using providers::Operation;
using providers::Target;

ApiError price_unknown(std::string message, std::string_view param) {
    return {.code = ErrorCode::price_unknown,
            .message = std::move(message),
            .param = std::string{param},
            .allow = {}};
}

std::string name_of(const Target& target) {
    return "model '" + std::string{target.model} + "' at provider '" + target.provider->name + "'";
}

std::string_view cap_name(Operation operation) {
    switch (operation) {
        case Operation::completions:
            return "max_tokens";
        case Operation::responses:
            return "max_output_tokens";
        default:
            return "max_completion_tokens";
    }
}

}  // namespace

ApiError no_price(const Target& target) {
    return price_unknown("There is no price for " + name_of(target) +
                             ", so that nothing bounds what the request costs. The policy may give "
                             "it one under `prices`, or let the project use models without a price "
                             "(`unpriced_models: free`).",
                         "model");
}

ApiError no_tool_price(std::string_view tool, std::string_view param) {
    constexpr std::size_t kShown = 64;
    return price_unknown("There is no price for '" + std::string{tool.substr(0, kShown)} +
                             "', which runs at the provider, so that nothing bounds what the "
                             "request costs. Leave it out, or let the policy allow the project "
                             "what has no price (`unpriced_models: free`).",
                         param);
}

ApiError no_input_bound(const Target& target) {
    return price_unknown(
        "The request refers to content that it does not hold (URLs, files, "
        "earlier responses, stored prompts, tools), and the context window of " +
            name_of(target) +
            " is not known, so that nothing bounds its input. Send the content "
            "in the request itself.",
        "model");
}

ApiError no_output_bound(const Target& target, const ApiRequest& request) {
    const std::string_view cap = cap_name(request.endpoint->operation);
    return price_unknown("Nothing bounds the output of " + name_of(target) + ": set '" +
                             std::string{cap} +
                             "' in the request, or `max_output` of the project in the policy.",
                         cap);
}

ApiError no_picture_bound(const ApiRequest& request) {
    return price_unknown("Nobody tells how many tokens a picture of quality '" +
                             std::string{request.picture.quality} +
                             "' takes, so that nothing bounds what it costs. Ask for 'low', "
                             "'medium' or 'high'.",
                         "quality");
}

ApiError beyond_counting(const Target& target) {
    return {.code = ErrorCode::max_cost_exceeded,
            .message = "At " + name_of(target) +
                       " the request could cost more than can be counted. Ask for fewer tokens or "
                       "choices.",
            .param = {},
            .allow = {}};
}

}  // namespace headgate::policy
