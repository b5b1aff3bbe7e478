#include "policy/config/store_address.h"

namespace headgate::policy {
namespace {

TEST(RedisUrls, AreTakenApart) {
    struct Case {
        std::string_view url;
        std::string_view shown;  // by to_string()
        std::string_view user;
        std::string_view password;
    };
    constexpr Case cases[] = {
        {"redis://host", "redis://host:6379/0", "", ""},
        {"redis://Host.Example/", "redis://host.example:6379/0", "", ""},
        {"redis://10.0.0.7:6380/15", "redis://10.0.0.7:6380/15", "", ""},
        {"redis://[::1]:1/9999", "redis://[::1]:1/9999", "", ""},
        {"rediss://host:6380", "rediss://host:6380/0", "", ""},
        {"redis://:secret@host", "redis://host:6379/0", "", "secret"},
        {"redis://:@host", "redis://host:6379/0", "", ""},
        {"redis://u:s@host:1/2", "redis://host:1/2", "u", "s"},
        {"rediss://u%3A:p%40%2F%3a%25@h", "rediss://h:6379/0", "u:", "p@/:%"},
        {"redis://u:a:b@h", "redis://h:6379/0", "u", "a:b"},
        {"redis+unix:///run/redis.sock", "redis+unix:///run/redis.sock", "", ""},
        {"redis+unix:///run/redis.sock?db=3", "redis+unix:///run/redis.sock?db=3", "", ""},
        {"redis+unix://u:p@/run/r%20s", "redis+unix:///run/r s", "u", "p"},
    };

    for (const Case& each : cases) {
        const Parsed<RedisAddress> redis = parse_redis_url(each.url);

        ASSERT_TRUE(redis) << each.url << ' ' << redis.error();
        EXPECT_EQ(redis->to_string(), each.shown);
        EXPECT_EQ(redis->user, each.user) << each.url;
        EXPECT_EQ(redis->password.reveal(), each.password) << each.url;
        EXPECT_EQ(redis->is_tls, each.url.starts_with("rediss:")) << each.url;
    }
}

TEST(RedisUrls, AreRefusedWhereTheyMeanNothing) {
    const std::string too_long = "redis://:" + std::string(2048, 'x') + "@h";
    const std::string long_path = "redis+unix:///" + std::string(107, 'x');
    const std::string_view urls[] = {
        "",
        "redis",
        "redis:",
        "redis:host",
        "Redis://host",
        "http://host",
        "redis://",
        "redis://@",
        "redis:///0",
        "redis://host:0",
        "redis://host:65536",
        "redis://host:port",
        "redis://host:+1",
        "redis://::1",
        "redis://[::1",
        "redis://1.2.3",
        "redis://169.254.169.254",
        "redis://0.0.0.0",
        "redis://host/10000",
        "redis://host/-1",
        "redis://host/0/1",
        "redis://host/1k",
        "redis://host/0x1",
        "redis://host?db=1",
        "redis://host#0",
        "redis://user@host",
        "redis://user:@host",
        "redis://u:p@ss@host",
        "redis://u:p/ss@host",
        "redis://u:p%2@host",
        "redis://u:p%zz@host",
        "redis://u:p%00@host",
        "redis://u%0A:p@host",
        "redis://u:it's@host",
        "redis://u:a b@host",
        "redis://u:a\"b@host",
        "redis://u:a\xC3\xA4@host",
        std::string_view("redis://u:a\0b@host", 18),
        "redis://u:a#b@host",
        "redis+unix://host/path",
        "redis+unix://",
        "redis+unix:///",
        "redis+unix:///run/x%0a",
        "redis+unix:///run/x%00",
        "redis+unix:///run/x?database=1",
        "redis+unix:///run/x?db=",
        "redis+unix:///run/x?db=1&x=2",
        too_long,
        long_path,
    };

    for (const std::string_view url : urls) {
        const Parsed<RedisAddress> redis = parse_redis_url(url);

        ASSERT_FALSE(redis) << url;
        EXPECT_FALSE(redis.error().contains("ss@") || redis.error().contains("x%0")) << url;
    }
}

TEST(PostgresqlUrls, AreKeptAsTheyAreWritten) {
    for (const std::string_view url : {
             "postgresql://",
             "postgresql:///db",
             "postgresql:///db?host=/run/postgresql",
             "postgresql://host",
             "postgresql://host:5433/db",
             "postgresql://user@host/db",
             "postgresql://user:pa%2Fss@host/db",
             "postgres://u:p@[fd00::5]:5432/db?sslmode=verify-full&connect_timeout=5",
             "postgresql://a:1,b:2,10.0.0.1/db?target_session_attrs=read-write",
             "postgresql://%2Frun%2Fpostgresql:5433/db",
             "postgresql://:5433/db",
         }) {
        const Parsed<providers::Secret> kept = parse_postgresql_url(url);

        ASSERT_TRUE(kept) << url << ' ' << kept.error();
        EXPECT_EQ(kept->reveal(), url);
    }
}

TEST(PostgresqlUrls, AreRefusedWhereTheyAreNone) {
    for (const std::string_view url : {
             "postgresql://host:port/db",
             "postgresql://host:0/db",
             "postgresql://host:65536/db",
             "postgresql://a:1,b:x/db",
             "postgresql://[::1/db",
             "postgresql://u:p@ss@host/db",
             "postgresql://u:p/ss@host/db",
             "postgresql://u:p?ss@host/db",
             "postgresql://u:p%2@host/db",
             "postgresql://u:p ss@host/db",
             "postgresql://u:p'ss@host/db",
             "postgresql://u:p@host/db/more",
             "postgresql://u:p@host/d%b",
             "postgresql://u:p@host/db#x",
             "postgresql://h/db?sslmode",
             "postgresql://h/db?=x",
             "postgresql://h/db?a=b&&c=d",
         }) {
        const Parsed<providers::Secret> kept = parse_postgresql_url(url);

        ASSERT_FALSE(kept) << url;
        EXPECT_FALSE(kept.error().contains("p@")) << url;
    }
}

TEST(StoreUrls, AreToldByTheirScheme) {
    EXPECT_TRUE(is_redis_url("redis+unix://"));
    EXPECT_FALSE(is_redis_url("memory"));
    EXPECT_TRUE(is_postgresql_url("postgres://h"));
    EXPECT_FALSE(is_postgresql_url("sqlite:postgres://h"));
}

}  // namespace
}  // namespace headgate::policy
