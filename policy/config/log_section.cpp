#include "policy/config/sections.h"

namespace headgate::policy {
namespace {

constexpr KnownName kLogNames[] = {{"level"}, {"access"}, {"bodies"}};

/// In the order of LogLevel.
constexpr std::string_view kLevels[] = {"trace", "debug", "info", "warn", "error"};
constexpr std::string_view kBodies[] = {"none", "hash", "full"};

Parsed<std::string> parse_access(std::string_view text) {
    if (text.empty()) {
        return std::unexpected(std::string("must be stderr, none or the path of a file"));
    }
    return parse_text(text);
}

}  // namespace

void read_log_section(Reading& reading, const MapReader& root, LogSettings& log) {
    const std::optional<Setting> block = root.find("log");
    if (!block) {
        return;
    }
    const MapReader map{reading, *block, kLogNames};
    if (const std::optional<Setting> level = map.find("level")) {
        if (const auto name = read_choice(reading, *level, kLevels)) {
            const auto* const found = std::ranges::find(kLevels, *name);
            log.level = static_cast<LogLevel>(found - std::begin(kLevels));
        }
    }
    map.read("access", parse_access, log.access);
    if (const std::optional<Setting> bodies = map.find("bodies")) {
        const auto choice = read_choice(reading, *bodies, kBodies);
        if (choice && *choice != "none") {
            reading.error_at(bodies->node->line, bodies->node->column,
                             "\"log.bodies: " + *choice + "\" is not supported yet");
        }
    }
}

}  // namespace headgate::policy
