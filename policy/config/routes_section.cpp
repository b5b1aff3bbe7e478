#include "policy/config/route_conditions.h"
#include "policy/config/route_settings.h"
#include "policy/config/sections.h"
#include "providers/contract/api_request.h"

#include <array>
#include <map>

namespace headgate::policy {
namespace {

constexpr KnownName kRouteNames[] = {
    {"name"},      {"model"},          {"when"},           {"strategy"}, {"affinity"},
    {"targets"},   {"fallback_on"},    {"retry"},          {"timeouts"}, {"breaker"},
    {"keepalive"}, {"on_client_gone"}, {"cache", kNotYet},
};
constexpr KnownName kTargetNames[] = {{"provider"}, {"model"}, {"weight"}};
constexpr std::string_view kAffinities[] = {"none", "prefix"};

constexpr std::array kAllStrategies = {Strategy::ordered, Strategy::weighted, Strategy::least_busy,
                                       Strategy::fastest, Strategy::cheapest};

constexpr std::string_view kImplicitName = "default";

Parsed<std::string> parse_target_model(std::string_view text) {
    if (!providers::is_model_name(text)) {
        return std::unexpected(
            std::string("must be the name of one model, without a pattern; leave it out to ask for "
                        "the client's"));
    }
    return std::string(text);
}

Parsed<std::int64_t> parse_weight(std::string_view text) {
    if (const Parsed<std::int64_t> weight = parse_count(text); weight && *weight == 0) {
        return std::unexpected(std::string("must be above 0; leave the target out instead"));
    }
    return parse_count_between(text, 1, 1'000'000);
}

/// Where a name or a target stands that may stand only once.
using Places = std::map<std::string, const YamlNode*, std::less<>>;

/// True where `what` is new; else reported at `setting`.
bool is_first(Reading& reading, const Setting& setting, const std::string& what, Places& places) {
    const auto [first, is_new] = places.emplace(what, setting.node);
    if (!is_new) {
        reading.error(setting, "stands twice; the first is in " +
                                   reading.place_of(*setting.node, *first->second));
    }
    return is_new;
}

std::string read_name(Reading& reading, const MapReader& map, Places& places) {
    map.require("name", "name: flagship");
    const std::optional<Setting> setting = map.find("name");
    if (!setting) {
        return {};
    }
    const auto name = read_scalar(reading, *setting, parse_plain_name);
    if (!name) {
        return setting->node->text;
    }
    is_first(reading, *setting, *name, places);
    return *name;
}

void read_models(Reading& reading, const MapReader& map, Route& route) {
    map.require("model", "model: \"*\"");
    const std::optional<Setting> setting = map.find("model");
    if (!setting) {
        return;
    }
    if (setting->node->kind == YamlNode::Kind::sequence && setting->node->items.empty()) {
        reading.error(*setting, "must hold at least one model or pattern such as gpt-5*");
        return;
    }
    route.models = read_names(reading, *setting, parse_model_glob);
}

/// nullopt where its provider is faulty (reported) or unknown.
std::optional<RouteTarget> read_target(Reading& reading,
                                       const Setting& setting,
                                       RouteNames& names) {
    const MapReader map{reading, setting, kTargetNames};
    RouteTarget target;
    map.require("provider", "provider: openai");
    if (const std::optional<Setting> provider = map.find("provider")) {
        target.provider = names.provider(reading, *provider);
    }
    if (const std::optional<Setting> model = map.find("model")) {
        target.model = read_scalar(reading, *model, parse_target_model).value_or(model->node->text);
    }
    map.read("weight", parse_weight, target.weight);
    return target.provider == nullptr ? std::nullopt : std::optional{target};
}

/// False where a target was left out.
bool read_targets(Reading& reading, const MapReader& map, RouteNames& names, Route& route) {
    map.require("targets", "targets: [{provider: openai}]");
    const std::optional<Setting> setting = map.find("targets");
    if (!setting) {
        return false;
    }
    const std::vector<Setting> items = read_list(*setting);
    if (items.empty()) {
        reading.error(*setting, "must hold at least one target such as {provider: openai}");
    }
    Places places;
    for (const Setting& item : items) {
        const std::optional<RouteTarget> target = read_target(reading, item, names);
        if (target &&
            is_first(reading, item, target->provider->name + '/' + target->model, places)) {
            route.targets.push_back(*target);
        }
    }
    return !items.empty() && route.targets.size() == items.size();
}

void read_strategy(Reading& reading, const MapReader& map, Route& route) {
    if (const std::optional<Setting> setting = map.find("strategy")) {
        std::array<std::string_view, kAllStrategies.size()> spelled;
        std::ranges::transform(kAllStrategies, spelled.begin(),
                               [](Strategy each) { return to_string(each); });
        if (const auto name = read_choice(reading, *setting, spelled)) {
            route.strategy = kAllStrategies[static_cast<std::size_t>(
                std::ranges::find(spelled, *name) - spelled.begin())];
        }
    }
    if (const std::optional<Setting> setting = map.find("affinity")) {
        route.has_prefix_affinity = read_choice(reading, *setting, kAffinities) == "prefix";
    }
}

/// Null where something of the route is faulty (reported) or unknown that it cannot be without.
std::unique_ptr<Route> read_route(Reading& reading,
                                  const Setting& setting,
                                  RouteNames& names,
                                  Places& places) {
    const MapReader map{reading, setting, kRouteNames};
    if (setting.node->kind != YamlNode::Kind::map) {
        return nullptr;
    }
    auto route = std::make_unique<Route>();
    route->name = read_name(reading, map, places);
    read_models(reading, map, *route);
    bool is_whole = !route->models.empty();
    if (const std::optional<Setting> when = map.find("when")) {
        is_whole = read_conditions(reading, *when, names, route->when) && is_whole;
    }
    read_strategy(reading, map, *route);
    is_whole = read_targets(reading, map, names, *route) && is_whole;
    read_attempt_settings(reading, map, *route);
    return is_whole ? std::move(route) : nullptr;
}

std::unique_ptr<Route> implicit_route(const Snapshot& snapshot) {
    auto route = std::make_unique<Route>();
    route->name = kImplicitName;
    route->models = {"*"};
    route->is_implicit = true;
    for (const auto& settings : snapshot.providers) {
        route->targets.push_back({.provider = &settings->provider, .model = {}});
    }
    return route;
}

void read_routes(Reading& reading, const Setting& block, Snapshot& snapshot) {
    const std::vector<Setting> items = read_list(block);
    if (items.empty()) {
        reading.error(block, "is an empty list; leave it out for one route over all providers");
    }
    RouteNames names{snapshot};
    Places places;
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (std::unique_ptr<Route> route = read_route(reading, items[i], names, places)) {
            route->position = i;
            snapshot.routes.push_back(std::move(route));
        }
    }
}

}  // namespace

void read_routes_section(Reading& reading, const MapReader& root, Snapshot& snapshot) {
    if (const std::optional<Setting> block = root.find("routes")) {
        read_routes(reading, *block, snapshot);
    }
    // Also where each route hangs on a reference that only `serve` resolves: never none at all.
    if (snapshot.routes.empty()) {
        snapshot.routes.push_back(implicit_route(snapshot));
    }
}

}  // namespace headgate::policy
