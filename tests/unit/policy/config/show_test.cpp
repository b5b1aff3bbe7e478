#include "tests/unit/policy/config/policy_folder.h"
#include "tests/unit/policy/config/show_policy_file.h"

namespace headgate::policy {
namespace {

std::string minimal_of(std::string_view provider, std::string_view more = {}) {
    return "providers:\n  one: " + std::string(provider) + "\n" + std::string(kProjects) +
           std::string(more);
}

/// Every default that data/defaults.yaml tells, against what the loader means by leaving it out.
TEST(Show, WritesTheDefaultsThatTheLoaderSets) {
    constexpr std::string_view providers[] = {
        "{kind: openai, api_key: \"${OPENAI_API_KEY}\"}",
        "{kind: openai, token_file: /run/token, base_url: http://127.0.0.1:9/v1}",
        "{kind: openai-compatible, base_url: http://127.0.0.1:11434/v1}",
        "{kind: openai-compatible, base_url: https://api.example.com/v1}",
        "{kind: openai-compatible, base_url: \"${URL:-http://localhost:1/v1}\"}",
        "{kind: azure, base_url: https://acme.openai.azure.com/openai, api_key: "
        "\"${AZURE_API_KEY}\", api_version: "
        "v1, "
        "deployments: {gpt-5: prod}}",
        "{kind: simulator}",
        "{kind: simulator, wire: azure, fail: {status: 429}}",
        "{kind: \"${KIND:-simulator}\"}",
    };
    constexpr std::string_view routes[] = {
        "", "routes: {name: all, model: \"*\", targets: {provider: one}}\n"};

    for (const std::string_view provider : providers) {
        for (const std::string_view route : routes) {
            const std::string policy = minimal_of(provider, route);
            const std::string effective = shown(policy);

            EXPECT_EQ(snapshot_text(effective), snapshot_text(policy)) << effective;
            EXPECT_EQ(shown(effective), effective);
        }
    }
}

TEST(Show, WritesTheWholeOfASmallPolicyInTheOrderOfTheReference) {
    const std::string text = shown(with_basics(""));

    EXPECT_EQ(text,
              R"(listen: 127.0.0.1:8080
listen_shared: false
workers: auto
watch: true
drain_delay: 0s
shutdown_grace: 30s

admin:
  listen: 127.0.0.1:8081
  keys: []

state:
  directory: .
  limits: memory
  records: sqlite:headgate.db
  retention: 400d
  durability: committed
  on_redis_failure: local
  replicas: auto
  namespace: default
  shard_by: namespace

protect:
  max_header_bytes: 16KiB
  max_headers: 100
  max_body: 512MiB
  max_json: 32MiB
  header_timeout: 10s
  body_idle_timeout: 30s
  keepalive_timeout: 75s
  max_connections: 65536
  max_connections_per_ip: 8192
  trusted_proxies: []

log:
  level: info
  access: stderr
  bodies: none

include: []

providers:
  openai:
    kind: openai
    base_url: https://api.openai.com/v1
    api_key: <redacted>
    price_multiplier: 1
    headers: {}
    forward_headers: []
    tls:
      verify: true
    max_connections: 65536
    allow_private: false
    enabled: true

# Without `routes` there is one implicit route, `default`: all providers that serve the model, in the
# order of the file; simulators only where the policy has nothing else.

projects:
  search:
    enabled: true
    keys:
      - name: prod
        sha256: 9a75a626f1cecda478cdb245ebc9ed4952e3f3fb5bfe8d250ffc65758a98e72e
    limits: []
    unpriced_models: reject
)");
}

TEST(Show, CompletesLimitsBudgetsAndPrices) {
    const std::string limited = "[{rpm: 60, tpm: 300k}, {model: [o4*, gpt-5], concurrent: 2}]";
    const std::string policy =
        "providers: {openai: {kind: openai, api_key: \"${OPENAI_API_KEY}\"}}\n"
        "alerts: {secret: \"${SIGNING}\", webhook: https://hooks.example.com/x}\n"
        "organization: {budget: {usd: 10000, per: week}}\n"
        "prices: {azure-eu/gpt-5: {input: 1.25}, \"llama*\": {output: 2, input: 0.10}}\n"
        "projects:\n"
        "  search:\n"
        "    keys: {name: k, key: \"${CLIENT_KEY}\", limits: {rpm: 5}}\n"
        "    max_output: 32k\n"
        "    limits: " +
        limited + "\n    budget: {usd: 0.5, per: total, since: 2026-01-01, alert_at: 80%}\n";

    const std::string text = shown(policy);

    for (const std::string_view block : {
             "alerts:\n  webhook: https://hooks.example.com/x\n  secret: ${SIGNING}\n",
             "organization:\n  limits: []\n  budget:\n    usd: 10000\n    per: week\n"
             "    mode: enforce\n    when_tight: refuse\n    alert_at: [50%, 80%, 95%]\n",
             "        limits:\n          - model: \"*\"\n            rpm: 5\n"
             "            mode: enforce\n",
             "    limits:\n      - model: \"*\"\n        rpm: 60\n        tpm: 300k\n"
             "        mode: enforce\n      - model: [o4*, gpt-5]\n        concurrent: 2\n",
             "    max_output: 32k\n    budget:\n      usd: 0.5\n      per: total\n"
             "      since: 2026-01-01\n      mode: enforce\n      when_tight: refuse\n"
             "      alert_at: 80%\n    unpriced_models: reject\n",
             "prices:\n  azure-eu/gpt-5:\n    input: 1.25\n    output: 0\n  llama*:\n"
             "    input: 0.10\n    output: 2\n",
         }) {
        EXPECT_TRUE(text.contains(block)) << block << "in\n" << text;
    }
    EXPECT_EQ(snapshot_text(text), snapshot_text(policy));
    EXPECT_EQ(shown(text), text);
}

TEST(Show, CompletesARouteAndKeepsItsOwnSettings) {
    const std::string text =
        shown(with_basics("routes:\n"
                          "- targets: {provider: openai, weight: 1}\n"
                          "  timeouts: {total: 20m, connect: 1s}\n"
                          "  fallback_on: [429, connect]\n"
                          "  model: gpt-5*\n"
                          "  name: flagship\n"));

    EXPECT_TRUE(text.contains(R"(routes:
  - name: flagship
    model: gpt-5*
    strategy: ordered
    affinity: none
    targets:
      - provider: openai
        weight: 1
    fallback_on: [429, connect]
    retry:
      attempts: 3
      backoff: 200ms
      max_backoff: 5s
    timeouts:
      connect: 1s
      first_byte: 10m
      first_event: 3m
      idle: 5m
      total: 20m
      stream_total: 1h
    breaker:
      failures: 5
      window: 10s
      open_for: 10s
      probe: none
    keepalive: 15s
    on_client_gone: cancel
)")) << text;
    EXPECT_FALSE(text.contains("implicit"));
}

TEST(Show, KeepsTheOrderOfProvidersProjectsAndRoutes) {
    const std::string text = shown(
        "providers: {zeta: {kind: simulator}, alpha: {kind: simulator}, mid: {kind: simulator}}\n"
        "routes:\n"
        "  - {name: second, model: gpt-5, targets: {provider: mid}}\n"
        "  - {name: first, model: \"*\", targets: {provider: zeta}}\n"
        "projects: {web: {}, app: {}}\n");

    const auto place = [&text](std::string_view what) { return text.find(what); };
    EXPECT_LT(place("  zeta:"), place("  alpha:"));
    EXPECT_LT(place("  alpha:"), place("  mid:"));
    EXPECT_LT(place("- name: second"), place("- name: first"));
    EXPECT_LT(place("  web:"), place("  app:"));
}

TEST(Show, TellsWhetherABaseUrlIsPrivateOnlyWhereItIsKnown) {
    const auto provider = [](std::string_view url) {
        return shown("providers: {one: {kind: openai-compatible, base_url: \"" + std::string(url) +
                     "\"}}\n" + std::string(kProjects));
    };

    EXPECT_TRUE(provider("http://10.0.0.1/v1").contains("allow_private: true"));
    EXPECT_TRUE(provider("https://api.example.com/v1").contains("allow_private: false"));
    EXPECT_FALSE(provider("${URL:-http://10.0.0.1/v1}").contains("allow_private"));
}

TEST(Show, KeepsTheTypesThatQuotesMake) {
    const std::string policy = with_basics(
        "log: {access: \"1e3\", level: \"debug\"}\n"
        "workers: \"4\"\n"
        "routes: {name: \"007\", model: [4, \"4.1\"], targets: {provider: openai}}\n");

    const std::string text = shown(policy);
    const std::string json = show_policy_json(*loaded(policy).tree);

    EXPECT_TRUE(text.contains("access: \"1e3\"\n")) << text;
    EXPECT_TRUE(text.contains("level: debug\n"));
    EXPECT_TRUE(text.contains("workers: \"4\"\n"));
    EXPECT_TRUE(text.contains("name: \"007\"\n"));
    EXPECT_TRUE(text.contains("model: [4, \"4.1\"]\n"));
    EXPECT_TRUE(json.contains(R"("workers":"4")")) << json;
    EXPECT_TRUE(json.contains(R"("model":[4,"4.1"])"));
    EXPECT_TRUE(json.contains(R"("watch":true)"));
    EXPECT_TRUE(json.contains(R"("max_headers":100)"));
    EXPECT_TRUE(json.contains(R"("fallback_on":[429,500,502,503,504,529,"connect")"));
}

TEST(Show, HoldsWhatWasIncludedAndIncludesNothing) {
    const PolicyFolder folder;
    folder.write("policy.yaml", std::string(kProviders) + "include: teams/*.yaml\n");
    folder.write("teams/a.yaml", kProjects);
    folder.write("teams/b.yaml", "projects: {web: {}}\nlog: {level: warn}\n");
    const LoadResult result = folder.load();
    ASSERT_TRUE(result.snapshot) << folder.told(result);

    const std::string text = show_policy(*result.tree);

    EXPECT_TRUE(text.contains("include: []\n")) << text;
    EXPECT_FALSE(text.contains("teams"));
    EXPECT_TRUE(text.contains("level: warn\n"));
    EXPECT_LT(text.find("  search:\n"), text.find("  web:\n"));
    const LoadResult again = load_text(text, options_with({}, false));
    ASSERT_TRUE(again.snapshot) << told(again);
    EXPECT_EQ(show_policy(*again.tree), text);
}

TEST(Show, TakesAnyTreeForAPolicy) {
    for (const std::string_view text : {"", "42", "[]", "providers: 1\nroutes: 2\nprojects: 3\n",
                                        "providers: {a: 1, b: ~, c: []}\nroutes: [1, ~, {}]\n",
                                        "admin: ~\nlog: []\nprojects: {p: [1]}\n",
                                        "providers: {a: {kind: [x], base_url: {}}}\n"}) {
        const auto tree = parse_yaml(std::string(text));
        ASSERT_TRUE(tree);

        const std::string once = show_policy(**tree);
        const auto again = parse_yaml(once);

        ASSERT_TRUE(again) << once;
        EXPECT_EQ(show_policy(**again), once);
        EXPECT_EQ(show_policy_json(**again), show_policy_json(**tree));
    }
}

}  // namespace
}  // namespace headgate::policy
