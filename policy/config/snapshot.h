#pragma once

#include "policy/config/route.h"
#include "policy/keys/project.h"
#include "providers/catalog/price.h"
#include "providers/contract/provider.h"
#include "providers/simulator/behaviour.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::policy {

/// An address of `listen`: "host:port", "[v6]:port" or "unix:/path".
struct ListenAddress {
    std::string host;        // without brackets; empty for a unix socket
    std::uint16_t port = 0;  // 0: a free one
    std::string unix_path;

    std::string to_string() const;
};

/// Parses an ADDR of the command line or policy; the error is a text fit to show.
std::expected<ListenAddress, std::string> parse_listen_address(std::string_view text);

/// `protect`: what the listener accepts.
struct Protect {
    std::size_t max_header_bytes = std::size_t{16} << 10;
    std::size_t max_headers = 100;
    std::size_t max_body = std::size_t{512} << 20;
    std::size_t max_json = std::size_t{32} << 20;
    std::chrono::milliseconds header_timeout{10'000};
    std::chrono::milliseconds body_idle_timeout{30'000};
    std::chrono::milliseconds keepalive_timeout{75'000};
    std::size_t max_connections = 65536;
    std::size_t max_connections_per_ip = 8192;
    std::vector<std::string> trusted_proxies;  // CIDRs whose X-Forwarded-For is believed

    /// The largest JSON body: max_json, and never above max_body.
    std::size_t json_limit() const { return max_json < max_body ? max_json : max_body; }
};

/// Who a request is from: `peer`, or where that is a trusted proxy the last address of
/// `forwarded_for` (X-Forwarded-For, "client, proxy, …") that is not one. What is no address ends
/// the search at the proxy that told it.
std::string_view client_address(const Protect& protect,
                                std::string_view peer,
                                std::string_view forwarded_for);

enum class LogLevel : std::uint8_t { trace, debug, info, warn, error };

struct LogSettings {
    LogLevel level = LogLevel::info;
    std::string access = "stderr";  // "stderr", "none" or a file
};

/// A provider of the policy with what only a simulator has.
struct ProviderSettings {
    providers::Provider provider;
    providers::Behaviour behaviour;  // of a simulator
    bool is_simulated = false;       // serve --rehearse: answered by a simulator of its wire format
};

/// A key of the admin listener. It never serves inference.
struct AdminKey {
    std::string name;
    KeyDigest digest{};
};

/// A simulator that the policy says nothing about, also that of a rehearsal.
providers::Behaviour default_behaviour();

/// `organization`: ceilings over all projects.
struct Organization {
    std::vector<LimitEntry> limits;
    std::optional<BudgetSettings> budget;
};

/// Where limits are kept: in this process, or in a Redis that processes share.
struct RedisAddress {
    std::string host;  // empty: unix_path
    std::uint16_t port = 6379;
    std::string unix_path;
    std::string user;
    providers::Secret password;
    int database = 0;
    bool is_tls = false;

    /// Without the credential, for logs: "redis://host:6379/0".
    std::string to_string() const;
};

enum class RecordsKind : std::uint8_t { none, sqlite, postgresql };

enum class Durability : std::uint8_t { committed, durable };

/// What becomes of limits and budgets while Redis is away.
enum class OnRedisFailure : std::uint8_t { local, open, closed };

enum class ShardBy : std::uint8_t { namespace_, project };

/// `state`: what outlives a process, and where.
struct StateSettings {
    std::string directory = ".";
    std::optional<RedisAddress> redis;  // nullopt: `limits: memory`
    RecordsKind records = RecordsKind::sqlite;
    std::string sqlite_path = "headgate.db";  // relative to `directory`
    /// A connection URI of libpq, credential included.
    providers::Secret postgresql;
    std::chrono::days retention{400};
    Durability durability = Durability::committed;
    OnRedisFailure on_redis_failure = OnRedisFailure::local;
    std::optional<int> replicas;        // nullopt: auto
    std::string key_space = "default";  // `namespace`
    ShardBy shard_by = ShardBy::namespace_;
};

/// `alerts`: who is told of a budget's thresholds.
struct AlertSettings {
    std::optional<providers::BaseUrl> webhook;  // base_path is the whole path and query
    providers::Secret secret;                   // signs as Standard Webhooks do
};

/// One entry of `prices`.
struct PriceOverride {
    std::string pattern;  // "provider/model" or a model; globs
    providers::Price price;
};

/// What stands for the base URL of a simulator inside this process: it has no address, but the
/// paths of its wire format.
providers::BaseUrl simulator_base_url(providers::WireFormat wire);

/// One loaded, validated policy. Immutable; an exchange keeps the one that it began with.
/// Pointers between its parts stay valid as long as it lives: it is never copied or moved.
struct Snapshot {
    Snapshot() = default;
    Snapshot(const Snapshot&) = delete;
    Snapshot& operator=(const Snapshot&) = delete;

    std::uint64_t generation = 1;
    std::vector<ListenAddress> listen;
    std::size_t workers = 0;  // 0: one a core
    std::chrono::milliseconds drain_delay{0};
    std::chrono::milliseconds shutdown_grace{30'000};
    Protect protect;
    LogSettings log;
    std::optional<ListenAddress> admin_listen;  // nullopt: `none`
    std::vector<AdminKey> admin_keys;
    bool watch = true;  // reload when a file of the policy changes

    std::vector<std::unique_ptr<ProviderSettings>> providers;  // in file order
    std::vector<std::unique_ptr<Project>> projects;
    std::vector<std::unique_ptr<Route>> routes;  // in file order; never empty
    KeyRing keys;

    Organization organization;
    StateSettings state;
    AlertSettings alerts;
    std::vector<PriceOverride> prices;  // in file order
    bool listen_shared = false;         // several processes may listen on the same addresses
};

/// Whether `provider` serves `model`, by its own list or, without one, by what its kind serves
/// (docs/policies.md: a simulator the catalogue's models of its wire, azure its deployments, which
/// a list of its own narrows, all others anything).
bool serves(const providers::Provider& provider, std::string_view model);

}  // namespace headgate::policy
