#include "policy/config/target_checks.h"

#include "policy/config/spelling.h"
#include "providers/catalog/catalog.h"

namespace headgate::policy {
namespace {

using providers::Provider;
using providers::ProviderKind;

/// False where Headgate relays operations of these families, but the wire format has none of them.
bool has_operation(providers::WireFormat wire, const std::vector<std::string>& families) {
    bool is_any_relayed = false;
    for (const providers::Endpoint& endpoint : providers::endpoint_table()) {
        if (endpoint.handling == providers::Handling::relayed &&
            std::ranges::find(families, endpoint.family) != families.end()) {
            is_any_relayed = true;
            if (providers::can_serve(wire, endpoint.operation)) {
                return true;
            }
        }
    }
    return !is_any_relayed;
}

/// The nearest name that the provider does have.
std::string model_hint(const Provider& provider, std::string_view model) {
    std::vector<std::string_view> names;
    names.reserve(provider.deployments.size() + provider.models.size());
    for (const providers::Deployment& deployment : provider.deployments) {
        names.push_back(deployment.model);
    }
    for (const std::string& glob : provider.models) {
        if (is_exact(glob)) {
            names.push_back(glob);
        }
    }
    return did_you_mean(model, names);
}

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) {
        text += text.empty() ? "" : ", ";
        text += name;
    }
    return text;
}

}  // namespace

void TargetChecks::check(const Route& route) {
    for (std::size_t i = 0; i < route.targets.size(); ++i) {
        const RouteTarget& target = route.targets[i];
        const Setting setting = places_.target(route, i);
        check_model(route, target, setting);
        if (!route.when.endpoints.empty() &&
            !has_operation(target.provider->wire, route.when.endpoints)) {
            reading_.error(setting, "can never serve: " + told(*target.provider, setting) +
                                        " has no " + joined(route.when.endpoints) +
                                        " endpoint, and `when` asks for no other");
        }
    }
}

void TargetChecks::check_model(const Route& route,
                               const RouteTarget& target,
                               const Setting& setting) {
    const Provider& provider = *target.provider;
    if (std::ranges::any_of(provider.models, is_unknown_glob)) {
        return;
    }
    if (!target.model.empty()) {
        if (!is_unknown_glob(target.model) && !serves(provider, target.model)) {
            reading_.error(
                child(setting, "model"),
                "can never serve: " + told(provider, setting) + " does not have this model",
                model_hint(provider, target.model));
        }
        return;
    }
    if (std::ranges::none_of(route.models, is_unknown_glob) && !may_serve(provider, route.models)) {
        reading_.error(setting, "can never serve: " + told(provider, setting) +
                                    " has none of the route's models; name one of its own as "
                                    "`model`");
    }
}

bool TargetChecks::may_serve(const Provider& provider, const std::vector<std::string>& globs) {
    const auto is_asked_and_served = [&](std::string_view name) {
        return serves(provider, name) && std::ranges::any_of(globs, [&](const std::string& glob) {
                   return !work_.may_compare(glob, name) || providers::glob_matches(glob, name);
               });
    };
    if (provider.kind == ProviderKind::azure) {
        return std::ranges::any_of(provider.deployments, is_asked_and_served,
                                   &providers::Deployment::model);
    }
    if (provider.kind == ProviderKind::simulator && provider.models.empty()) {
        return std::ranges::any_of(providers::catalog_models(), is_asked_and_served,
                                   &providers::Model::id);
    }
    return provider.models.empty() || meet(provider.models, globs);
}

bool TargetChecks::meet(const std::vector<std::string>& some,
                        const std::vector<std::string>& others) {
    return std::ranges::any_of(some, [&](const std::string& a) {
        return std::ranges::any_of(others, [&](const std::string& b) {
            return !work_.may_compare(a, b) || globs_meet(a, b);
        });
    });
}

std::string TargetChecks::told(const Provider& provider, const Setting& setting) const {
    return "provider `" + provider.name + "` (" +
           reading_.place_of(*setting.node, *places_.provider(provider.name).node) + ")";
}

}  // namespace headgate::policy
