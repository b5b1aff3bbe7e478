#include "policy/config/state_section.h"

#include "policy/config/show_defaults.h"
#include "policy/config/store_address.h"

namespace headgate::policy {
namespace {

constexpr KnownName kStateNames[] = {
    {"directory"},        {"limits"},   {"records"},   {"retention"}, {"durability"},
    {"on_redis_failure"}, {"replicas"}, {"namespace"}, {"shard_by"},  {"cache", kNotYet},
};

// Each in the order of its enumeration.
constexpr std::string_view kDurability[] = {"committed", "durable"};
constexpr std::string_view kOnRedisFailure[] = {"local", "open", "closed"};
constexpr std::string_view kShardBy[] = {"namespace", "project"};

constexpr std::string_view kSqlite = "sqlite:";

Parsed<std::string> parse_directory(std::string_view text) {
    if (text.empty()) {
        return std::unexpected(std::string("must be the path of a directory"));
    }
    return parse_text(text);
}

Parsed<std::chrono::days> parse_retention(std::string_view text) {
    const Parsed<std::chrono::milliseconds> duration = parse_duration(text);
    if (!duration || !text.ends_with('d') || duration->count() == 0) {
        return std::unexpected(std::string("must be whole days from 1d to 3650d, such as 400d"));
    }
    return std::chrono::floor<std::chrono::days>(*duration);
}

/// nullopt: auto.
Parsed<std::optional<int>> parse_replicas(std::string_view text) {
    if (text == "auto") {
        return std::optional<int>{};
    }
    const Parsed<std::int64_t> count = parse_count_between(text, 1, 10'000);
    if (!count) {
        return std::unexpected(std::string("must be `auto` or a whole number from 1 to 10000"));
    }
    return std::optional<int>{static_cast<int>(*count)};
}

std::optional<bool> read_limits_place(Reading& reading,
                                      const Setting& setting,
                                      StateSettings& state) {
    const std::optional<std::string> text = read_text_with_secret(reading, setting);
    if (!text) {
        return is_redis_url(setting.node->text) ? std::optional{true} : std::nullopt;
    }
    if (*text == "memory") {
        return false;
    }
    Parsed<RedisAddress> redis = parse_redis_url(*text);
    if (!redis) {
        reading.error(setting, redis.error());
        return std::nullopt;
    }
    state.redis = std::move(*redis);
    return true;
}

std::optional<RecordsKind> records_kind(std::string_view text) {
    if (text == "none") {
        return RecordsKind::none;
    }
    if (text.starts_with(kSqlite)) {
        return RecordsKind::sqlite;
    }
    return is_postgresql_url(text) ? std::optional{RecordsKind::postgresql} : std::nullopt;
}

/// Empty: fine.
std::string records_problem(std::string_view text, RecordsKind kind, StateSettings& state) {
    if (kind == RecordsKind::sqlite) {
        const std::string_view path = text.substr(kSqlite.size());
        if (path.empty() || !parse_text(path)) {
            return "must name a file behind `sqlite:`, such as sqlite:headgate.db";
        }
        state.sqlite_path = path;
    } else if (kind == RecordsKind::postgresql) {
        Parsed<providers::Secret> url = parse_postgresql_url(text);
        if (!url) {
            return std::move(url.error());
        }
        state.postgresql = std::move(*url);
    }
    state.records = kind;
    return {};
}

std::optional<RecordsKind> read_records(Reading& reading,
                                        const Setting& setting,
                                        StateSettings& state) {
    const std::optional<std::string> text = read_text_with_secret(reading, setting);
    const std::optional<RecordsKind> kind = records_kind(text ? *text : setting.node->text);
    if (!text) {
        return kind;
    }
    const std::string problem = kind ? records_problem(*text, *kind, state)
                                     : "must be sqlite:FILE, postgresql://host/db or none";
    if (!problem.empty()) {
        reading.error(setting, problem);
        return std::nullopt;
    }
    return kind;
}

/// The setting `name` of the block `block`; nullopt where there is none.
std::optional<Setting> setting_in(const MapReader& root,
                                  std::string_view block,
                                  std::string_view name) {
    const YamlPtr settings = value_of(*root.setting().node, block);
    const YamlPtr value = settings ? value_of(*settings, name) : nullptr;
    if (!value) {
        return std::nullopt;
    }
    return Setting{value.get(), std::string(block) + "." + std::string(name)};
}

void warn_of_unshared_records(Reading& reading, const MapReader& root, RecordsKind records) {
    std::optional<Setting> setting = setting_in(root, "state", "records");
    const bool is_default = !setting;
    if (is_default) {
        setting = setting_in(root, "state", "limits");
    }
    if (!setting) {
        return;
    }
    if (records == RecordsKind::none) {
        reading.warning(*setting,
                        "keeps no rows, with limits in Redis: what is spent is forgotten when "
                        "Redis loses its data");
    } else {
        reading.warning(*setting,
                        std::string(is_default ? "are in Redis, but the records in SQLite (the "
                                                 "default), which processes do not share"
                                               : "are not shared by processes, but the limits in "
                                                 "Redis are") +
                            ": after a loss of Redis' data each process adds its own rows",
                        "share them: `records: postgresql://…`");
    }
}

void refuse_ceilings(Reading& reading, const MapReader& root, const Organization& organization) {
    constexpr std::string_view why =
        "cannot be with `state.shard_by: project`: the shards of projects know nothing of each "
        "other";
    const std::optional<Setting> limits = setting_in(root, "organization", "limits");
    const std::optional<Setting> budget = setting_in(root, "organization", "budget");
    if (limits && !organization.limits.empty()) {
        reading.error(*limits, why);
    }
    if (budget && organization.budget) {
        reading.error(*budget, why);
    }
}

}  // namespace

StatePlaces read_state_section(Reading& reading, const MapReader& root, StateSettings& state) {
    StatePlaces places{.has_redis = false, .records = RecordsKind::sqlite};
    const std::optional<Setting> block = root.find("state");
    if (!block) {
        return places;
    }
    const MapReader map{reading, *block, kStateNames};
    map.read("directory", parse_directory, state.directory);
    if (const std::optional<Setting> limits = map.find("limits")) {
        places.has_redis = read_limits_place(reading, *limits, state);
    }
    if (const std::optional<Setting> records = map.find("records")) {
        places.records = read_records(reading, *records, state);
    }
    map.read("retention", parse_retention, state.retention);
    map.read_choice("durability", kDurability, state.durability);
    map.read_choice("on_redis_failure", kOnRedisFailure, state.on_redis_failure);
    if (const std::optional<Setting> replicas = map.find("replicas")) {
        state.replicas = read_scalar(reading, *replicas, parse_replicas).value_or(std::nullopt);
    }
    map.read("namespace", parse_plain_name, state.key_space);
    map.read_choice("shard_by", kShardBy, state.shard_by);
    return places;
}

void check_state(Reading& reading,
                 const MapReader& root,
                 const Snapshot& snapshot,
                 const StatePlaces& places) {
    if (places.has_redis == true &&
        (places.records == RecordsKind::none || places.records == RecordsKind::sqlite)) {
        warn_of_unshared_records(reading, root, *places.records);
    }
    if (snapshot.listen_shared && places.has_redis == false) {
        if (const std::optional<Setting> shared = root.find("listen_shared")) {
            reading.error(*shared,
                          "needs limits in Redis, so that the processes share them; set "
                          "`state.limits` to redis://host:6379/0");
        }
    }
    if (snapshot.state.shard_by == ShardBy::project) {
        refuse_ceilings(reading, root, snapshot.organization);
    }
}

}  // namespace headgate::policy
