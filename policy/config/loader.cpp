#include "policy/config/loader.h"

#include "policy/config/file_text.h"
#include "policy/config/sections.h"

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
    {"listen_shared", kNotYet},
    {"tls", kNotYet},
    {"watch", kNotYet},
    {"state", kNotYet},
    {"tracing", kNotYet},
    {"alerts", kNotYet},
    {"include", kNotYet},
    {"routes", kNotYet},
    {"organization", kNotYet},
    {"prices", kNotYet},
};

void read_root(Reading& reading, const YamlNode& node, Snapshot& snapshot) {
    if (node.kind == YamlNode::Kind::null) {
        reading.error_at(0, 0, "the file is empty; a policy needs `providers` and `projects`");
        return;
    }
    if (node.kind != YamlNode::Kind::map) {
        reading.error_at(node.line, node.column, "a policy is a map of settings (`name: value`)");
        return;
    }
    const MapReader root{reading, Setting{&node, {}}, kRootNames};
    read_listener_section(reading, root, snapshot);
    read_protect_section(reading, root, snapshot.protect);
    read_log_section(reading, root, snapshot.log);
    read_providers_section(reading, root, snapshot);
    read_projects_section(reading, root, snapshot);
}

/// What most often lies behind an error of YAML itself.
std::string yaml_hint(const SourceText& source, const YamlError& error) {
    if (source.line(error.line).contains("${")) {
        return "a reference inside { } or [ ] needs quotes: \"${NAME}\"";
    }
    const auto last_line = 1 + std::ranges::count(source.text(), '\n');
    const bool is_at_end = error.line > 0 && error.line >= last_line - 1;
    return is_at_end ? "is the file cut off here?" : "";
}

void report_yaml_error(Reading& reading, const YamlError& error) {
    reading.error_at(error.line, error.column, error.message, yaml_hint(reading.source(), error));
}

}  // namespace

LoadResult load_policy(const std::string& path, const LoadOptions& options) {
    LoadResult result;
    auto text = read_file_text(path, kMaxYamlBytes);
    if (!text) {
        Reading reading{path, SourceText{{}}, options};
        reading.error_at(0, 0, "the file " + text.error());
        result.problems = reading.take_problems();
        return result;
    }
    Reading reading{path, SourceText{std::move(*text)}, options};
    auto snapshot = std::make_unique<Snapshot>();
    if (const auto root = parse_yaml(reading.source().text())) {
        reading.source().learn(**root);
        read_root(reading, **root, *snapshot);
    } else {
        report_yaml_error(reading, root.error());
    }
    if (!reading.has_errors()) {
        result.snapshot = std::move(snapshot);
    }
    result.problems = reading.take_problems();
    return result;
}

}  // namespace headgate::policy
