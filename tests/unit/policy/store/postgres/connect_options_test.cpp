#include "policy/store/postgres/connect_options.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace headgate::policy {
namespace {

std::string value_of(const PgOptions& options, std::string_view keyword) {
    const auto found = std::ranges::find(options, keyword, &PgOptions::value_type::first);
    return found == options.end() ? "<absent>" : found->second;
}

TEST(PgOptions, ReadsTheUriAndAddsWhatAGatewayNeeds) {
    const auto hosts = pg_options_from("postgresql://us%40er:p%2Fw@db.test:6432/records");

    ASSERT_TRUE(hosts) << hosts.error();
    ASSERT_EQ(hosts->size(), 1U);
    const PgOptions& options = hosts->front();
    EXPECT_EQ(value_of(options, "host"), "db.test");
    EXPECT_EQ(value_of(options, "port"), "6432");
    EXPECT_EQ(value_of(options, "dbname"), "records");
    EXPECT_EQ(value_of(options, "user"), "us@er");
    EXPECT_EQ(value_of(options, "password"), "p/w");
    EXPECT_EQ(value_of(options, "tcp_user_timeout"), "10000");
    EXPECT_EQ(value_of(options, "keepalives_idle"), "10");
    EXPECT_EQ(value_of(options, "target_session_attrs"), "read-write");
    EXPECT_EQ(value_of(options, "client_encoding"), "UTF8");
}

TEST(PgOptions, LeavesWhatTheUriSets) {
    const auto hosts = pg_options_from(
        "postgresql://db.test/records?target_session_attrs=any&tcp_user_timeout=3&"
        "options=-c%20statement_timeout%3D60s&sslmode=verify-full");

    ASSERT_TRUE(hosts) << hosts.error();
    const PgOptions& options = hosts->front();
    EXPECT_EQ(value_of(options, "target_session_attrs"), "any");
    EXPECT_EQ(value_of(options, "tcp_user_timeout"), "3");
    EXPECT_EQ(value_of(options, "options"), "-c statement_timeout=60s");
    EXPECT_EQ(value_of(options, "sslmode"), "verify-full");
}

TEST(PgOptions, GivesOneEntryAHost) {
    const auto hosts = pg_options_from("postgresql://a:1,b:2,c:3/records");

    ASSERT_TRUE(hosts) << hosts.error();
    ASSERT_EQ(hosts->size(), 3U);
    EXPECT_EQ(value_of((*hosts)[0], "host"), "a");
    EXPECT_EQ(value_of((*hosts)[0], "port"), "1");
    EXPECT_EQ(value_of((*hosts)[2], "host"), "c");
    EXPECT_EQ(value_of((*hosts)[2], "port"), "3");
}

TEST(PgOptions, SharesASinglePortAmongHosts) {
    const auto hosts = pg_options_from("host=a,b port=7 dbname=records");

    ASSERT_TRUE(hosts) << hosts.error();
    ASSERT_EQ(hosts->size(), 2U);
    EXPECT_EQ(value_of((*hosts)[0], "port"), "7");
    EXPECT_EQ(value_of((*hosts)[1], "port"), "7");
}

TEST(PgOptions, RefusesHostsAndPortsThatDifferInNumber) {
    EXPECT_FALSE(pg_options_from("host=a,b,c port=1,2"));
    EXPECT_FALSE(pg_options_from("host=a,b hostaddr=127.0.0.1"));
}

TEST(PgOptions, RefusesWhatIsNoUri) {
    for (const char* text : {"postgresql://[::1/db", "not a uri", "postgresql://h/db?nothing=1",
                             "postgresql://h/db?sslmode", "postgresql://%00h/db"}) {
        EXPECT_FALSE(pg_options_from(text)) << text;
    }
    EXPECT_FALSE(pg_options_from(std::string{"postgresql://h/db\0x", 19}));
}

TEST(PgOptions, QuotesNoPieceOfAPasswordThatIsNotEncoded) {
    for (const char* uri :
         {"postgresql://user:HUSH@HUSH@db/records", "postgresql://user:HUSH/HUSH@db/records",
          "postgresql://user:12/HUSH@db/records", "postgresql://user:HUSH%ZZ@db/records",
          "postgresql://user:HUSH:HUSH/@db/records", "user:HUSH@db", "password=HUSH HUSH"}) {
        const auto hosts = pg_options_from(uri);

        ASSERT_FALSE(hosts) << uri;
        EXPECT_EQ(hosts.error().find("HUSH"), std::string::npos) << hosts.error();
    }
}

}  // namespace
}  // namespace headgate::policy
