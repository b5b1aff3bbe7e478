#include "policy/config/loader.h"

#include "policy/config/includes.h"
#include "policy/config/sections.h"

#include <set>

namespace headgate::policy {
namespace {

constexpr KnownName kRootNames[] = {
    {"listen"},
    {"workers"},
    {"drain_delay"},
    {"shutdown_grace"},
    {"admin"},
    {"protect"},
    {"log"},
    {"providers"},
    {"projects"},
    {"include"},
    {"watch"},
    {"routes"},
    {"listen_shared"},
    {"state"},
    {"alerts"},
    {"organization"},
    {"prices"},
    {"tls", kNotYet},
    {"tracing", kNotYet},
};

void read_root(Reading& reading, const YamlNode& node, Snapshot& snapshot) {
    const MapReader root{reading, Setting{&node, {}}, kRootNames};
    read_listener_section(reading, root, snapshot);
    read_protect_section(reading, root, snapshot.protect);
    read_log_section(reading, root, snapshot.log);
    const StatePlaces places = read_state_section(reading, root, snapshot.state);
    read_alerts_section(reading, root, snapshot.alerts);
    read_providers_section(reading, root, snapshot);
    read_organization_section(reading, root, places, snapshot.organization);
    read_projects_section(reading, root, places, snapshot);
    read_prices_section(reading, root, snapshot.prices);
    check_state(reading, root, snapshot, places);
    read_routes_section(reading, root, snapshot);
    if (!reading.has_errors()) {
        check_routes(reading, root, snapshot);
    }
}

/// Each once, where it stood first.
void keep_first(std::vector<std::string>& names) {
    std::set<std::string> seen;
    std::erase_if(names, [&seen](const std::string& name) { return !seen.insert(name).second; });
}

void add_sources(const Reading& reading, const Snapshot& snapshot, PolicySources& sources) {
    const std::vector<std::string>& referenced = reading.referenced_files();
    sources.files.insert(sources.files.end(), referenced.begin(), referenced.end());
    for (const auto& settings : snapshot.providers) {
        if (!settings->provider.token_file.empty()) {
            sources.token_files.push_back(settings->provider.token_file);
        }
    }
    keep_first(sources.files);
    keep_first(sources.directories);
    keep_first(sources.token_files);
}

LoadResult load_read(const std::string& path, FileText main, const LoadOptions& options) {
    LoadResult result;
    result.sources.files.push_back(path);
    Reading reading{path, SourceText{std::move(main.text)}, options};
    auto snapshot = std::make_unique<Snapshot>();
    result.tree = read_policy_tree(reading, main, result.sources);
    if (result.tree) {
        read_root(reading, *result.tree, *snapshot);
    }
    add_sources(reading, *snapshot, result.sources);
    if (!reading.has_errors()) {
        result.snapshot = std::move(snapshot);
    }
    result.problems = reading.take_problems();
    return result;
}

}  // namespace

LoadResult load_policy(const std::string& path, const LoadOptions& options) {
    auto main = read_file(path, kMaxYamlBytes);
    if (main) {
        return load_read(path, std::move(*main), options);
    }
    LoadResult result;
    result.sources.files.push_back(path);
    Reading reading{path, SourceText{{}}, options};
    reading.error_at(0, 0, "the file " + main.error());
    result.problems = reading.take_problems();
    return result;
}

LoadResult load_policy_text(const std::string& path, std::string text, const LoadOptions& options) {
    FileText main;
    main.text = std::move(text);
    return load_read(path, std::move(main), options);
}

}  // namespace headgate::policy
