#include "policy/routing/candidates.h"
#include "policy/routing/globs.h"
#include "policy/routing/router.h"
#include "providers/catalog/catalog.h"

namespace headgate::policy {
namespace {

using providers::Provider;
using providers::ProviderKind;

using Names = std::vector<std::string_view>;

/// Whether a provider, asked for what `target` asks of it, has the model.
using Has = bool (*)(const Provider& provider, std::string_view model);

struct RoutedModel {
    std::string_view model;
    const Project& project;
    Has has;
};

/// The catalogue tells what OpenAI's models are. It says nothing about a compatible provider
/// without a list, which takes any name.
bool is_known_to_have(const Provider& provider, std::string_view model) {
    return serves(provider, model) &&
           (!provider.models.empty() || provider.kind != ProviderKind::openai_compatible);
}

/// Whether the route has a target in use that would take the model.
bool leads_somewhere(const Router& router, const Route& route, std::string_view model, Has has) {
    const bool simulators = !route.is_implicit || simulators_answer(router.snapshot());
    return std::ranges::any_of(route.targets, [&](const RouteTarget& target) {
        const Provider& provider = *target.provider;
        if (!provider.enabled || (provider.kind == ProviderKind::simulator && !simulators)) {
            return false;
        }
        return target.model.empty() ? has(provider, model) : serves(provider, target.model);
    });
}

void append_exact(const std::vector<std::string>& globs, Names& names) {
    std::ranges::copy_if(globs, std::back_inserter(names), [](const std::string& glob) {
        return shape_of(glob).kind == GlobShape::Kind::exact;
    });
}

/// Names that the policy spells out.
Names spelled_out(const Snapshot& snapshot, const Project& project) {
    Names names;
    append_exact(project.models, names);
    for (const auto& settings : snapshot.providers) {
        append_exact(settings->provider.models, names);
        std::ranges::transform(settings->provider.deployments, std::back_inserter(names),
                               &providers::Deployment::model);
    }
    for (const auto& route : snapshot.routes) {
        append_exact(route->models, names);
    }
    return names;
}

/// Names of the catalogue that a provider of the policy has, in their own right.
Names catalogued(const Snapshot& snapshot) {
    Names names;
    for (const auto& settings : snapshot.providers) {
        const Provider& provider = settings->provider;
        for (const providers::Model& model : providers::catalog_models()) {
            const bool may_have = !provider.models.empty() || model.provider == "openai";
            if (may_have && is_known_to_have(provider, model.id)) {
                names.push_back(model.id);
            }
        }
    }
    return names;
}

void sort_once(Names& names) {
    std::ranges::sort(names);
    const auto repeated = std::ranges::unique(names);
    names.erase(repeated.begin(), repeated.end());
}

bool has_conditions_of_the_request(const Conditions& when) {
    return !when.endpoints.empty() || when.stream || !when.headers.empty() || when.budget_used ||
           when.input_tokens;
}

/// Whether the first route that takes the project's requests for `model` leads somewhere, or some
/// route that takes a part of them.
bool is_usable(const RoutedModel& asked, const Router& router, const RouteIndex& index) {
    bool found = false;
    index.for_each_taking(asked.model, asked.project, [&](const Route& route) {
        found = leads_somewhere(router, route, asked.model, asked.has);
        // A route that takes every such request hides those behind it.
        return !found && has_conditions_of_the_request(route.when);
    });
    return found;
}

}  // namespace

std::vector<std::string_view> Router::usable_models(const Project& project) const {
    Names usable;
    const auto append_usable = [&](Names names, Has has) {
        std::erase_if(names, [&](std::string_view name) { return !project.may_use_model(name); });
        sort_once(names);
        std::ranges::copy_if(names, std::back_inserter(usable), [&](std::string_view name) {
            return is_usable({.model = name, .project = project, .has = has}, *this, index_);
        });
    };
    append_usable(spelled_out(snapshot_, project), serves);
    append_usable(catalogued(snapshot_), is_known_to_have);
    sort_once(usable);
    return usable;
}

}  // namespace headgate::policy
