#include "proxy/limits/redis_check.h"

#include "tests/support/redis_server.h"
#include "tests/support/scripted_server.h"

#include <string>
#include <vector>

namespace headgate::proxy {
namespace {

using test_support::RedisServer;

/// A bound for broken code, not a pace.
constexpr std::chrono::seconds kPatience{20};

policy::RedisAddress address_of(const RedisServer& server) {
    policy::RedisAddress address;
    address.unix_path = server.unix_path();
    return address;
}

struct Row {
    std::vector<std::string> options;
    std::string password;
    bool may_start;
    bool is_up;
    std::string text;  // in the error or the warning
};

TEST(CheckRedis, LetsAProcessStartWhereNothingIsEvicted) {
    const std::vector<Row> table{
        {{}, "", true, true, ""},
        {{"--maxmemory-policy", "allkeys-lru"}, "", false, false, "maxmemory-policy allkeys-lru"},
        {{"--maxmemory-policy", "volatile-ttl"}, "", false, false, "Set it to noeviction."},
        {{"--user", "default", "on", "nopass", "~*", "+@all", "-config"},
         "",
         true,
         true,
         "cannot read its maxmemory-policy"},
        {{"--requirepass", "opensesame"}, "opensesame", true, true, ""},
        {{"--requirepass", "opensesame"}, "guess", true, false, "wrong user or password"},
    };
    for (const Row& row : table) {
        const RedisServer server{row.options};
        if (!server.is_running()) {
            GTEST_SKIP() << "no redis-server";
        }
        policy::RedisAddress address = address_of(server);
        address.password = providers::Secret{row.password};

        const auto checked = check_redis(address, kPatience);

        ASSERT_EQ(checked.has_value(), row.may_start) << row.text;
        const std::string text = checked ? checked->warning : checked.error();
        EXPECT_NE(text.find(row.text), std::string::npos) << text;
        EXPECT_EQ(text.empty(), row.text.empty()) << text;
        if (checked) {
            EXPECT_EQ(checked->is_up, row.is_up);
        }
    }
}

TEST(CheckRedis, LetsAProcessStartWithoutRedisAndTellsIt) {
    policy::RedisAddress address;
    address.unix_path = "/nowhere/redis.sock";

    const auto checked = check_redis(address, kPatience);

    ASSERT_TRUE(checked);
    EXPECT_FALSE(checked->is_up);
    EXPECT_NE(checked->warning.find("No such file"), std::string::npos) << checked->warning;
}

TEST(CheckRedis, WaitsForASilentServerOnlyForSoLong) {
    const test_support::ScriptedServer server{[](int fd) { test_support::read_to_end(fd); }};
    policy::RedisAddress address;
    address.host = "127.0.0.1";
    address.port = server.port();

    const auto checked = check_redis(address, std::chrono::milliseconds{50});

    ASSERT_TRUE(checked);
    EXPECT_FALSE(checked->is_up);
    EXPECT_NE(checked->warning.find("no reply in time"), std::string::npos) << checked->warning;
}

}  // namespace
}  // namespace headgate::proxy
