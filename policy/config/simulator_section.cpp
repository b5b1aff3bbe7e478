#include "policy/config/sections.h"

namespace headgate::policy {
namespace {

using providers::Behaviour;
using providers::Fault;

constexpr KnownName kFaultNames[] = {
    {"status"}, {"delay"}, {"cut_after"}, {"rate"}, {"retry_after"}};
constexpr std::string_view kWires[] = {"openai", "azure", "anthropic", "gemini"};

/// The version of Azure's API that a simulator is asked in: the latest that is no preview.
constexpr std::string_view kSimulatedVersion = "2024-10-21";

Parsed<std::int64_t> parse_tokens(std::string_view text) {
    return parse_count_between(text, 1, 1'000'000);
}

Parsed<std::int64_t> parse_error_status(std::string_view text) {
    return parse_count_between(text, 400, 599);
}

void read_wire(Reading& reading, const MapReader& map, providers::Provider& provider) {
    const std::optional<Setting> setting = map.find("wire");
    const std::optional<std::string> wire =
        setting ? read_choice(reading, *setting, kWires) : std::nullopt;
    if (wire == "azure") {
        provider.wire = providers::WireFormat::azure;
        provider.api_version = kSimulatedVersion;
    } else if (wire && *wire != "openai") {
        reading.error_at(*setting->node,
                         "\"" + setting->path + ": " + *wire + "\" is not supported yet",
                         "supported wires are openai and azure");
    }
}

Fault read_fault(Reading& reading, const Setting& setting) {
    const MapReader map{reading, setting, kFaultNames};
    Fault fault;
    map.read("status", parse_error_status, fault.status);
    map.read("delay", parse_duration, fault.delay);
    map.read("cut_after", parse_count, fault.cut_after);
    map.read("rate", parse_rate, fault.rate);
    map.read("retry_after", parse_duration, fault.retry_after);
    const int chosen = int{map.has("status")} + int{map.has("delay")} + int{map.has("cut_after")};
    if (setting.node->kind == YamlNode::Kind::map && chosen != 1) {
        reading.error(setting, "must have exactly one of `status`, `delay` and `cut_after`");
    }
    if (map.has("retry_after") && !map.has("status")) {
        reading.error(setting, "has a `retry_after`, which goes with a `status` only");
    }
    return fault;
}

}  // namespace

void read_simulator_settings(Reading& reading,
                             const MapReader& provider,
                             ProviderSettings& settings) {
    Behaviour& behaviour = settings.behaviour;
    behaviour = default_behaviour();
    read_wire(reading, provider, settings.provider);
    provider.read("first_byte", parse_duration, behaviour.first_byte);
    provider.read("token_delay", parse_duration, behaviour.token_delay);
    provider.read("tokens", parse_tokens, behaviour.tokens);
    if (const std::optional<Setting> faults = provider.find("fail")) {
        for (const Setting& item : read_list(*faults)) {
            behaviour.fail.push_back(read_fault(reading, item));
        }
    }
}

}  // namespace headgate::policy
