#include "policy/explain/policy_names.h"

namespace headgate::policy {

std::vector<std::string_view> project_names(const Snapshot& snapshot) {
    std::vector<std::string_view> names;
    names.reserve(snapshot.projects.size());
    for (const auto& project : snapshot.projects) {
        names.emplace_back(project->id);
    }
    return names;
}

std::vector<std::string_view> provider_names(const Snapshot& snapshot) {
    std::vector<std::string_view> names;
    names.reserve(snapshot.providers.size());
    for (const auto& settings : snapshot.providers) {
        names.emplace_back(settings->provider.name);
    }
    return names;
}

std::vector<std::string_view> route_names(const Snapshot& snapshot) {
    std::vector<std::string_view> names;
    names.reserve(snapshot.routes.size());
    for (const auto& route : snapshot.routes) {
        names.emplace_back(route->name);
    }
    return names;
}

const Project* find_project(const Snapshot& snapshot, std::string_view id) {
    const auto found = std::ranges::find_if(
        snapshot.projects, [id](const auto& project) { return project->id == id; });
    return found == snapshot.projects.end() ? nullptr : found->get();
}

}  // namespace headgate::policy
