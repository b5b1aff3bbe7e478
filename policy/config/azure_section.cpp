#include "policy/config/azure_section.h"

#include "providers/contract/api_request.h"

namespace headgate::policy {
namespace {

using providers::Provider;

/// "v1", "2024-10-21" or "2025-04-01-preview" (Azure OpenAI, API version lifecycle).
Parsed<std::string> parse_api_version(std::string_view text) {
    constexpr std::string_view preview = "-preview";
    const std::string_view date =
        text.ends_with(preview) ? text.substr(0, text.size() - preview.size()) : text;
    if (text != "v1" && !parse_date(date)) {
        return std::unexpected(
            std::string("must be v1 or a version such as 2024-10-21 or 2025-04-01-preview"));
    }
    return std::string(text);
}

Parsed<std::string> parse_deployment(std::string_view text) {
    // The name is a segment of the request's path.
    if (!is_plain_name(text) || text.find_first_not_of('.') == std::string_view::npos) {
        return std::unexpected(std::string(
            "must be the name of a deployment: 1 to 64 letters, digits, `_`, `.` and `-`"));
    }
    return std::string(text);
}

/// The resource's root: what SDKs and portals put behind it is ours to add.
void normalise_base_url(Reading& reading, const MapReader& map, Provider& provider) {
    std::string& path = provider.base_url.base_path;
    for (const std::string_view tail : {"/openai/v1", "/openai"}) {
        if (path.ends_with(tail)) {
            path.resize(path.size() - tail.size());
            break;
        }
    }
    if (path.contains("/openai/")) {
        if (const std::optional<Setting> setting = map.find("base_url")) {
            reading.error(*setting,
                          "must be the root of the Azure resource, such as "
                          "https://acme.openai.azure.com; `deployments` names what lies below");
        }
    }
}

void read_deployment(Reading& reading,
                     const Setting& block,
                     const YamlEntry& entry,
                     Provider& provider) {
    const YamlNode& key = *entry.key;
    if (!providers::is_model_name(key.text)) {
        reading.error({&key, block.path},
                      "has a key that is not the name of one model, without a pattern");
        return;
    }
    const Setting setting{entry.value.get(), block.path + "." + key.text};
    if (setting.node->kind == YamlNode::Kind::null) {
        reading.error({&key, setting.path}, "has no value");
        return;
    }
    const auto name = read_scalar(reading, setting, parse_deployment);
    provider.deployments.push_back({key.text, name.value_or(setting.node->text)});
}

void read_deployments(Reading& reading, const Setting& block, Provider& provider) {
    if (block.node->kind != YamlNode::Kind::map || block.node->entries.empty()) {
        reading.error(block, "must be a map of at least one model to its deployment");
        return;
    }
    std::map<std::string_view, const YamlNode*> seen;
    for (const YamlEntry& entry : block.node->entries) {
        const auto [first, is_new] = seen.emplace(entry.key->text, entry.key.get());
        if (is_new) {
            read_deployment(reading, block, entry, provider);
        } else {
            reading.error({entry.key.get(), block.path},
                          "has a model that stands twice; the first is in " +
                              reading.place_of(*entry.key, *first->second));
        }
    }
}

void warn_of_empty_globs(Reading& reading, const MapReader& map, const Provider& provider) {
    const std::optional<Setting> models =
        provider.models.empty() ? std::nullopt : map.find("models");
    if (!models) {
        return;
    }
    const std::vector<Setting> items = read_list(*models);
    for (std::size_t i = 0; i < items.size(); ++i) {
        const std::string& glob = provider.models[i];
        const bool is_known = parse_model_glob(glob).has_value();
        if (is_known && std::ranges::none_of(provider.deployments, [&glob](const auto& deployed) {
                return providers::glob_matches(glob, deployed.model);
            })) {
            reading.warning(items[i], "matches no model of `deployments`");
        }
    }
}

}  // namespace

void read_azure_settings(Reading& reading, const MapReader& map, Provider& provider) {
    normalise_base_url(reading, map, provider);
    map.require("api_version", "api_version: 2024-10-21");
    map.read("api_version", parse_api_version, provider.api_version);
    map.require("deployments", "deployments: {gpt-5: my-deployment}");
    if (const std::optional<Setting> block = map.find("deployments")) {
        read_deployments(reading, *block, provider);
        warn_of_empty_globs(reading, map, provider);
    }
}

}  // namespace headgate::policy
