#include "tests/unit/policy/config/policy_file.h"

namespace headgate::policy {
namespace {

using providers::Provider;
using providers::ProviderKind;
using providers::WireFormat;

/// A policy whose line 3 is `line` of the provider "p", after `kind`.
LoadResult load_provider(std::string_view kind,
                         std::string_view line,
                         const LoadOptions& options = options_with({})) {
    return load_text("providers:\n  p: {kind: " + std::string(kind) + ",\n" + std::string(line) +
                         "}\n" + std::string(kProjects),
                     options);
}

constexpr std::string_view kAzure =
    "azure, base_url: https://acme.openai.azure.com, api_version: v1, api_key: x, "
    "deployments: {gpt-5: prod}";
constexpr std::string_view kOpenAi = "openai, api_key: x";

struct Case {
    std::string_view kind;
    std::string line;
    std::string_view problem;  // "LINE:COLUMN: …" as told() has it
};

void expect_problems(const std::vector<Case>& cases) {
    for (const auto& [kind, line, problem] : cases) {
        const LoadResult result = load_provider(kind, line);

        EXPECT_EQ(told(result), std::string(problem) + "\n") << kind << " | " << line;
        EXPECT_EQ(result.snapshot == nullptr, problem.contains(": error: "));
    }
}

TEST(AzureProviders, AreReadWithTheirDeployments) {
    const LoadResult result = load_provider(
        "azure",
        "base_url: https://acme-eu.openai.azure.com/openai/v1/, token_file: /run/azure/token, "
        "api_version: 2025-04-01-preview, price_multiplier: 1.1, "
        "deployments: {gpt-5: gpt5-prod, text-embedding-3-small: embed}");

    ASSERT_NE(result.snapshot, nullptr) << told(result);
    EXPECT_EQ(told(result), "");
    const Provider& provider = result.snapshot->providers.front()->provider;
    EXPECT_EQ(provider.kind, ProviderKind::azure);
    EXPECT_EQ(provider.wire, WireFormat::azure);
    EXPECT_EQ(provider.base_url.host, "acme-eu.openai.azure.com");
    EXPECT_EQ(provider.base_url.base_path, "");
    EXPECT_EQ(provider.token_file, "/run/azure/token");
    EXPECT_EQ(provider.api_version, "2025-04-01-preview");
    EXPECT_EQ(provider.price_factor.billionths, 1'100'000'000);
    ASSERT_EQ(provider.deployments.size(), 2U);
    EXPECT_EQ(provider.deployments[0].model, "gpt-5");
    EXPECT_EQ(provider.deployments[0].name, "gpt5-prod");
    EXPECT_TRUE(serves(provider, "text-embedding-3-small"));
    EXPECT_FALSE(serves(provider, "gpt-4o"));
    EXPECT_EQ(result.sources.token_files, std::vector<std::string>{"/run/azure/token"});
}

TEST(AzureProviders, TakeTheResourceWithOrWithoutTheTailOfItsPath) {
    for (const auto& [tail, path] : std::vector<std::pair<std::string, std::string_view>>{
             {"", ""},
             {"/", ""},
             {"/openai", ""},
             {"/openai/", ""},
             {"/openai/v1", ""},
             {"/proxy/openai/v1/", "/proxy"},
             {"/proxy", "/proxy"},
             {"/myopenai", "/myopenai"},
         }) {
        const LoadResult result =
            load_provider("azure", "base_url: https://acme.openai.azure.com" + tail +
                                       ", api_key: x, api_version: v1, deployments: {a: b}");

        ASSERT_NE(result.snapshot, nullptr) << told(result);
        EXPECT_EQ(result.snapshot->providers.front()->provider.base_url.base_path, path) << tail;
    }
}

TEST(AzureProviders, ServeWhatTheirModelsLeaveOfTheDeployments) {
    const LoadResult result =
        load_provider("azure",
                      "base_url: https://acme.openai.azure.com, api_key: x, api_version: v1, "
                      "models: [gpt-*, o9*], deployments: {gpt-5: a, embed: b}");

    ASSERT_NE(result.snapshot, nullptr) << told(result);
    EXPECT_EQ(told(result),
              "3:87: warning: \"providers.p.models[1]\" matches no model of `deployments`\n");
    const Provider& provider = result.snapshot->providers.front()->provider;
    EXPECT_TRUE(serves(provider, "gpt-5"));
    EXPECT_FALSE(serves(provider, "gpt-4"));
    EXPECT_FALSE(serves(provider, "embed"));
}

TEST(AzureProviders, TellWhatTheyNeed) {
    constexpr std::string_view rest =
        "azure, base_url: https://acme.openai.azure.com, api_version: v1, api_key: x";
    constexpr std::string_view no_version =
        "azure, base_url: https://acme.openai.azure.com, api_key: x, deployments: {a: b}";
    expect_problems({
        {"azure, api_version: v1, api_key: x", "deployments: {a: b}",
         "2:6: error: \"providers.p.base_url\" is missing; write for example `base_url: "
         "https://acme.openai.azure.com`"},
        {"azure, base_url: https://a.b, api_version: v1", "deployments: {a: b}",
         "2:6: error: \"providers.p.api_key\" is missing; write for example `api_key: "
         "${AZURE_API_KEY}`"},
        {kAzure, "token_file: /t",
         "2:6: error: \"providers.p\" must have only one of `api_key` and `token_file`"},
        {no_version, "enabled: true",
         "2:6: error: \"providers.p.api_version\" is missing; write for example `api_version: "
         "2024-10-21`"},
        {no_version, "api_version: 2024-13-01",
         "3:14: error: \"providers.p.api_version\" must be v1 or a version such as 2024-10-21 or "
         "2025-04-01-preview"},
        {no_version, "api_version: latest",
         "3:14: error: \"providers.p.api_version\" must be v1 or a version such as 2024-10-21 or "
         "2025-04-01-preview"},
        {rest, "enabled: true",
         "2:6: error: \"providers.p.deployments\" is missing; write for example `deployments: "
         "{gpt-5: my-deployment}`"},
        {rest, "deployments: {}",
         "3:14: error: \"providers.p.deployments\" must be a map of at least one model to its "
         "deployment"},
        {rest, "deployments: [gpt-5]",
         "3:14: error: \"providers.p.deployments\" must be a map of at least one model to its "
         "deployment"},
        {rest, "deployments: {gpt-5*: a}",
         "3:15: error: \"providers.p.deployments\" has a key that is not the name of one model, "
         "without a pattern"},
        {rest, "deployments: {gpt-5: a/b}",
         "3:22: error: \"providers.p.deployments.gpt-5\" must be the name of a deployment: 1 to 64 "
         "letters, digits, `_`, `.` and `-`"},
        {rest, "deployments: {gpt-5: ..}",
         "3:22: error: \"providers.p.deployments.gpt-5\" must be the name of a deployment: 1 to 64 "
         "letters, digits, `_`, `.` and `-`"},
        {rest, "deployments: {gpt-5: a, gpt-5: b}",
         "3:25: error: \"providers.p.deployments\" has a model that stands twice; the first is in "
         "line 3"},
        {rest, "deployments: {gpt-5: }",
         "3:15: error: \"providers.p.deployments.gpt-5\" has no "
         "value"},
        {kAzure, "organization: org",
         "3:15: error: \"providers.p.organization\" does not belong to `kind: azure`"},
        {"azure, api_version: v1, api_key: x, deployments: {a: b}",
         "base_url: https://a.b/openai/deployments/x",
         "3:11: error: \"providers.p.base_url\" must be the root of the Azure resource, such as "
         "https://acme.openai.azure.com; `deployments` names what lies below"},
        {kOpenAi, "api_version: v1",
         "3:14: error: \"providers.p.api_version\" belongs to `kind: azure` only"},
        {"simulator", "deployments: {a: b}",
         "3:14: error: \"providers.p.deployments\" belongs to `kind: azure` only"},
    });
}

TEST(ProviderSettings, MayHoldTheKeyInAFileOfItsOwn) {
    const LoadResult result = load_provider("openai", "token_file: /run/token");

    ASSERT_NE(result.snapshot, nullptr) << told(result);
    EXPECT_EQ(result.snapshot->providers.front()->provider.token_file, "/run/token");
    expect_problems({
        {kOpenAi, "token_file: /t",
         "2:6: error: \"providers.p\" must have only one of `api_key` and `token_file`"},
        {"openai", "token_file: ''",
         "3:13: error: \"providers.p.token_file\" must be the path of a file"},
        {"simulator", "token_file: /t",
         "3:13: error: \"providers.p.token_file\" does not belong to `kind: simulator`"},
    });
}

TEST(ProviderSettings, AddAndForwardHeaders) {
    const LoadResult result = load_provider(
        kOpenAi,
        "headers: {X-Team: platform eu, x-api-key: \"${KEY}\"}, max_connections: 256, "
        "forward_headers: [openai-organization, openai-beta]",
        options_with({{"KEY", "the-secret"}}));

    ASSERT_NE(result.snapshot, nullptr) << told(result);
    const Provider& provider = result.snapshot->providers.front()->provider;
    EXPECT_EQ(provider.headers, (std::vector<std::pair<std::string, std::string>>{
                                    {"x-team", "platform eu"}, {"x-api-key", "the-secret"}}));
    EXPECT_TRUE(provider.forward_headers.organization);
    EXPECT_FALSE(provider.forward_headers.project);
    EXPECT_TRUE(provider.forward_headers.beta);
    EXPECT_EQ(provider.max_connections, 256U);
}

TEST(ProviderSettings, RefuseHeadersThatAreNotTheirsToSet) {
    for (const std::string name :
         {"Host", "content-type", "content-length", "transfer-encoding", "connection", "te",
          "upgrade", "accept", "accept-encoding", "user-agent", "cookie", "expect", "keep-alive",
          "proxy-connection", "idempotency-key", "traceparent", "trailer"}) {
        const LoadResult result = load_provider(kOpenAi, "headers: {" + name + ": x}");

        EXPECT_TRUE(told(result).starts_with("3:11: error: \"providers.p.headers." + name +
                                             "\" is a field that Headgate sets itself"))
            << told(result);
    }
    std::string many = "headers: {";
    for (int i = 0; i < 33; ++i) {
        many += "x-" + std::to_string(i) + ": v,";
    }
    expect_problems({
        {kOpenAi, "headers: {Authorization: x}",
         "3:11: error: \"providers.p.headers.Authorization\" is a field that Headgate sets itself "
         "(use `api_key` for it)"},
        {kOpenAi, "headers: {openai-organization: x}",
         "3:11: error: \"providers.p.headers.openai-organization\" is a field that Headgate sets "
         "itself (use `organization` for it)"},
        {kOpenAi, "headers: {x-a: \"b\\r\\nx: y\"}",
         "3:16: error: \"providers.p.headers.x-a\" must be visible ASCII with blanks inside only, "
         "at most 4096 bytes long"},
        {kOpenAi, "headers: {x-a: ' b'}",
         "3:16: error: \"providers.p.headers.x-a\" must be visible ASCII with blanks inside only, "
         "at most 4096 bytes long"},
        {kOpenAi, many + "}", "3:10: error: \"providers.p.headers\" must hold at most 32 fields"},
        {kOpenAi, "headers: {x-a: b, X-A: c}",
         "3:19: error: \"providers.p.headers.X-A\" stands twice; the first is in line 3"},
        {kOpenAi, "forward_headers: [openai-betta]",
         "3:19: error: \"providers.p.forward_headers[0]\" must be one of openai-organization, "
         "openai-project, openai-beta (did you mean `openai-beta`?)"},
        {kOpenAi, "forward_headers: [openai-beta, openai-beta]",
         "3:32: error: \"providers.p.forward_headers[1]\" is listed twice"},
        {kOpenAi, "headers: {openai-beta: x}, forward_headers: openai-beta",
         "3:45: error: \"providers.p.forward_headers\" is also in `headers`; it can be sent only "
         "once"},
        {"simulator", "headers: {x-a: b}",
         "3:10: error: \"providers.p.headers\" does not belong to `kind: simulator`"},
    });
}

TEST(ProviderSettings, NeverShowWhatASecretHeaderHolds) {
    const std::string secret = "s3cret-0123456789abcdef";
    for (const std::string& line : std::vector<std::string>{
             "headers: {x-api-key: \"" + secret + "\\n\"}",
             "headers: {x-api-key: [" + secret + "]}",
             "headers: {x-api-key: " + secret + ", x-api-key: " + secret + "}",
             "headers: {x-auth-token: \"" + secret + "\\r\"}, tokens: 5",
         }) {
        const LoadResult result = load_provider(kOpenAi, line);

        ASSERT_FALSE(result.problems.empty()) << line;
        for (const Problem& problem : result.problems) {
            EXPECT_FALSE((problem.to_string() + problem.source).contains("s3cret")) << line;
        }
    }
    EXPECT_EQ(told(load_provider(kOpenAi, "headers: {x-api-key: <redacted>}")),
              "3:22: error: \"providers.p.headers.x-api-key\" is redacted; put the secret or a "
              "reference to it here\n");
    EXPECT_EQ(
        told(load_provider(kOpenAi, "headers: {x-api-key: <redacted>}", options_with({}, false))),
        "");
}

TEST(ProviderSettings, TakeExactMultipliersAndBoundedPools) {
    for (const auto& [text, billionths] : std::vector<std::pair<std::string, std::int64_t>>{
             {"1", 1'000'000'000},
             {"1.1", 1'100'000'000},
             {"0.000000001", 1},
             {"1000", 1'000'000'000'000},
         }) {
        const LoadResult result = load_provider("simulator", "price_multiplier: " + text);

        ASSERT_NE(result.snapshot, nullptr) << told(result);
        EXPECT_EQ(result.snapshot->providers.front()->provider.price_factor.billionths, billionths);
    }
    for (const std::string text : {"0", "-1", "1000.1", "1e2", "1.0000000001", ".5", "110%"}) {
        EXPECT_EQ(told(load_provider(kOpenAi, "price_multiplier: " + text)),
                  "3:19: error: \"providers.p.price_multiplier\" must be a decimal above 0 and at "
                  "most 1000, with at most 9 places, such as 1.1\n");
    }
    for (const std::string text : {"0", "1000001"}) {
        EXPECT_EQ(told(load_provider(kOpenAi, "max_connections: " + text)),
                  "3:18: error: \"providers.p.max_connections\" must be a whole number from 1 to "
                  "1000000\n");
    }
}

TEST(ProviderSettings, LetASimulatorSpeakAzure) {
    const LoadResult result = load_provider("simulator", "wire: azure");

    ASSERT_NE(result.snapshot, nullptr) << told(result);
    const Provider& provider = result.snapshot->providers.front()->provider;
    EXPECT_EQ(provider.kind, ProviderKind::simulator);
    EXPECT_EQ(provider.wire, WireFormat::azure);
    EXPECT_EQ(provider.api_version, "2024-10-21");
    EXPECT_TRUE(serves(provider, "gpt-4o"));
    EXPECT_FALSE(serves(provider, "claude-sonnet-4-5"));
}

}  // namespace
}  // namespace headgate::policy
