#include "policy/config/route_names.h"

#include "policy/config/spelling.h"

namespace headgate::policy {

RouteNames::RouteNames(const Snapshot& snapshot) {
    for (const auto& settings : snapshot.providers) {
        providers_.emplace(settings->provider.name, &settings->provider);
    }
    projects_.reserve(snapshot.projects.size());
    for (const auto& project : snapshot.projects) {
        projects_.emplace(project->id, project.get());
    }
}

const providers::Provider* RouteNames::provider(Reading& reading, const Setting& setting) {
    return named(reading, setting, providers_, "provider");
}

const Project* RouteNames::project(Reading& reading, const Setting& setting) {
    return named(reading, setting, projects_, "project");
}

template <class T>
const T* RouteNames::named(Reading& reading,
                           const Setting& setting,
                           const ByName<T>& all,
                           std::string_view what) {
    const std::optional<std::string> name = read_known_text(reading, setting);
    if (!name) {
        return nullptr;
    }
    if (const auto found = all.find(*name); found != all.end()) {
        return found->second;
    }
    std::string hint;
    if (hints_left_ > 0) {
        --hints_left_;
        std::vector<std::string_view> names;
        names.reserve(all.size());
        for (const auto& [each, unused] : all) {
            names.push_back(each);
        }
        std::ranges::sort(names);  // the same hint each time where several are as near
        hint = did_you_mean(*name, names);
    }
    reading.error(setting, "names no " + std::string(what) + " of this policy", hint);
    return nullptr;
}

}  // namespace headgate::policy
