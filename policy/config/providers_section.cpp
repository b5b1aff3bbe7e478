#include "policy/config/azure_section.h"
#include "policy/config/base_url.h"
#include "policy/config/header_fields.h"
#include "policy/config/sections.h"

namespace headgate::policy {
namespace {

using providers::Provider;
using providers::ProviderKind;

constexpr KnownName kProviderNames[] = {
    {"kind"},
    {"base_url"},
    {"api_key"},
    {"organization"},
    {"project"},
    {"models"},
    {"enabled"},
    {"allow_private"},
    {"tls"},
    {"wire"},
    {"first_byte"},
    {"token_delay"},
    {"tokens"},
    {"fail"},
    {"token_file"},
    {"api_version"},
    {"deployments"},
    {"price_multiplier"},
    {"headers"},
    {"forward_headers"},
    {"max_connections"},
    {"prompt_cache", kNotYet},
    {"unsupported", kNotYet},
};
constexpr KnownName kTlsNames[] = {{"ca"}, {"verify"}};

struct KnownKind {
    std::string_view name;
    std::optional<ProviderKind> kind;  // nullopt: not supported yet
};
constexpr KnownKind kKinds[] = {
    {"openai", ProviderKind::openai},
    {"azure", ProviderKind::azure},
    {"openai-compatible", ProviderKind::openai_compatible},
    {"simulator", ProviderKind::simulator},
    {"anthropic", {}},
    {"gemini", {}},
    {"groq", {}},
    {"mistral", {}},
    {"together", {}},
    {"fireworks", {}},
    {"deepseek", {}},
    {"xai", {}},
    {"openrouter", {}},
    {"cohere", {}},
    {"ollama", {}},
    {"lmstudio", {}},
    {"vllm", {}},
};

/// What belongs to providers behind a network, to OpenAI and its like, to Azure, and to simulators.
constexpr std::string_view kUpstreamNames[] = {
    "base_url", "api_key",         "token_file",      "organization",  "project",
    "headers",  "forward_headers", "max_connections", "allow_private", "tls"};
constexpr std::string_view kOpenAiNames[] = {"organization", "project"};
constexpr std::string_view kAzureNames[] = {"api_version", "deployments"};
constexpr std::string_view kSimulatorNames[] = {"wire", "first_byte", "token_delay", "tokens",
                                                "fail"};

constexpr std::string_view kDefaultBaseUrl = "https://api.openai.com/v1";

/// nullopt where it is missing, unknown or not supported yet: all reported.
std::optional<ProviderKind> read_kind(Reading& reading, const MapReader& map) {
    map.require("kind", "kind: openai");
    const std::optional<Setting> setting = map.find("kind");
    if (!setting) {
        return std::nullopt;
    }
    std::vector<std::string_view> names;
    for (const KnownKind& known : kKinds) {
        names.push_back(known.name);
    }
    const std::optional<std::string> name = read_choice(reading, *setting, names);
    if (!name) {
        return std::nullopt;
    }
    const auto* const known = std::ranges::find(kKinds, *name, &KnownKind::name);
    if (!known->kind) {
        reading.error_at(*setting->node,
                         "\"" + setting->path + ": " + *name + "\" is not supported yet",
                         "supported kinds are openai, azure, openai-compatible and simulator");
    }
    return known->kind;
}

void refuse_names(Reading& reading,
                  const MapReader& map,
                  std::span<const std::string_view> names,
                  std::string_view why) {
    for (const std::string_view name : names) {
        if (map.has(name)) {
            if (const std::optional<Setting> setting = map.find(name)) {
                reading.error(*setting, why);
            }
        }
    }
}

void read_base_url(Reading& reading, const MapReader& map, Provider& provider) {
    if (provider.kind == ProviderKind::openai) {
        provider.base_url = *parse_base_url(kDefaultBaseUrl);
    } else if (provider.kind == ProviderKind::azure) {
        map.require("base_url", "base_url: https://acme.openai.azure.com");
    } else {
        map.require("base_url", "base_url: http://127.0.0.1:11434/v1");
    }
    map.read("base_url", parse_base_url, provider.base_url);

    provider.allow_private = names_private_address(provider.base_url);
    const bool needs_private = provider.allow_private;
    map.read("allow_private", parse_flag, provider.allow_private);
    if (needs_private && !provider.allow_private) {
        reading.warning(*map.find("allow_private"),
                        "is false, but `base_url` names a private or loopback address: this "
                        "provider can never be reached");
    }
}

void read_api_key(Reading& reading, const Setting& setting, Provider& provider) {
    std::optional<std::string> key = read_secret(reading, setting);
    if (!key) {
        return;
    }
    // What a reference gives is judged only where secrets are needed: `check` works without them.
    const bool is_judged = reading.options().needs_secrets || setting.node->text.empty();
    if (key->empty() && provider.kind != ProviderKind::openai_compatible && is_judged) {
        reading.error(setting, "is empty");
    }
    provider.api_key = providers::Secret{std::move(*key)};
}

Parsed<std::string> parse_file_path(std::string_view text) {
    if (text.empty()) {
        return std::unexpected(std::string("must be the path of a file"));
    }
    return parse_text(text);
}

/// `api_key` or `token_file`, of which only a compatible server may need neither.
void read_credential(Reading& reading, const MapReader& map, Provider& provider) {
    if (map.has("api_key") && map.has("token_file")) {
        reading.error(map.setting(), "must have only one of `api_key` and `token_file`");
        return;
    }
    if (!map.has("token_file") && provider.kind != ProviderKind::openai_compatible) {
        map.require("api_key", provider.kind == ProviderKind::azure ? "api_key: ${AZURE_API_KEY}"
                                                                    : "api_key: ${OPENAI_API_KEY}");
    }
    if (const std::optional<Setting> key = map.find("api_key")) {
        read_api_key(reading, *key, provider);
    }
    map.read("token_file", parse_file_path, provider.token_file);
}

Parsed<providers::PriceFactor> parse_price_factor(std::string_view text) {
    constexpr std::int64_t largest = 1'000;
    const auto factor = providers::Money::parse(text);
    if (!factor || factor->nanos() <= 0 || factor->nanos() > largest * 1'000'000'000) {
        return std::unexpected(std::string(
            "must be a decimal above 0 and at most 1000, with at most 9 places, such as 1.1"));
    }
    return providers::PriceFactor{factor->nanos()};
}

Parsed<std::int64_t> parse_max_connections(std::string_view text) {
    return parse_count_between(text, 1, 1'000'000);
}

void read_upstream_settings(Reading& reading, const MapReader& map, Provider& provider) {
    read_base_url(reading, map, provider);
    read_credential(reading, map, provider);
    map.read("organization", parse_header_token, provider.organization);
    map.read("project", parse_header_token, provider.project);
    if (const std::optional<Setting> block = map.find("tls")) {
        const MapReader tls{reading, *block, kTlsNames};
        tls.read("ca", parse_file_path, provider.tls_ca);
        tls.read("verify", parse_flag, provider.tls_verify);
    }
    read_provider_headers(reading, map, provider);
    map.read("max_connections", parse_max_connections, provider.max_connections);
    refuse_names(reading, map, kSimulatorNames, "belongs to `kind: simulator` only");
    if (provider.kind == ProviderKind::azure) {
        provider.wire = providers::WireFormat::azure;
        read_azure_settings(reading, map, provider);
        refuse_names(reading, map, kOpenAiNames, "does not belong to `kind: azure`");
    }
}

std::unique_ptr<ProviderSettings> read_provider(Reading& reading, const NamedSetting& entry) {
    auto settings = std::make_unique<ProviderSettings>();
    Provider& provider = settings->provider;
    provider.name = entry.name;
    const MapReader map{reading, entry.setting, kProviderNames};
    map.read("enabled", parse_flag, provider.enabled);
    if (const std::optional<Setting> models = map.find("models")) {
        provider.models = read_names(reading, *models, parse_model_glob);
    }
    map.read("price_multiplier", parse_price_factor, provider.price_factor);
    const std::optional<ProviderKind> kind = read_kind(reading, map);
    if (!kind) {
        return settings;
    }
    provider.kind = *kind;
    if (provider.kind == ProviderKind::simulator) {
        read_simulator_settings(reading, map, *settings);
        provider.base_url = simulator_base_url(provider.wire);
        refuse_names(reading, map, kUpstreamNames, "does not belong to `kind: simulator`");
    } else {
        read_upstream_settings(reading, map, provider);
    }
    if (provider.kind != ProviderKind::azure) {
        refuse_names(reading, map, kAzureNames, "belongs to `kind: azure` only");
    }
    return settings;
}

}  // namespace

void read_providers_section(Reading& reading, const MapReader& root, Snapshot& snapshot) {
    constexpr std::string_view nothing =
        "the policy has no provider; it needs at least one under `providers`";
    if (!root.has("providers")) {
        reading.error_at(0, 0, nothing);
        return;
    }
    const std::optional<Setting> block = root.find("providers");
    if (!block) {
        return;
    }
    if (block->node->kind == YamlNode::Kind::map && block->node->entries.empty()) {
        reading.error_at(*block->node, nothing);
    }
    for (const NamedSetting& entry : read_named(reading, *block)) {
        snapshot.providers.push_back(read_provider(reading, entry));
    }
}

}  // namespace headgate::policy
