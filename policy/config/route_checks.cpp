#include "policy/config/route_conditions.h"
#include "policy/config/sections.h"
#include "policy/config/target_checks.h"

namespace headgate::policy {
namespace {

/// Checks of routes among themselves and against the projects: only warnings.
class RouteChecks {
public:
    /// All must outlive it.
    RouteChecks(Reading& reading, const RoutePlaces& places, const Snapshot& snapshot)
        : reading_{reading}, places_{places}, snapshot_{snapshot} {}

    void warn_of_shadowed_routes();
    void warn_of_models_that_no_route_takes();
    void warn_of_useless_settings(const Route& route);

private:
    bool covers(const Route& earlier, const Route& later);
    void check_models(const Project& project, const Setting& setting);
    bool is_taken(const Project& project, std::string_view glob);
    void warn_of_disabled_projects(const Route& route);

    Reading& reading_;
    const RoutePlaces& places_;
    const Snapshot& snapshot_;
    GlobWork work_;
    GlobSet open_globs_;  // of the routes that any project may take
    std::unordered_map<const Project*, std::vector<const Route*>> own_routes_;
    std::unordered_map<std::string_view, bool> is_openly_taken_;
};

void RouteChecks::warn_of_shadowed_routes() {
    for (std::size_t j = 1; j < snapshot_.routes.size(); ++j) {
        const Route& later = *snapshot_.routes[j];
        for (std::size_t i = 0; i < j; ++i) {
            const Route& earlier = *snapshot_.routes[i];
            if (!covers(earlier, later)) {
                continue;
            }
            const Setting at = places_.route(later);
            reading_.warning(at, "is never taken: route `" + earlier.name + "` in " +
                                     reading_.place_of(*at.node, *places_.route(earlier).node) +
                                     " takes all that it matches");
            break;
        }
    }
    if (work_.is_used_up()) {
        reading_.warning(places_.routes(),
                         "holds so many patterns that not all were compared for routes that are "
                         "never taken");
    }
}

bool RouteChecks::covers(const Route& earlier, const Route& later) {
    return work_.may_compare() && implies(later.when, earlier.when) &&
           std::ranges::all_of(later.models, [&](const std::string& narrow) {
               return std::ranges::any_of(earlier.models, [&](const std::string& wide) {
                   return work_.may_compare() && glob_covers(wide, narrow);
               });
           });
}

void RouteChecks::warn_of_models_that_no_route_takes() {
    for (const auto& route : snapshot_.routes) {
        for (const Project* project : route->when.projects) {
            own_routes_[project].push_back(route.get());
        }
        if (route->when.projects.empty()) {
            for (const std::string& glob : route->models) {
                open_globs_.add(is_unknown_glob(glob) ? std::string_view{"*"} : glob);
            }
        }
    }
    const Setting block = places_.projects();
    for (std::size_t i = 0; i < snapshot_.projects.size(); ++i) {
        const Project& project = *snapshot_.projects[i];
        const YamlEntry& entry = block.node->entries[i];
        if (!project.models.empty() && entry.key->text == project.id) {
            check_models(project, {entry.value.get(), block.path + "." + project.id});
        }
    }
}

void RouteChecks::check_models(const Project& project, const Setting& setting) {
    const std::vector<Setting> items = read_list(child(setting, "models"));
    for (std::size_t i = 0; i < items.size(); ++i) {
        const std::string& glob = project.models[i];
        if (is_unknown_glob(glob) || is_taken(project, glob)) {
            continue;
        }
        reading_.warning(items[i], is_exact(glob)
                                       ? "is a model that no route takes: its requests are refused"
                                       : "matches no model that a route takes: its requests are "
                                         "refused");
    }
}

bool RouteChecks::is_taken(const Project& project, std::string_view glob) {
    const auto [openly, is_new] = is_openly_taken_.try_emplace(glob, false);
    if (is_new) {
        openly->second = open_globs_.meets(glob, work_);
    }
    if (openly->second) {
        return true;
    }
    const auto own = own_routes_.find(&project);
    return own != own_routes_.end() && std::ranges::any_of(own->second, [&](const Route* route) {
               return std::ranges::any_of(route->models, [&](const std::string& each) {
                   return is_unknown_glob(each) || !work_.may_compare(each, glob) ||
                          globs_meet(each, glob);
               });
           });
}

void RouteChecks::warn_of_useless_settings(const Route& route) {
    const Setting targets = child(places_.route(route), "targets");
    if (std::ranges::none_of(route.targets,
                             [](const RouteTarget& each) { return each.provider->enabled; })) {
        reading_.warning(targets, "leads to disabled providers only: the route's requests fail");
    }
    const bool is_weighed = route.strategy == Strategy::weighted ||
                            route.strategy == Strategy::least_busy || route.has_prefix_affinity;
    const std::vector<Setting> items = read_list(targets);
    for (std::size_t i = 0; i < items.size() && !is_weighed; ++i) {
        if (route.targets[i].weight != 1) {
            reading_.warning(
                child(items[i], "weight"),
                "has no effect under `strategy: " + std::string(to_string(route.strategy)) + "`",
                "`weighted` and `least_busy` look at weights");
        }
    }
    warn_of_disabled_projects(route);
}

void RouteChecks::warn_of_disabled_projects(const Route& route) {
    if (std::ranges::all_of(route.when.projects, &Project::enabled)) {
        return;
    }
    for (const Setting& item : read_list(child(child(places_.route(route), "when"), "project"))) {
        const auto named = std::ranges::find(route.when.projects, item.node->text, &Project::id);
        if (named != route.when.projects.end() && !(*named)->enabled) {
            reading_.warning(item, "names the disabled project `" + (*named)->id +
                                       "`, of which no request comes");
        }
    }
}

}  // namespace

void check_routes(Reading& reading, const MapReader& root, const Snapshot& snapshot) {
    if (std::ranges::any_of(snapshot.routes, &Route::is_implicit)) {
        return;
    }
    const RoutePlaces places{root};
    RouteChecks checks{reading, places, snapshot};
    TargetChecks targets{reading, places};
    for (const auto& route : snapshot.routes) {
        targets.check(*route);
        checks.warn_of_useless_settings(*route);
    }
    checks.warn_of_shadowed_routes();
    checks.warn_of_models_that_no_route_takes();
}

}  // namespace headgate::policy
