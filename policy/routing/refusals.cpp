#include "policy/routing/refusals.h"

#include "policy/routing/names.h"

namespace headgate::policy {
namespace {

using providers::ApiError;
using providers::ErrorCode;

ApiError refusal(ErrorCode code, std::string message, std::string param) {
    return {.code = code, .message = std::move(message), .param = std::move(param), .allow = {}};
}

ApiError not_available(std::string_view model, std::string_view why) {
    return refusal(ErrorCode::model_not_found,
                   "The model " + quoted(model) + " is not available here: " + std::string(why) +
                       ". `GET /v1/models` lists what is.",
                   "model");
}

/// "a: disabled, b: model"; with models where the route names them.
std::string list_of(const Route& route, std::span<const SkippedTarget> skipped) {
    std::string text;
    for (std::size_t i = 0; i < skipped.size() && i < kNamesShown; ++i) {
        text += i == 0 ? "" : ", ";
        text += skipped[i].provider;
        if (!route.is_implicit) {
            text += "/" + std::string(skipped[i].model);
        }
        text += ": " + std::string(skipped[i].reason);
    }
    return skipped.size() > kNamesShown ? text + " and others" : text;
}

}  // namespace

std::optional<ApiError> permission_problem(const Facts& facts) {
    const Project& project = *facts.project;
    const std::string_view family = facts.endpoint->family;
    if (!project.may_use_family(family)) {
        return refusal(ErrorCode::endpoint_not_allowed,
                       "Project " + quoted(project.id) + " may not use the endpoint family " +
                           quoted(family) + "; it may use: " + first_names(project.endpoints) + ".",
                       {});
    }
    if (!project.may_use_model(facts.model)) {
        return refusal(ErrorCode::model_not_allowed,
                       "Project " + quoted(project.id) + " may not use the model " +
                           quoted(facts.model) + "; it may use: " + first_names(project.models) +
                           ".",
                       "model");
    }
    return std::nullopt;
}

ApiError no_route(const Snapshot& snapshot, const Facts& facts) {
    const bool takes_the_name = std::ranges::any_of(snapshot.routes, [&](const auto& route) {
        return std::ranges::any_of(route->models, [&](const std::string& glob) {
            return providers::glob_matches(glob, facts.model);
        });
    });
    return not_available(facts.model,
                         takes_the_name
                             ? "the routes that take it set conditions that this request does not "
                               "meet"
                             : "no route of the policy takes it");
}

ApiError no_target(const Route& route, const Facts& facts, std::span<const SkippedTarget> skipped) {
    if (!route.is_implicit) {
        return not_available(facts.model, "no target of the route " + quoted(route.name) +
                                              " can serve it (" + list_of(route, skipped) + ")");
    }
    return not_available(facts.model, skipped.empty()
                                          ? "no provider of the policy serves it"
                                          : "of the providers that serve it, none is in use (" +
                                                list_of(route, skipped) + ")");
}

}  // namespace headgate::policy
