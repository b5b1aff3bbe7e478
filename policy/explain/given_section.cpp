#include "policy/explain/given_section.h"

#include "policy/config/map_reader.h"
#include "policy/config/spelling.h"
#include "policy/explain/policy_names.h"

namespace headgate::policy {
namespace {

constexpr KnownName kGivenNames[] = {
    {"project"},      {"key"},        {"model"},       {"endpoint"}, {"stream"},    {"headers"},
    {"input_tokens"}, {"max_output"}, {"budget_used"}, {"usage"},    {"providers"},
};
constexpr KnownName kUsageNames[] = {
    {"input"}, {"output"}, {"cached_input"}, {"cache_write"}, {"reasoning"},
};

/// More than any request has, and so few that no price makes an amount out of range.
constexpr std::int64_t kMaxTokens = 1'000'000'000;
constexpr std::int64_t kMaxOutputCap = 2'147'483'647;

Parsed<std::int64_t> parse_tokens(std::string_view text) {
    return parse_count_between(text, 0, kMaxTokens);
}

Parsed<std::int64_t> parse_output_cap(std::string_view text) {
    return parse_count_between(text, 1, kMaxOutputCap);
}

Parsed<SupposedAnswer> parse_answer(std::string_view text) {
    if (const std::optional<SupposedAnswer> answer = parse_supposed_answer(text)) {
        return *answer;
    }
    return std::unexpected(
        std::string("must be a status from 200 to 599, connect, timeout or cut"));
}

void read_project(Reading& reading,
                  const MapReader& map,
                  const Snapshot& snapshot,
                  std::string& id) {
    map.require("project", "project: NAME");
    const std::optional<Setting> setting = map.find("project");
    const std::optional<std::string> text =
        setting ? read_scalar(reading, *setting, parse_text) : std::nullopt;
    if (!text) {
        return;
    }
    id = *text;
    if (find_project(snapshot, id) == nullptr) {
        reading.error(*setting, "is not a project of the policy",
                      did_you_mean(id, project_names(snapshot)));
    }
}

void read_key(Reading& reading,
              const MapReader& map,
              const Snapshot& snapshot,
              Question& question) {
    const std::optional<Setting> setting = map.find("key");
    const std::optional<std::string> name =
        setting ? read_scalar(reading, *setting, parse_text) : std::nullopt;
    const Project* const project = find_project(snapshot, question.project);
    if (!name || project == nullptr) {
        return;
    }
    question.key = *name;
    if (snapshot.keys.find_named(*project, *name) == nullptr) {
        reading.error(*setting, "is not the name of a key of the project");
    }
}

void read_headers(Reading& reading, const MapReader& map, Question& question) {
    const std::optional<Setting> block = map.find("headers");
    if (!block) {
        return;
    }
    for (const NamedSetting& entry : read_named(reading, *block)) {
        std::string name = entry.name;
        std::ranges::transform(name, name.begin(), [](char c) {
            return 'A' <= c && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
        });
        if (auto value = read_scalar(reading, entry.setting, parse_text)) {
            question.headers.emplace_back(std::move(name), std::move(*value));
        }
    }
}

void read_providers(Reading& reading,
                    const MapReader& map,
                    const Snapshot& snapshot,
                    Question& question) {
    const std::optional<Setting> block = map.find("providers");
    if (!block) {
        return;
    }
    const std::vector<std::string_view> known = provider_names(snapshot);
    for (const NamedSetting& entry : read_named(reading, *block)) {
        if (std::ranges::find(known, entry.name) == known.end()) {
            reading.error({entry.key, entry.setting.path}, "is not a provider of the policy",
                          did_you_mean(entry.name, known));
        }
        if (const auto answer = read_scalar(reading, entry.setting, parse_answer)) {
            question.providers[entry.name] = *answer;
        }
    }
}

providers::Usage read_usage(Reading& reading, const Setting& setting) {
    const MapReader map{reading, setting, kUsageNames};
    providers::Usage usage;
    usage.is_reported = true;
    map.read("input", parse_tokens, usage.input.count);
    map.read("output", parse_tokens, usage.output.count);
    map.read("cached_input", parse_tokens, usage.cached_input.count);
    map.read("cache_write", parse_tokens, usage.cache_write.count);
    map.read("reasoning", parse_tokens, usage.reasoning.count);
    return usage;
}

}  // namespace

Question read_given(Reading& reading, const Setting& setting, const Snapshot& snapshot) {
    Question question;
    const MapReader map{reading, setting, kGivenNames};
    read_project(reading, map, snapshot, question.project);
    read_key(reading, map, snapshot, question);
    map.require("model", "model: gpt-5");
    map.read("model", parse_text, question.model);
    if (const std::optional<Setting> endpoint = map.find("endpoint")) {
        question.endpoint = read_choice(reading, *endpoint, providers::endpoint_families())
                                .value_or(question.endpoint);
    }
    map.read("stream", parse_flag, question.stream);
    read_headers(reading, map, question);
    map.read("input_tokens", parse_tokens, question.input_tokens);
    map.read("max_output", parse_output_cap, question.max_output);
    map.read("budget_used", parse_percent, question.budget_used);
    if (const std::optional<Setting> usage = map.find("usage")) {
        question.usage = read_usage(reading, *usage);
    }
    read_providers(reading, map, snapshot, question);
    return question;
}

}  // namespace headgate::policy
