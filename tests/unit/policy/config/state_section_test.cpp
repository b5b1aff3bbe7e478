#include "tests/unit/policy/config/policy_file.h"

namespace headgate::policy {
namespace {

using std::chrono::days;

/// A policy whose line 6 is `state`, and further lines.
LoadResult with_state(std::string_view state, std::string_view more = {}) {
    return load_text(with_basics("state: " + std::string(state) + "\n" + std::string(more)));
}

TEST(StateSection, HasTheDocumentedDefaults) {
    for (const std::string_view policy : {"", "state: {}\n"}) {
        const LoadResult result = load_text(with_basics(policy));

        ASSERT_EQ(told(result), "");
        const StateSettings& state = result.snapshot->state;
        EXPECT_EQ(state.directory, ".");
        EXPECT_FALSE(state.redis);
        EXPECT_EQ(state.records, RecordsKind::sqlite);
        EXPECT_EQ(state.sqlite_path, "headgate.db");
        EXPECT_TRUE(state.postgresql.empty());
        EXPECT_EQ(state.retention, days{400});
        EXPECT_EQ(state.durability, Durability::committed);
        EXPECT_EQ(state.on_redis_failure, OnRedisFailure::local);
        EXPECT_EQ(state.replicas, std::nullopt);
        EXPECT_EQ(state.key_space, "default");
        EXPECT_EQ(state.shard_by, ShardBy::namespace_);
        EXPECT_FALSE(result.snapshot->listen_shared);
    }
}

TEST(StateSection, ReadsAllItHolds) {
    const LoadResult result = with_state(
        "{directory: /var/lib/headgate, limits: \"rediss://u:p%40ss@redis.example:6380/3\",\n"
        "  records: \"postgresql://u:pw@db.example/rows\", retention: 30d, durability: durable,\n"
        "  on_redis_failure: closed, replicas: 3, namespace: blue-1, shard_by: project}\n",
        "listen_shared: true\n");

    ASSERT_EQ(told(result), "");
    const StateSettings& state = result.snapshot->state;
    EXPECT_EQ(state.directory, "/var/lib/headgate");
    ASSERT_TRUE(state.redis);
    EXPECT_EQ(state.redis->to_string(), "rediss://redis.example:6380/3");
    EXPECT_EQ(state.redis->user, "u");
    EXPECT_EQ(state.redis->password.reveal(), "p@ss");
    EXPECT_EQ(state.records, RecordsKind::postgresql);
    EXPECT_EQ(state.postgresql.reveal(), "postgresql://u:pw@db.example/rows");
    EXPECT_EQ(state.retention, days{30});
    EXPECT_EQ(state.durability, Durability::durable);
    EXPECT_EQ(state.on_redis_failure, OnRedisFailure::closed);
    EXPECT_EQ(state.replicas, 3);
    EXPECT_EQ(state.key_space, "blue-1");
    EXPECT_EQ(state.shard_by, ShardBy::project);
    EXPECT_TRUE(result.snapshot->listen_shared);
}

TEST(StateSection, ReadsEveryKindOfRecords) {
    EXPECT_EQ(with_state("{records: none}").snapshot->state.records, RecordsKind::none);
    EXPECT_EQ(with_state("{records: sqlite:/var/x.db}").snapshot->state.sqlite_path, "/var/x.db");
    EXPECT_EQ(with_state("{records: postgres://h/db}").snapshot->state.postgresql.reveal(),
              "postgres://h/db");
    EXPECT_EQ(with_state("{replicas: auto}").snapshot->state.replicas, std::nullopt);
    EXPECT_EQ(with_state("{replicas: 10k}").snapshot->state.replicas, 10'000);
    EXPECT_EQ(with_state("{retention: 3650d}").snapshot->state.retention, days{3650});
}

TEST(StateSection, RefusesWhatMeansNothing) {
    struct Case {
        std::string_view setting;
        std::string_view told;
    };
    constexpr std::string_view records =
        "\"state.records\" must be sqlite:FILE, postgresql://host/db or none";
    constexpr std::string_view retention =
        "\"state.retention\" must be whole days from 1d to 3650d, such as 400d";
    constexpr std::string_view replicas =
        "\"state.replicas\" must be `auto` or a whole number from 1 to 10000";
    constexpr Case cases[] = {
        {"directory: ''", "\"state.directory\" must be the path of a directory"},
        {"limits: disk",
         "\"state.limits\" must be memory, redis://host:6379/0, rediss:// or redis+unix:///path"},
        {"limits: redis://h/x", "\"state.limits\" must have a database from 0 to 9999"},
        {"records: headgate.db", records},
        {"records: mysql://h/db", records},
        {"records: ''", records},
        {"records: 'sqlite:'",
         "\"state.records\" must name a file behind `sqlite:`, such as sqlite:headgate.db"},
        {"records: postgresql://h:x/db", "\"state.records\" must have a port from 1 to 65535"},
        {"retention: 0d", retention},
        {"retention: 36h", retention},
        {"retention: 3651d", retention},
        {"retention: 400", retention},
        {"durability: fsync", "\"state.durability\" must be one of committed, durable"},
        {"on_redis_failure: locall",
         "\"state.on_redis_failure\" must be one of local, open, closed (did you mean `local`?)"},
        {"replicas: 0", replicas},
        {"replicas: 10001", replicas},
        {"replicas: -1", replicas},
        {"namespace: 'a{b}'",
         "\"state.namespace\" must be a name of 1 to 64 letters, digits, `_`, `.` and `-`"},
        {"shard_by: key", "\"state.shard_by\" must be one of namespace, project"},
        {"limits: [memory]", "\"state.limits\" must be a single value"},
    };

    for (const Case& each : cases) {
        const LoadResult result = with_state("{" + std::string(each.setting) + "}");

        ASSERT_EQ(result.problems.size(), 1U) << told(result);
        EXPECT_EQ(result.snapshot, nullptr) << each.setting;
        EXPECT_TRUE(told(result).starts_with("6:")) << told(result);
        EXPECT_TRUE(told(result).ends_with("error: " + std::string(each.told) + "\n"))
            << told(result);
    }
    EXPECT_EQ(told(with_state("{limit: memory}")),
              "6:9: error: \"state.limit\" is not a setting that Headgate knows (did you mean "
              "`limits`?)\n");
}

TEST(StateSection, SharesAnAddressOnlyWithLimitsInRedis) {
    constexpr std::string_view shared = "listen_shared: true\n";

    EXPECT_EQ(told(load_text(with_basics(shared))),
              "6:16: error: \"listen_shared\" needs limits in Redis, so that the processes share "
              "them; set `state.limits` to redis://host:6379/0\n");
    EXPECT_EQ(told(with_state("{limits: redis://h, records: postgresql://h/d}", shared)), "");
    EXPECT_EQ(told(load_text(with_basics("listen_shared: false\n"))), "");
    EXPECT_EQ(told(load_text(with_basics("listen_shared: 1\n"))),
              "6:16: error: \"listen_shared\" must be true or false\n");
    EXPECT_EQ(told(load_text(with_basics("state: {limits: \"${REDIS}\"}\n" + std::string(shared)),
                             options_with({}, false))),
              "");
}

TEST(StateSection, RefusesCeilingsOfTheOrganizationOverShards) {
    EXPECT_EQ(told(with_state("{shard_by: project}",
                              "organization: {limits: {rpm: 5}, budget: {usd: 5}}\n")),
              "7:24: error: \"organization.limits\" cannot be with `state.shard_by: project`: the "
              "shards of projects know nothing of each other\n"
              "7:42: error: \"organization.budget\" cannot be with `state.shard_by: project`: the "
              "shards of projects know nothing of each other\n");
    EXPECT_EQ(told(with_state("{shard_by: project}", "organization: {limits: []}\n")), "");
    EXPECT_EQ(told(with_state("{}", "organization: {limits: {rpm: 5}}\n")), "");
}

TEST(StateSection, WarnsOfRecordsThatProcessesDoNotShare) {
    const LoadResult by_default = with_state("{limits: redis://h}");
    const LoadResult sqlite = with_state("{limits: redis://h, records: sqlite:x.db}");
    const LoadResult none = with_state("{limits: redis://h, records: none}");

    EXPECT_NE(by_default.snapshot, nullptr);
    EXPECT_EQ(told(by_default),
              "6:17: warning: \"state.limits\" are in Redis, but the records in SQLite (the "
              "default), which processes do not share: after a loss of Redis' data each process "
              "adds its own rows (share them: `records: postgresql://…`)\n");
    EXPECT_EQ(told(sqlite),
              "6:37: warning: \"state.records\" are not shared by processes, but the limits in "
              "Redis are: after a loss of Redis' data each process adds its own rows (share them: "
              "`records: postgresql://…`)\n");
    EXPECT_EQ(told(none),
              "6:37: warning: \"state.records\" keeps no rows, with limits in Redis: what is spent "
              "is forgotten when Redis loses its data\n");
}

TEST(StateSection, KeepsItsDefaultsWhereAReferenceIsMissing) {
    const LoadResult result = load_text(
        with_basics("state: {limits: \"redis://:${PASSWORD}@h\", records: \"postgresql://u:"
                    "${PASSWORD}@h/db\", replicas: \"${REPLICAS}\"}\n"),
        options_with({}, false));

    ASSERT_EQ(told(result), "");
    EXPECT_FALSE(result.snapshot->state.redis);
    EXPECT_EQ(result.snapshot->state.records, RecordsKind::sqlite);
    EXPECT_EQ(result.snapshot->state.replicas, std::nullopt);
}

TEST(StateSection, RefusesARedactedPasswordOnlyWhereItIsNeeded) {
    const std::string policy = with_basics(
        "state: {limits: redis://<redacted>@h, records: 'postgresql://h/d?password=<redacted>'}\n");

    EXPECT_EQ(
        told(load_text(policy)),
        "6:17: error: \"state.limits\" is redacted; put the secret or a reference to it here\n"
        "6:48: error: \"state.records\" is redacted; put the secret or a reference to it "
        "here\n");
    EXPECT_EQ(told(load_text(policy, options_with({}, false))), "");
}

TEST(StateSection, NeverShowsAPasswordWhateverIsWrong) {
    const Environment environment = {{"SECRET", "s3cret-of-a-store"},
                                     {"BROKEN", "redis://u:s3cret-of a store"}};
    for (const std::string_view state : {
             "{limits: redis://u:S@h/x}",
             "{limits: redis://u:S}",
             "{limits: \"redis://u:S S@h\"}",
             "{limits: 'redis://u:S''s@h'}",
             "{limits: redis:u:S@h}",
             "{limits: memcached://u:S@h}",
             "{limits: [redis://u:S@h]}",
             "{limits: {redis://u:S@h: x}}",
             "{redis://u:S@h: memory}",
             "{limits: \"redis://u:${SECRET}@h:0\"}",
             "{limits: \"${BROKEN}\"}",
             "{records: \"${BROKEN}\", retention: \"${SECRET}\"}",
             "{records: postgresql://u:S@h:x/db}",
             "{records: postgresql://u:S/db@h}",
             "{records: 'postgresql://h/db?password=S&&'}",
             "{namespace: redis://u:S@h}",
             "{limits: |\n  redis://u:S@h:x\n }",
             "{limits: redis://u:S@h, replicas: many",
         }) {
        std::string text{state};
        for (std::size_t at = text.find('S'); at != std::string::npos; at = text.find('S', at)) {
            const bool is_name = text[at + 1] == 'E';
            text.replace(at, is_name ? 0 : 1, is_name ? "" : "s3cret-of-a-store");
            at += 1;
        }

        const LoadResult result =
            load_text(with_basics("state: " + text + "\n"), options_with(environment));

        EXPECT_EQ(result.snapshot, nullptr) << text;
        for (const Problem& problem : result.problems) {
            const std::string shown = problem.to_string() + problem.source;
            EXPECT_FALSE(shown.contains("s3cret")) << shown;
        }
    }
}

}  // namespace
}  // namespace headgate::policy
