#include "policy/routing/planner.h"

#include "providers/catalog/catalog.h"

namespace headgate::policy {
namespace {

using providers::ApiError;
using providers::ErrorCode;
using providers::Provider;
using providers::ProviderKind;

constexpr std::string_view kImplicitRoute = "default";

/// How many allowed names an error lists at most.
constexpr std::size_t kNamesShown = 5;

std::string quoted(std::string_view text) {
    return "\"" + std::string(text) + "\"";
}

std::string first_names(const std::vector<std::string>& names) {
    std::string text;
    for (std::size_t i = 0; i < names.size() && i < kNamesShown; ++i) {
        text += (i == 0 ? "" : ", ") + names[i];
    }
    return names.size() > kNamesShown ? text + " and others" : text;
}

ApiError refusal(ErrorCode code, std::string message, std::string param) {
    return {.code = code, .message = std::move(message), .param = std::move(param), .allow = {}};
}

std::optional<ApiError> permission_problem(const Project& project,
                                           const providers::ApiRequest& request) {
    const std::string who = "Project " + quoted(project.id);
    const std::string_view family = request.endpoint->family;
    if (!project.may_use_family(family)) {
        return refusal(ErrorCode::endpoint_not_allowed,
                       who + " may not use the endpoint family " + quoted(family) +
                           "; it may use: " + first_names(project.endpoints) + ".",
                       {});
    }
    if (!project.may_use_model(request.model)) {
        return refusal(ErrorCode::model_not_allowed,
                       who + " may not use the model " + quoted(request.model) +
                           "; it may use: " + first_names(project.models) + ".",
                       "model");
    }
    return std::nullopt;
}

bool is_simulator(const Provider& provider) {
    return provider.kind == ProviderKind::simulator;
}

/// Simulators answer only where the policy has nothing else. A disabled provider counts too:
/// switching it off must not turn real answers into played ones.
bool simulators_answer(const Snapshot& snapshot) {
    return std::ranges::all_of(
        snapshot.providers, [](const auto& settings) { return is_simulator(settings->provider); });
}

/// Why a provider that serves the model is left out; empty: it is not.
std::string_view skip_reason(const Provider& provider, bool simulators_may_answer) {
    if (!provider.enabled) {
        return "disabled";
    }
    return is_simulator(provider) && !simulators_may_answer ? "simulator" : std::string_view{};
}

ApiError no_target(std::string_view model, const std::vector<SkippedTarget>& skipped) {
    std::string why = "no provider of the policy serves it";
    if (!skipped.empty()) {
        why = "of the providers that serve it, none is in use (";
        for (std::size_t i = 0; i < skipped.size() && i < kNamesShown; ++i) {
            why += i == 0 ? "" : ", ";
            why += std::string(skipped[i].provider) + ": " + std::string(skipped[i].reason);
        }
        why += ")";
    }
    return refusal(ErrorCode::model_not_found,
                   "The model " + quoted(model) + " is not available here: " + why +
                       ". `GET /v1/models` lists what is.",
                   "model");
}

bool is_glob(std::string_view name) {
    return name.find_first_of("*?") != std::string_view::npos;
}

/// Whether `model` would find a target; plan() without its list.
bool has_target(const Snapshot& snapshot, std::string_view model) {
    const bool simulators = simulators_answer(snapshot);
    return std::ranges::any_of(snapshot.providers, [&](const auto& settings) {
        const Provider& provider = settings->provider;
        return serves(provider, model) && skip_reason(provider, simulators).empty();
    });
}

/// Catalogue models that `provider` is known to have. An OpenAI-compatible provider without a list
/// takes any name, so that the catalogue says nothing about it.
bool is_known_to_have(const Provider& provider, const providers::Model& model) {
    if (!serves(provider, model.id)) {
        return false;
    }
    return !provider.models.empty() ||
           (provider.kind != ProviderKind::openai_compatible && model.provider == "openai");
}

void append_known_models(const Snapshot& snapshot, std::vector<std::string_view>& models) {
    const bool simulators = simulators_answer(snapshot);
    for (const auto& settings : snapshot.providers) {
        const Provider& provider = settings->provider;
        if (!skip_reason(provider, simulators).empty()) {
            continue;
        }
        for (const providers::Model& model : providers::catalog_models()) {
            if (is_known_to_have(provider, model)) {
                models.push_back(model.id);
            }
        }
        std::ranges::copy_if(provider.models, std::back_inserter(models), std::not_fn(is_glob));
    }
}

}  // namespace

providers::Result<Plan> plan(const Snapshot& snapshot,
                             const Project& project,
                             const providers::ApiRequest& request) {
    if (auto problem = permission_problem(project, request)) {
        return std::unexpected(std::move(*problem));
    }
    Plan plan;
    plan.route = kImplicitRoute;
    const bool simulators = simulators_answer(snapshot);
    for (const auto& settings : snapshot.providers) {
        const Provider& provider = settings->provider;
        if (!serves(provider, request.model)) {
            continue;
        }
        const std::string_view reason = skip_reason(provider, simulators);
        if (reason.empty()) {
            plan.targets.push_back({.provider = &provider, .model = request.model});
        } else {
            plan.skipped.push_back(
                {.provider = provider.name, .model = request.model, .reason = reason});
        }
    }
    if (plan.targets.empty()) {
        return std::unexpected(no_target(request.model, plan.skipped));
    }
    return plan;
}

std::vector<std::string_view> usable_models(const Snapshot& snapshot, const Project& project) {
    std::vector<std::string_view> models;
    append_known_models(snapshot, models);
    for (const std::string& name : project.models) {
        if (!is_glob(name) && has_target(snapshot, name)) {
            models.push_back(name);
        }
    }
    std::erase_if(models,
                  [&project](std::string_view model) { return !project.may_use_model(model); });
    std::ranges::sort(models);
    const auto repeated = std::ranges::unique(models);
    models.erase(repeated.begin(), repeated.end());
    return models;
}

}  // namespace headgate::policy
