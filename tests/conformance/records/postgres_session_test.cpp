#include "policy/store/postgres/schema.h"
#include "tests/conformance/records/postgres_fixture.h"

#include <atomic>
#include <thread>

namespace headgate::policy {
namespace {

constexpr auto away = StoreError::Kind::away;
constexpr auto refused = StoreError::Kind::refused;

using PostgresSession = PostgresTest;

TEST_F(PostgresSession, OneOfManyThatStartAtOnceMakesTheTables) {
    std::vector<std::thread> processes;
    std::atomic<int> opened = 0;
    for (int i = 0; i < 8; ++i) {
        processes.emplace_back([&] { opened += open(uri()) != nullptr ? 1 : 0; });
    }

    for (std::thread& process : processes) {
        process.join();
    }

    EXPECT_EQ(opened, 8);
    EXPECT_EQ(sql("SELECT count(*) || '|' || max(version) FROM schema_version"), "1|1");
}

TEST_F(PostgresSession, RefusesANewerSchema) {
    open(uri());
    sql("UPDATE schema_version SET version = 99");

    const StoreError error = error_of(uri());

    EXPECT_EQ(error.kind, refused);
    EXPECT_NE(error.text.find("99"), std::string::npos) << error.text;
}

TEST_F(PostgresSession, DropsNoRowForASchemaThatANewerBuildHasMadeMeanwhile) {
    const auto store = open(uri());
    const TestRow row{1};
    sql("UPDATE schema_version SET version = 99");
    end_sessions_that_wait_for("Client");

    const Stored<void> appended = store->append(rows_of({row}), "0000000000000001");

    ASSERT_FALSE(appended);
    EXPECT_EQ(appended.error().kind, away);
    EXPECT_NE(appended.error().text.find("99"), std::string::npos) << appended.error().text;
}

TEST_F(PostgresSession, MakesItsTablesAgainWhereTheyAreGone) {
    const auto store = open(uri());
    sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public");

    const Stored<void> lost = store->append(rows_of({TestRow{1}}), "0000000000000001");
    const Stored<void> again = store->append(rows_of({TestRow{1}}), "0000000000000001");

    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().kind, away);
    EXPECT_TRUE(again) << again.error().text;
}

TEST_F(PostgresSession, IsAwayFromAWrongPasswordAndDoesNotTellIt) {
    const StoreError error = error_of(server().uri_as("headgate", "HUSH", database_));

    EXPECT_EQ(error.kind, away);
    EXPECT_NE(error.text.find("password authentication failed for user \"headgate\""),
              std::string::npos)
        << error.text;
    EXPECT_EQ(error.text.find("HUSH"), std::string::npos) << error.text;
}

TEST_F(PostgresSession, IsAwayFromADatabaseThatIsNotThere) {
    const StoreError error = error_of(server().uri("nowhere"));

    EXPECT_EQ(error.kind, away);
    EXPECT_NE(error.text.find("\"nowhere\" does not exist"), std::string::npos) << error.text;
}

TEST_F(PostgresSession, IsAwayWhereItMayNotMakeTablesOrHasNoConnectionLeft) {
    const std::string role = "clerk_of_" + database_;
    sql("CREATE ROLE " + role + " LOGIN PASSWORD 'clerk' CONNECTION LIMIT 1");
    const std::string clerk = server().uri_as(role, "clerk", database_);

    const StoreError forbidden = error_of(clerk);
    sql("GRANT CREATE ON SCHEMA public TO " + role);
    const auto only = open(clerk);
    const StoreError crowded = error_of(clerk);

    EXPECT_EQ(forbidden.kind, away);
    EXPECT_NE(forbidden.text.find("permission denied"), std::string::npos) << forbidden.text;
    EXPECT_EQ(crowded.kind, away);
    EXPECT_NE(crowded.text.find("too many connections"), std::string::npos) << crowded.text;
    sql("DROP OWNED BY " + role + "; DROP ROLE " + role);
}

TEST_F(PostgresSession, RefusesADatabaseThatCannotKeepEveryText) {
    const std::string latin = "latin_" + database_;
    server().sql("postgres", "CREATE DATABASE " + latin + " ENCODING 'LATIN1' TEMPLATE template0");

    const StoreError error = error_of(server().uri(latin));
    server().drop_database(latin);

    EXPECT_EQ(error.kind, refused);
    EXPECT_NE(error.text.find("LATIN1"), std::string::npos) << error.text;
}

struct Setting {
    const char* options;
    bool is_durable;
    const char* synchronous_commit;
    const char* statement_timeout;
};

TEST_F(PostgresSession, RaisesTheServersSettingsAndNeverLowersThem) {
    const Setting settings[] = {
        {"", false, "on", "5s"},
        {"", true, "on", "5s"},
        {"-c%20synchronous_commit%3Doff", false, "local", "5s"},
        {"-c%20synchronous_commit%3Doff", true, "on", "5s"},
        {"-c%20synchronous_commit%3Dlocal", true, "on", "5s"},
        {"-c%20synchronous_commit%3Dremote_write", false, "remote_write", "5s"},
        {"-c%20synchronous_commit%3Dremote_apply", true, "remote_apply", "5s"},
        {"-c%20statement_timeout%3D60s", false, "on", "1min"},
    };
    for (const Setting& expected : settings) {
        Stored<PgConnection> connection =
            PgConnection::open(*pg_options_from(uri_with(expected.options)), kWait);
        ASSERT_TRUE(connection) << connection.error().text;

        ASSERT_TRUE(set_up_session(*connection, expected.is_durable));

        EXPECT_EQ(connection->command("SHOW synchronous_commit")->text(0, 0),
                  expected.synchronous_commit)
            << expected.options;
        EXPECT_EQ(connection->command("SHOW statement_timeout")->text(0, 0),
                  expected.statement_timeout)
            << expected.options;
    }
}

}  // namespace
}  // namespace headgate::policy
