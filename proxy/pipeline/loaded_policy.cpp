#include "proxy/pipeline/loaded_policy.h"

#include "policy/config/file_text.h"
#include "policy/config/scalars.h"
#include "providers/registry/registry.h"
#include "proxy/net/head_writer.h"

#include <sys/stat.h>

#include <array>

namespace headgate::proxy {
namespace {

constexpr std::size_t kHeadLines = std::size_t{16} << 10;
constexpr std::size_t kMaxToken = std::size_t{16} << 10;
constexpr std::string_view kUserAgent = "headgate/" HEADGATE_VERSION;

std::unexpected<std::string> wrong(const providers::Provider& provider, const std::string& what) {
    return std::unexpected{"providers." + provider.name + what};
}

/// The key of the policy, or what stands in the token file now.
std::expected<std::string, std::string> credential_of(const providers::Provider& provider,
                                                      bool is_simulated) {
    if (provider.token_file.empty() || is_simulated) {
        return std::string{provider.api_key.reveal()};
    }
    auto text = policy::read_file_text(provider.token_file, kMaxToken);
    if (!text) {
        return wrong(provider, ".token_file: " + text.error());
    }
    constexpr std::string_view kSpace = " \t\r\n";
    const std::size_t begin = text->find_first_not_of(kSpace);
    if (begin == std::string::npos) {
        return wrong(provider, ".token_file: is empty");
    }
    std::string token = text->substr(begin, text->find_last_not_of(kSpace) + 1 - begin);
    if (!std::ranges::all_of(token, [](char c) { return c > 0x20 && c < 0x7f; })) {
        return wrong(provider, ".token_file: holds more than a token of printable ASCII");
    }
    return token;
}

/// The fields of every request to the provider. All of it comes from the validated policy.
std::expected<std::string, std::string> head_lines_for(const ProviderWire& wire) {
    const providers::Provider& provider = wire.settings->provider;
    const auto secret = credential_of(provider, wire.settings->is_simulated);
    if (!secret) {
        return std::unexpected{secret.error()};
    }
    std::vector<char> memory(kHeadLines);
    HeadWriter head{memory};
    head.field("host", provider.base_url.authority());
    if (!secret->empty()) {
        const auto [name, value] = wire.adapter->credential_field(provider, *secret);
        head.field(name, value);
    }
    head.field("user-agent", kUserAgent);
    head.field("accept-encoding", "identity");
    // Where the client's own may pass, the exchange chooses between it and the policy's.
    if (!provider.organization.empty() && !provider.forward_headers.organization) {
        head.field("openai-organization", provider.organization);
    }
    if (!provider.project.empty() && !provider.forward_headers.project) {
        head.field("openai-project", provider.project);
    }
    for (const auto& [name, value] : provider.headers) {
        head.field(name, value);
    }
    std::string lines{head.finish()};
    if (!head.is_valid()) {
        return wrong(provider,
                     ": credential, headers, organization and project are too long for "
                     "a request head");
    }
    lines.resize(lines.size() - 2);  // without the empty line
    return lines;
}

/// Changes where the file does; the system's store counts as one that never does.
std::string stamp_of(const providers::Provider& provider) {
    std::string stamp = provider.tls_verify ? "verify" : "trust";
    struct stat file{};
    if (!provider.tls_ca.empty() && ::stat(provider.tls_ca.c_str(), &file) == 0) {
        stamp += ' ' + provider.tls_ca + ' ' + std::to_string(file.st_ino) + ' ' +
                 std::to_string(file.st_size) + ' ' + std::to_string(file.st_mtim.tv_sec) + '.' +
                 std::to_string(file.st_mtim.tv_nsec);
    }
    return stamp;
}

/// Shares what was read already, for the policy before or for another provider of this one.
std::expected<void, std::string> read_trust(ProviderWire& wire,
                                            const LoadedPolicy& policy,
                                            const LoadedPolicy* previous) {
    const providers::Provider& provider = wire.settings->provider;
    wire.trust_stamp = stamp_of(provider);
    for (const LoadedPolicy* known : {&policy, previous}) {
        if (known == nullptr) {
            continue;
        }
        for (const ProviderWire& other : known->wires) {
            if (other.trust && other.trust_stamp == wire.trust_stamp) {
                wire.trust = other.trust;
                return {};
            }
        }
    }
    auto trust = TlsTrust::load({provider.tls_ca, provider.tls_verify});
    if (!trust) {
        return wrong(provider, ".tls: " + trust.error());
    }
    wire.trust = std::move(*trust);
    return {};
}

std::expected<std::shared_ptr<const Webhook>, std::string> webhook_of(
    const policy::AlertSettings& alerts) {
    if (!alerts.webhook) {
        return nullptr;
    }
    auto webhook = std::make_shared<Webhook>();
    webhook->url = *alerts.webhook;
    webhook->secret = alerts.secret;
    if (webhook->url.is_tls) {
        auto trust = TlsTrust::load({});
        if (!trust) {
            return std::unexpected{"alerts.webhook: " + trust.error()};
        }
        webhook->trust = std::move(*trust);
    }
    return webhook;
}

}  // namespace

LoadedPolicy::LoadedPolicy(std::shared_ptr<const policy::Snapshot> from,
                           policy::YamlPtr written,
                           policy::Accounts& accounts)
    : snapshot{std::move(from)},
      tree{std::move(written)},
      router{*snapshot},
      limits{*snapshot, accounts} {
    for (const auto& project : snapshot->projects) {
        projects.emplace(project->id, project.get());
    }
}

std::expected<std::shared_ptr<const LoadedPolicy>, std::string> make_loaded_policy(
    std::shared_ptr<const policy::Snapshot> snapshot,
    policy::YamlPtr tree,
    policy::Accounts& accounts,
    const LoadedPolicy* previous) {
    auto policy = std::make_shared<LoadedPolicy>(std::move(snapshot), std::move(tree), accounts);
    for (const auto& settings : policy->snapshot->providers) {
        const providers::Provider& provider = settings->provider;
        ProviderWire wire;
        wire.settings = settings.get();
        wire.adapter = &providers::adapter_for(provider.wire);
        wire.models_path = wire.adapter->models_path(provider);
        auto lines = head_lines_for(wire);
        if (!lines) {
            return std::unexpected{lines.error()};
        }
        wire.head_lines = std::move(*lines);
        if (provider.base_url.is_tls && !settings->is_simulated) {
            if (auto read = read_trust(wire, *policy, previous); !read) {
                return std::unexpected{read.error()};
            }
        }
        const providers::ForwardedHeaders& forward = provider.forward_headers;
        policy->forwards_client_headers = policy->forwards_client_headers || forward.organization ||
                                          forward.project || forward.beta;
        policy->wires.push_back(std::move(wire));
    }
    auto webhook = webhook_of(policy->snapshot->alerts);
    if (!webhook) {
        return std::unexpected{webhook.error()};
    }
    policy->webhook = std::move(*webhook);
    return policy;
}

}  // namespace headgate::proxy
