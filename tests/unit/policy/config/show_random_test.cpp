#include "tests/unit/policy/config/show_policy_file.h"

#include <random>

namespace headgate::policy {
namespace {

/// `name: one of values`.
struct Choice {
    std::string_view name;
    std::vector<std::string_view> values;
};

/// A valid policy in which any setting may be there or not, in any order and style.
class RandomPolicy {
public:
    explicit RandomPolicy(unsigned seed) : random_{seed} {}

    std::string text() {
        std::vector<std::string> blocks = some(kRoot, ": ");
        blocks.push_back("providers: " + providers());
        blocks.push_back("projects: " + projects());
        add_block(blocks, "admin", kAdmin);
        add_block(blocks, "protect", kProtect);
        add_block(blocks, "log", kLog);
        add_block(blocks, "state", kState);
        for (const std::string& block : some(kMoney, ": ")) {
            blocks.push_back(block);
        }
        if (chance()) {
            blocks.push_back("routes: " + routes());
        }
        std::ranges::shuffle(blocks, random_);
        std::string all;
        for (const std::string& block : blocks) {
            all += block + "\n";
        }
        return all;
    }

private:
    static const std::vector<Choice> kRoot, kAdmin, kProtect, kLog, kProvider, kUpstream, kOpenAi,
        kSimulator, kProject, kRoute, kRetry, kTimeouts, kBreaker, kWhen, kState, kMoney;

    std::size_t below(std::size_t bound) { return random_() % bound; }
    bool chance() { return below(2) == 0; }

    /// Some of the settings, each with one of its values.
    std::vector<std::string> some(const std::vector<Choice>& choices, std::string_view colon) {
        std::vector<std::string> settings;
        for (const Choice& choice : choices) {
            if (chance()) {
                settings.push_back(std::string(choice.name) + std::string(colon) +
                                   std::string(choice.values[below(choice.values.size())]));
            }
        }
        return settings;
    }

    std::string block(std::vector<std::string> settings) {
        std::ranges::shuffle(settings, random_);
        std::string text;
        for (const std::string& setting : settings) {
            text += (text.empty() ? "" : ", ") + setting;
        }
        return "{" + text + "}";
    }

    void add_block(std::vector<std::string>& blocks,
                   std::string_view name,
                   const std::vector<Choice>& choices) {
        if (chance()) {
            blocks.push_back(std::string(name) + ": " + block(some(choices, ": ")));
        }
    }

    std::string provider(std::size_t kind) {
        std::vector<std::string> settings = some(kProvider, ": ");
        const auto add = [&settings](std::vector<std::string> more) {
            settings.insert(settings.end(), more.begin(), more.end());
        };
        if (kind == 3) {
            add(some(kSimulator, ": "));
            add({"kind: simulator"});
            return block(settings);
        }
        add(some(kUpstream, ": "));
        add({chance() ? "api_key: \"${OPENAI_API_KEY}\"" : "token_file: /run/token"});
        if (kind == 2) {
            add({"kind: azure", "base_url: https://acme.openai.azure.com",
                 "api_version: 2024-10-21", "deployments: {gpt-5: prod, o4-mini: \"4\"}"});
            return block(settings);
        }
        add(some(kOpenAi, ": "));
        add(kind == 0 ? std::vector<std::string>{"kind: openai"}
                      : std::vector<std::string>{"kind: openai-compatible",
                                                 "base_url: \"http://127.0.0.1:11434/v1/\""});
        return block(settings);
    }

    std::string providers() {
        // Two that any route may name, whatever they serve.
        std::vector<std::string> all = {"any: {kind: openai, api_key: \"${OPENAI_API_KEY}\"}",
                                        "4: {kind: openai, token_file: \"/run/t\"}"};
        for (const std::string_view name : {"one", "2", "api-key", "no"}) {
            all.push_back(std::string(name) + ": " + provider(below(4)));
        }
        return block(all);
    }

    std::string projects() {
        std::vector<std::string> key = {"name: \"1\"", "key: \"${CLIENT_KEY}\""};
        if (chance()) {
            key.emplace_back(chance() ? "expires: 2027-01-01" : "expires: \"2030-12-31\"");
        }
        if (chance()) {
            key.emplace_back(chance() ? "limits: {rpm: 60}" : "limits: [{mode: shadow, tpd: 2M}]");
        }
        std::vector<std::string> settings = some(kProject, ": ");
        settings.push_back("keys: " + (chance() ? block(key) : "[" + block(key) + "]"));
        return "{search: " + block(settings) + ", other: " + block(some(kProject, ": ")) + "}";
    }

    std::string route(std::string_view name) {
        constexpr std::string_view targets[] = {
            "{provider: any}", "[{provider: any, weight: 2}, {model: gpt-5, provider: \"4\"}]",
            "[{provider: any, model: gpt-5}, {provider: any, model: \"4\", weight: 1}]"};
        std::vector<std::string> settings = some(kRoute, ": ");
        settings.push_back("name: " + std::string(name));
        settings.emplace_back(chance() ? "model: gpt-*" : "model: [gpt-5, \"*\"]");
        settings.push_back("targets: " + std::string(targets[below(std::size(targets))]));
        add_block(settings, "retry", kRetry);
        add_block(settings, "timeouts", kTimeouts);
        add_block(settings, "breaker", kBreaker);
        add_block(settings, "when", kWhen);
        return block(settings);
    }

    std::string routes() {
        return chance() ? route("only") : "[" + route("zeta") + ", " + route("\"1.5\"") + "]";
    }

    std::mt19937 random_;
};

const std::vector<Choice> RandomPolicy::kRoot = {
    {"listen", {"127.0.0.1:1", "[\"[::1]:2\", unix:/run/x]", "[127.0.0.1:3]"}},
    {"workers", {"auto", "3", "\"3\"", "0x10"}},
    {"watch", {"true", "False", "\"false\""}},
    {"drain_delay", {"0s", "5s"}},
    {"shutdown_grace", {"30s", "1m"}},
    {"include", {"[]"}}};
const std::vector<Choice> RandomPolicy::kAdmin = {
    {"listen", {"none", "127.0.0.1:0"}},
    {"keys", {"[]", "{name: ops, key: \"${ADMIN_KEY}\"}", "[{key: \"${ADMIN_KEY}\", name: 7}]"}}};
const std::vector<Choice> RandomPolicy::kProtect = {
    {"max_header_bytes", {"8KiB", "\"2048\"", "4096"}},
    {"max_headers", {"50", "+7"}},
    {"max_body", {"1GiB"}},
    {"max_json", {"1MB"}},
    {"header_timeout", {"1s"}},
    {"max_connections_per_ip", {"10k"}},
    {"trusted_proxies", {"[]", "10.0.0.0/8", "[\"2001:db8::/32\", 192.168.0.0/16]"}}};
const std::vector<Choice> RandomPolicy::kLog = {
    {"level", {"debug", "\"${LEVEL:-warn}\""}},
    {"access", {"none", "\"/var/log/a: b #c\"", "'null'", "\"1\""}},
    {"bodies", {"none"}}};
const std::vector<Choice> RandomPolicy::kProvider = {
    {"enabled", {"true", "TRUE", "false"}}, {"price_multiplier", {"1.1", "\"2\"", "0.000000001"}}};
const std::vector<Choice> RandomPolicy::kUpstream = {
    {"headers", {"{}", "{X-Team: a b, x-n: 1, x-flag: \"yes\"}", "{x-k-token: \"${TEAM_TOKEN}\"}"}},
    {"forward_headers", {"[]", "openai-beta", "[openai-project, openai-organization]"}},
    {"tls", {"{}", "{verify: false}", "{ca: /etc/ca.crt}"}},
    {"max_connections", {"256", "1k"}},
    {"allow_private", {"true"}}};
const std::vector<Choice> RandomPolicy::kOpenAi = {
    {"organization", {"org-1", "\"12\"", "12"}},
    {"project", {"\"${PROJECT:-proj}\"", "\"${PROJECT:-a:b}\""}},
    {"models", {"llama3*", "[gpt-5, \"?\"]", "[4]"}}};
const std::vector<Choice> RandomPolicy::kSimulator = {
    {"wire", {"openai", "azure"}},
    {"first_byte", {"0ms"}},
    {"tokens", {"7", "2k"}},
    {"fail",
     {"[]", "{status: 429, rate: 0.1}", "[{cut_after: 3}, {status: 500, retry_after: 2s}]",
      "[{delay: 5s, rate: 1.}]"}}};
const std::vector<Choice> RandomPolicy::kProject = {
    {"enabled", {"false"}},
    {"models", {"\"*\"", "[gpt-5*, \"4\"]"}},
    {"endpoints", {"chat", "[embeddings, images]"}},
    {"limits",
     {"[]", "{tpm: 300k}", "[{model: gpt-5*, rpm: \"600\", concurrent: 64}, {ipm: 0x10}]"}},
    {"max_output", {"32k", "\"1\""}},
    {"budget",
     {"{usd: 250}", "{usd: \"0.5\", per: total, since: 2026-01-01}",
      "{mode: shadow, usd: 1.000000001, per: day, alert_at: [], when_tight: cap}",
      "{usd: 10, alert_at: [150%, 80%]}"}},
    {"unpriced_models", {"free", "reject"}}};
const std::vector<Choice> RandomPolicy::kState = {
    {"directory", {"/var/lib/headgate", "\".\""}},
    {"limits",
     {"memory", "\"redis://:${STORE_PASSWORD}@host:6380/2\"",
      "\"rediss://u:${STORE_PASSWORD}@[::1]\"", "redis+unix:///run/redis.sock?db=1"}},
    {"records",
     {"sqlite:rows.db", "\"postgresql://u:${STORE_PASSWORD}@host/db?sslmode=require\"",
      "postgres://host"}},
    {"retention", {"1d", "\"90d\""}},
    {"durability", {"durable"}},
    {"on_redis_failure", {"open", "\"closed\""}},
    {"replicas", {"auto", "3"}},
    {"namespace", {"blue", "\"1\""}}};
const std::vector<Choice> RandomPolicy::kMoney = {
    {"alerts",
     {"{webhook: https://hooks.example.com/a?b=c}",
      "{secret: \"${SIGNING}\", webhook: \"http://10.0.0.1:9/\"}"}},
    {"organization", {"{}", "{limits: {rpm: 10000}}", "{budget: {usd: 10000, per: week}}"}},
    {"prices",
     {"{}", "{my-llama: {input: 0.10, output: 0.20}}",
      "{\"a*/gpt-5\": {per_image: 0.04, input: \"1\", reasoning: 2}, api-key: {input: 0}}"}}};
const std::vector<Choice> RandomPolicy::kRoute = {
    {"strategy", {"ordered", "weighted", "\"cheapest\""}},
    {"affinity", {"none", "prefix"}},
    {"fallback_on", {"[]", "429", "[\"500\", cut, invalid]"}},
    {"keepalive", {"0s", "1m"}},
    {"on_client_gone", {"cancel", "finish"}}};
const std::vector<Choice> RandomPolicy::kRetry = {
    {"attempts", {"1", "\"20\""}}, {"backoff", {"1s"}}, {"max_backoff", {"1m"}}};
const std::vector<Choice> RandomPolicy::kTimeouts = {
    {"connect", {"1s"}}, {"first_byte", {"1m"}}, {"idle", {"30s"}}, {"stream_total", {"1d"}}};
const std::vector<Choice> RandomPolicy::kBreaker = {
    {"failures", {"1", "100"}}, {"open_for", {"1m"}}, {"probe", {"none", "models"}}};
const std::vector<Choice> RandomPolicy::kWhen = {
    {"project", {"search", "[search, other]"}},
    {"endpoint", {"chat", "[chat, responses]"}},
    {"stream", {"true", "\"False\""}},
    {"header", {"{x-tier: bulk}", "{X-A: \"*\", x-b: 1}"}},
    {"budget_used", {"\">= 80%\""}},
    {"input_tokens", {"\"<= 32k\""}}};

TEST(ShowRandom, LoadsAgainToTheSamePolicyAndShowsItselfByteForByte) {
    for (unsigned seed = 0; seed < 100; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        const std::string policy = RandomPolicy{seed}.text();
        const LoadResult first = load_text(policy, options_with(kSecrets));
        ASSERT_TRUE(first.snapshot) << told(first) << policy;

        const std::string text = show_policy(*first.tree);
        const LoadResult second = load_text(text, options_with(kSecrets));

        ASSERT_TRUE(second.snapshot) << told(second) << policy << text;
        ASSERT_EQ(SnapshotText::of(*second.snapshot), SnapshotText::of(*first.snapshot))
            << policy << text;
        ASSERT_EQ(show_policy(*second.tree), text) << policy;
        ASSERT_EQ(show_policy_json(*second.tree), show_policy_json(*first.tree)) << policy;
    }
}

}  // namespace
}  // namespace headgate::policy
