#include "policy/explain/expect_section.h"

#include "policy/config/map_reader.h"
#include "policy/config/spelling.h"
#include "policy/explain/policy_names.h"
#include "providers/contract/api_request.h"

namespace headgate::policy {
namespace {

using providers::ErrorCode;
using providers::Money;

constexpr KnownName kExpectNames[] = {
    {"status"}, {"code"}, {"route"}, {"attempts"}, {"skipped"}, {"cost_usd"}, {"reserved_usd"},
};

Parsed<std::int64_t> parse_status(std::string_view text) {
    return parse_count_between(text, 200, 599);
}

Parsed<Money> parse_amount(std::string_view text) {
    const auto amount = Money::parse(text);
    if (!amount || *amount < Money{}) {
        return std::unexpected(
            std::string("must be an amount in USD such as 7.50, with at most 9 decimal places"));
    }
    return *amount;
}

std::vector<std::string_view> error_codes() {
    std::vector<std::string_view> codes;
    for (int code = 0; code <= static_cast<int>(ErrorCode::upstream_interrupted); ++code) {
        codes.push_back(providers::to_string(static_cast<ErrorCode>(code)));
    }
    return codes;
}

/// `code: null` is a value here, where everywhere else nothing is a slip.
void read_code(Reading& reading, const MapReader& map, std::optional<std::string>& code) {
    for (const YamlEntry& entry : map.setting().node->entries) {
        if (entry.key->text == "code" && entry.value->kind == YamlNode::Kind::null) {
            code = "";
            return;
        }
    }
    const std::optional<Setting> setting = map.find("code");
    const std::optional<std::string> text =
        setting ? read_known_text(reading, *setting) : std::nullopt;
    if (!text) {
        return;
    }
    const std::vector<std::string_view> known = error_codes();
    if (std::ranges::find(known, *text) == known.end()) {
        reading.error(*setting, "is not a code of Headgate's own errors (`null`: none)",
                      did_you_mean(*text, known));
        return;
    }
    code = *text;
}

void read_route(Reading& reading,
                const MapReader& map,
                const Snapshot& snapshot,
                std::optional<std::string>& route) {
    const std::optional<Setting> setting = map.find("route");
    const std::optional<std::string> text =
        setting ? read_known_text(reading, *setting) : std::nullopt;
    if (!text) {
        return;
    }
    const std::vector<std::string_view> known = route_names(snapshot);
    if (std::ranges::find(known, *text) == known.end()) {
        reading.error(*setting, "is not a route of the policy", did_you_mean(*text, known));
        return;
    }
    route = *text;
}

/// "provider/model": a provider's name has no slash, a model's may have some.
std::optional<std::string> read_target(Reading& reading,
                                       const Setting& setting,
                                       const std::vector<std::string_view>& providers) {
    std::optional<std::string> text = read_known_text(reading, setting);
    if (!text) {
        return std::nullopt;
    }
    const std::size_t slash = std::min(text->find('/'), text->size());
    const std::string_view provider = std::string_view{*text}.substr(0, slash);
    if (slash == text->size() ||
        !providers::is_model_name(std::string_view{*text}.substr(slash + 1))) {
        reading.error(setting, "must be a target such as openai/gpt-5");
        return std::nullopt;
    }
    if (std::ranges::find(providers, provider) == providers.end()) {
        reading.error(setting, "names a provider that the policy does not have",
                      did_you_mean(provider, providers));
        return std::nullopt;
    }
    return text;
}

void read_targets(Reading& reading,
                  const std::optional<Setting>& setting,
                  const Snapshot& snapshot,
                  std::optional<std::vector<std::string>>& targets) {
    if (!setting) {
        return;
    }
    const std::vector<std::string_view> providers = provider_names(snapshot);
    targets.emplace();  // `[]`: none at all
    for (const Setting& item : read_list(*setting)) {
        if (std::optional<std::string> target = read_target(reading, item, providers)) {
            targets->push_back(std::move(*target));
        }
    }
}

}  // namespace

Expectation read_expect(Reading& reading, const Setting& setting, const Snapshot& snapshot) {
    Expectation expect;
    const MapReader map{reading, setting, kExpectNames};
    if (setting.node->kind == YamlNode::Kind::map && setting.node->entries.empty()) {
        reading.error(setting, "expects nothing");
    }
    map.read("status", parse_status, expect.status);
    read_code(reading, map, expect.code);
    read_route(reading, map, snapshot, expect.route);
    read_targets(reading, map.find("attempts"), snapshot, expect.attempts);
    read_targets(reading, map.find("skipped"), snapshot, expect.skipped);
    map.read("cost_usd", parse_amount, expect.cost_usd);
    map.read("reserved_usd", parse_amount, expect.reserved_usd);
    return expect;
}

}  // namespace headgate::policy
