#include "policy/config/admin_section.h"
#include "policy/config/key_section.h"
#include "policy/config/sections.h"
#include "providers/contract/endpoint.h"

namespace headgate::policy {
namespace {

constexpr KnownName kProjectNames[] = {
    {"enabled"},
    {"keys"},
    {"models"},
    {"endpoints"},
    {"limits", kNotYet},
    {"max_output", kNotYet},
    {"budget", kNotYet},
    {"unpriced_models", kNotYet},
    {"cache_group", kNotYet},
};

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

void read_keys(Reading& reading, const MapReader& map, KeySection& section, const Project& owner) {
    const std::optional<Setting> keys = map.find("keys");
    const bool is_empty_list =
        keys && keys->node->kind == YamlNode::Kind::sequence && keys->node->items.empty();
    if (!map.has("keys") || is_empty_list) {
        reading.warning(map.setting(), "has no key: nobody can use this project");
    } else if (keys) {
        section.read(*keys, owner);
    }
}

std::unique_ptr<Project> read_project(Reading& reading,
                                      const NamedSetting& entry,
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
    read_keys(reading, map, keys, *project);
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

void read_projects_section(Reading& reading, const MapReader& root, Snapshot& snapshot) {
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
        snapshot.projects.push_back(read_project(reading, entry, keys));
    }
}

}  // namespace headgate::policy
