#include "policy/config/admin_section.h"
#include "policy/config/budget_section.h"
#include "policy/config/key_section.h"
#include "policy/config/limits_section.h"
#include "policy/config/sections.h"
#include "providers/contract/endpoint.h"

#include <limits>

namespace headgate::policy {
namespace {

constexpr KnownName kProjectNames[] = {
    {"enabled"},
    {"keys"},
    {"models"},
    {"endpoints"},
    {"limits"},
    {"max_output"},
    {"budget"},
    {"unpriced_models"},
    {"cache_group", kNotYet},
};

/// In the order of UnpricedModels.
constexpr std::string_view kUnpricedModels[] = {"reject", "free"};

Parsed<std::int64_t> parse_max_output(std::string_view text) {
    return parse_count_between(text, 1, std::numeric_limits<std::int32_t>::max());
}

std::vector<std::string> read_families(Reading& reading, const Setting& setting) {
    const std::vector<Setting> items = read_list(setting);
    if (items.empty()) {
        reading.error(setting, "is an empty list; leave the setting out to allow all");
    }
    std::vector<std::string> families;
    families.reserve(items.size());
    for (const Setting& item : items) {
        families.push_back(
            read_choice(reading, item, providers::endpoint_families()).value_or(item.node->text));
    }
    return families;
}

/// What a project may spend and how much of everything else.
void read_ceilings(Reading& reading,
                   const MapReader& map,
                   const StatePlaces& places,
                   Project& project) {
    if (const std::optional<Setting> limits = map.find("limits")) {
        project.limits = read_limits(reading, *limits);
    }
    if (const std::optional<Setting> budget = map.find("budget")) {
        project.budget = read_budget(reading, *budget, places);
    }
    map.read("max_output", parse_max_output, project.max_output);
    map.read_choice("unpriced_models", kUnpricedModels, project.unpriced_models);
}

void read_keys(Reading& reading,
               const MapReader& map,
               const StatePlaces& places,
               KeySection& section,
               const Project& owner) {
    const std::optional<Setting> keys = map.find("keys");
    const bool is_empty_list =
        keys && keys->node->kind == YamlNode::Kind::sequence && keys->node->items.empty();
    if (!map.has("keys") || is_empty_list) {
        reading.warning(map.setting(),
                        places.records == RecordsKind::none
                            ? "has no key: nobody can use this project"
                            : "has no key in the file: unless the record store has one, nobody can "
                              "use this project");
    } else if (keys) {
        section.read(*keys, owner);
    }
}

std::unique_ptr<Project> read_project(Reading& reading,
                                      const NamedSetting& entry,
                                      const StatePlaces& places,
                                      KeySection& keys) {
    auto project = std::make_unique<Project>();
    project->id = entry.name;
    const MapReader map{reading, entry.setting, kProjectNames};
    if (entry.setting.node->kind != YamlNode::Kind::map) {
        return project;
    }
    map.read("enabled", parse_flag, project->enabled);
    if (const std::optional<Setting> models = map.find("models")) {
        project->models = read_names(reading, *models, parse_model_glob);
    }
    if (const std::optional<Setting> endpoints = map.find("endpoints")) {
        project->endpoints = read_families(reading, *endpoints);
    }
    read_ceilings(reading, map, places, *project);
    read_keys(reading, map, places, keys, *project);
    return project;
}

void read_admin_keys(Reading& reading,
                     const MapReader& root,
                     KeySection& keys,
                     std::vector<AdminKey>& admin_keys) {
    const std::optional<MapReader> admin = admin_block(reading, root);
    if (const std::optional<Setting> list = admin ? admin->find("keys") : std::nullopt) {
        admin_keys = keys.read_admin(*list);
    }
}

}  // namespace

void read_projects_section(Reading& reading,
                           const MapReader& root,
                           const StatePlaces& places,
                           Snapshot& snapshot) {
    KeySection keys{reading, snapshot.keys};
    read_admin_keys(reading, root, keys, snapshot.admin_keys);
    constexpr std::string_view nothing =
        "the policy has no project; it needs at least one under `projects`";
    if (!root.has("projects")) {
        reading.error_at(0, 0, nothing);
        return;
    }
    const std::optional<Setting> block = root.find("projects");
    if (!block) {
        return;
    }
    if (block->node->kind == YamlNode::Kind::map && block->node->entries.empty()) {
        reading.error_at(*block->node, nothing);
    }
    for (const NamedSetting& entry : read_named(reading, *block)) {
        snapshot.projects.push_back(read_project(reading, entry, places, keys));
    }
}

}  // namespace headgate::policy
