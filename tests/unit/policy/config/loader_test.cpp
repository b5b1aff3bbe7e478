#include "policy/config/loader.h"

#include "tests/unit/policy/config/policy_file.h"

namespace headgate::policy {
namespace {

using namespace std::chrono_literals;
using providers::ProviderKind;

constexpr std::string_view kEverySupportedSetting = R"(
listen: [127.0.0.1:8080, "[::1]:8080", unix:/run/headgate.sock]
workers: 4
watch: false
drain_delay: 5s
shutdown_grace: 1m
admin:
  listen: none
protect:
  max_header_bytes: 32KiB
  max_headers: 50
  max_body: 1GiB
  max_json: 8MiB
  header_timeout: 5s
  body_idle_timeout: 15s
  keepalive_timeout: 20s
  max_connections: 2k
  max_connections_per_ip: 100
  trusted_proxies: [10.0.0.0/8, "fd00::/8"]
log: {level: debug, access: /var/log/headgate/access.log, bodies: none}
providers:
  openai:
    kind: openai
    api_key: ${OPENAI_API_KEY}
    organization: org-example
    project: proj_example
  local:
    kind: openai-compatible
    base_url: http://127.0.0.1:11434/v1/
    models: llama3*
    tls: {ca: /etc/headgate/ca.crt, verify: false}
    enabled: false
  rehearsal:
    kind: simulator
    wire: openai
    first_byte: 50ms
    token_delay: 10ms
    tokens: 20
    fail: [{status: 429, rate: 0.1, retry_after: 2s}, {delay: 5s, rate: 0.01}, {cut_after: 3}]
projects:
  search:
    keys:
      - {name: prod, sha256: 9a75a626f1cecda478cdb245ebc9ed4952e3f3fb5bfe8d250ffc65758a98e72e}
      - {name: laptop, key: "${SEARCH_DEV_KEY}", expires: 2027-01-01}
    models: [gpt-5*, text-embedding-3-*]
    endpoints: [chat, embeddings]
  closed:
    enabled: false
    keys: {name: old, sha256: 72b6412d50d8cf9cf8cbc4f94343f598aeec60349170a2f07de214cd7ca2eeea}
)";

const Environment kSecrets = {{"OPENAI_API_KEY", "upstream-key"},
                              {"SEARCH_DEV_KEY", "hg-0123456789012345678901234567890123456789"}};

TEST(LoadPolicy, ReadsTheListenerAndItsLimits) {
    const LoadResult result = load_text(kEverySupportedSetting, options_with(kSecrets));

    ASSERT_EQ(told(result), "");
    const Snapshot& policy = *result.snapshot;
    ASSERT_EQ(policy.listen.size(), 3U);
    EXPECT_EQ(policy.listen[1].to_string(), "[::1]:8080");
    EXPECT_FALSE(policy.watch);
    EXPECT_EQ(policy.workers, 4U);
    EXPECT_EQ(policy.drain_delay, 5s);
    EXPECT_EQ(policy.shutdown_grace, 1min);
    EXPECT_FALSE(policy.admin_listen.has_value());
    EXPECT_EQ(policy.protect.max_header_bytes, 32U * 1024);
    EXPECT_EQ(policy.protect.max_headers, 50U);
    EXPECT_EQ(policy.protect.max_body, std::size_t{1} << 30);
    EXPECT_EQ(policy.protect.max_json, std::size_t{8} << 20);
    EXPECT_EQ(policy.protect.header_timeout, 5s);
    EXPECT_EQ(policy.protect.body_idle_timeout, 15s);
    EXPECT_EQ(policy.protect.keepalive_timeout, 20s);
    EXPECT_EQ(policy.protect.max_connections, 2000U);
    EXPECT_EQ(policy.protect.max_connections_per_ip, 100U);
    EXPECT_EQ(policy.protect.trusted_proxies, (std::vector<std::string>{"10.0.0.0/8", "fd00::/8"}));
    EXPECT_EQ(policy.log.level, LogLevel::debug);
    EXPECT_EQ(policy.log.access, "/var/log/headgate/access.log");
}

TEST(LoadPolicy, ReadsProvidersInTheOrderOfTheFile) {
    const LoadResult result = load_text(kEverySupportedSetting, options_with(kSecrets));

    ASSERT_EQ(told(result), "");
    ASSERT_EQ(result.snapshot->providers.size(), 3U);
    const providers::Provider& openai = result.snapshot->providers[0]->provider;
    EXPECT_EQ(openai.name, "openai");
    EXPECT_EQ(openai.kind, ProviderKind::openai);
    EXPECT_EQ(openai.base_url.host, "api.openai.com");
    EXPECT_EQ(openai.base_url.base_path, "/v1");
    EXPECT_EQ(openai.api_key.reveal(), "upstream-key");
    EXPECT_EQ(openai.organization, "org-example");
    EXPECT_EQ(openai.project, "proj_example");
    EXPECT_FALSE(openai.allow_private);
    const providers::Provider& local = result.snapshot->providers[1]->provider;
    EXPECT_EQ(local.kind, ProviderKind::openai_compatible);
    EXPECT_EQ(local.base_url.port, 11434);
    EXPECT_EQ(local.base_url.base_path, "/v1");
    EXPECT_EQ(local.models, std::vector<std::string>{"llama3*"});
    EXPECT_EQ(local.tls_ca, "/etc/headgate/ca.crt");
    EXPECT_FALSE(local.tls_verify);
    EXPECT_FALSE(local.enabled);
    EXPECT_TRUE(local.allow_private);
}

TEST(LoadPolicy, ReadsHowASimulatorBehaves) {
    const LoadResult result = load_text(kEverySupportedSetting, options_with(kSecrets));

    ASSERT_EQ(told(result), "");
    const ProviderSettings& simulator = *result.snapshot->providers[2];
    EXPECT_EQ(simulator.provider.kind, ProviderKind::simulator);
    EXPECT_EQ(simulator.behaviour.first_byte, 50ms);
    EXPECT_EQ(simulator.behaviour.token_delay, 10ms);
    EXPECT_EQ(simulator.behaviour.tokens, 20);
    const std::vector<providers::Fault>& fail = simulator.behaviour.fail;
    ASSERT_EQ(fail.size(), 3U);
    EXPECT_EQ(fail[0].status, 429);
    EXPECT_EQ(fail[0].rate, 0.1);
    EXPECT_EQ(fail[0].retry_after, 2s);
    EXPECT_EQ(fail[1].delay, 5s);
    EXPECT_EQ(fail[1].rate, 0.01);
    EXPECT_EQ(fail[2].cut_after, 3);
    EXPECT_EQ(fail[2].rate, 1.0);
}

TEST(LoadPolicy, ReadsProjectsAndTheirKeys) {
    KeyHasher hasher;

    const LoadResult result = load_text(kEverySupportedSetting, options_with(kSecrets));

    ASSERT_EQ(told(result), "");
    const Snapshot& policy = *result.snapshot;
    ASSERT_EQ(policy.projects.size(), 2U);
    EXPECT_EQ(policy.projects[0]->id, "search");
    EXPECT_EQ(policy.projects[0]->endpoints, (std::vector<std::string>{"chat", "embeddings"}));
    EXPECT_FALSE(policy.projects[1]->enabled);
    EXPECT_EQ(policy.keys.size(), 3U);
    const Key* laptop = policy.keys.find(hasher.digest(kSecrets.at("SEARCH_DEV_KEY")));
    ASSERT_NE(laptop, nullptr);
    EXPECT_EQ(laptop->name, "laptop");
    EXPECT_EQ(laptop->project, policy.projects[0].get());
    EXPECT_EQ(laptop->expires, providers::WallTime{std::chrono::seconds{1'798'761'600}});
}

TEST(LoadPolicy, HasTheDocumentedDefaults) {
    const LoadResult result = load_text(with_basics(""));

    ASSERT_EQ(told(result), "");
    const Snapshot& policy = *result.snapshot;
    ASSERT_EQ(policy.listen.size(), 1U);
    EXPECT_EQ(policy.listen[0].to_string(), "127.0.0.1:8080");
    EXPECT_EQ(policy.admin_listen->to_string(), "127.0.0.1:8081");
    EXPECT_EQ(policy.workers, 0U);
    EXPECT_TRUE(policy.watch);
    EXPECT_EQ(policy.drain_delay, 0s);
    EXPECT_EQ(policy.shutdown_grace, 30s);
    EXPECT_EQ(policy.protect.max_body, std::size_t{512} << 20);
    EXPECT_EQ(policy.log.access, "stderr");
    EXPECT_TRUE(policy.providers[0]->provider.tls_verify);
    EXPECT_TRUE(policy.projects[0]->models.empty());
}

TEST(LoadPolicy, TypesAQuotedScalarLikeAPlainOneAndAfterExpansion) {
    const LoadResult result = load_text(
        with_basics(
            "workers: \"2\"\ndrain_delay: '${DELAY}'\nprotect: {max_json: \"${MIB}MiB\"}\n"),
        options_with({{"DELAY", "7s"}, {"MIB", "3"}}));

    ASSERT_EQ(told(result), "");
    EXPECT_EQ(result.snapshot->workers, 2U);
    EXPECT_EQ(result.snapshot->drain_delay, 7s);
    EXPECT_EQ(result.snapshot->protect.max_json, std::size_t{3} << 20);
}

TEST(LoadPolicy, NeverExpandsKeys) {
    const LoadResult result =
        load_text("providers: {\"${NAME}\": {kind: simulator}}\n" + std::string(kProjects),
                  options_with({{"NAME", "openai"}}));

    EXPECT_NE(told(result).find("\"providers.${NAME}\" is not a name that may be used here"),
              std::string::npos);
}

TEST(LoadPolicy, WorksWithoutSecretsWhereNobodyNeedsThem) {
    KeyHasher hasher;

    const LoadResult lenient = load_text(kEverySupportedSetting, options_with({}, false));
    const LoadResult strict = load_text(kEverySupportedSetting, options_with({}));

    ASSERT_EQ(told(lenient), "");
    EXPECT_TRUE(lenient.snapshot->providers[0]->provider.api_key.empty());
    EXPECT_EQ(lenient.snapshot->keys.size(), 2U);  // the unknown key is none that can be guessed
    for (const std::string_view guess : {"", "${SEARCH_DEV_KEY}", "SEARCH_DEV_KEY"}) {
        EXPECT_EQ(lenient.snapshot->keys.find(hasher.digest(guess)), nullptr) << guess;
    }
    EXPECT_EQ(strict.snapshot, nullptr);
    EXPECT_EQ(told(strict),
              "24:14: error: \"providers.openai.api_key\" refers to the environment variable "
              "OPENAI_API_KEY, which is not set\n"
              "44:29: error: \"projects.search.keys[1].key\" refers to the environment variable "
              "SEARCH_DEV_KEY, which is not set\n");
}

TEST(LoadPolicy, TakesWhatAnAliasRepeats) {
    const LoadResult result = load_text(
        "providers:\n"
        "  a: &base {kind: simulator, tokens: 7}\n"
        "  b: *base\n" +
        std::string(kProjects));

    ASSERT_EQ(told(result), "");
    EXPECT_EQ(result.snapshot->providers[1]->provider.name, "b");
    EXPECT_EQ(result.snapshot->providers[1]->behaviour.tokens, 7);
}

TEST(LoadPolicy, SaysWhyAFileCannotBeRead) {
    const LoadResult missing = load_policy("/nonexistent/policy.yaml", options_with({}));
    const LoadResult directory = load_policy("/", options_with({}));

    ASSERT_EQ(missing.problems.size(), 1U);
    EXPECT_EQ(missing.problems[0].to_string(),
              "/nonexistent/policy.yaml:0:0: error: the file does not exist");
    EXPECT_EQ(directory.problems[0].to_string(), "/:0:0: error: the file is not a regular file");
}

}  // namespace
}  // namespace headgate::policy
