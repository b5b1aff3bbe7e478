#pragma once

#include "tests/conformance/records/postgres_server.h"
#include "tests/conformance/records/record_store_suite.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace headgate::policy {

/// A database of the test's own in the shared server.
class PostgresTest : public testing::Test {
protected:
    static constexpr std::chrono::seconds kWait{10};

    void SetUp() override {
        if (!PostgresServer::is_installed()) {
            GTEST_SKIP() << "no postgresql on this machine";
        }
        database_ = server().create_database();
    }
    void TearDown() override {
        if (!database_.empty()) {
            server().drop_database(database_);
        }
    }

    static PostgresServer& server() { return PostgresServer::shared(); }
    std::string sql(const std::string& statement) const {
        return server().sql(database_, statement);
    }
    std::string uri() const { return server().uri(database_); }
    /// With settings of the session, "-c statement_timeout=200ms" percent-encoded.
    std::string uri_with(std::string_view options) const {
        return uri() + "?options=" + std::string{options};
    }

    static std::unique_ptr<RecordStore> open(const std::string& uri) {
        Stored<std::unique_ptr<RecordStore>> store = open_postgresql(uri, false, kWait);
        EXPECT_TRUE(store) << store.error().text;
        return store ? std::move(*store) : nullptr;
    }
    static StoreError error_of(const std::string& uri) {
        const auto store = open_postgresql(uri, false, kWait);
        EXPECT_FALSE(store);
        return store ? StoreError{} : store.error();
    }

    /// Waits until a session of this database waits for a lock.
    void await_lock_wait() const {
        while (sql("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                   "AND wait_event_type = 'Lock'") == "0") {
            std::this_thread::yield();
        }
    }
    /// Ends the sessions of this database that wait for a lock, or those that wait for a statement
    /// ("Client").
    void end_sessions_that_wait_for(std::string_view what) const {
        sql("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = '" +
            std::string{what} + "'");
    }
    /// "rows|nanodollars of their day sums"
    std::string stored() const {
        return sql(
            "SELECT (SELECT count(*) FROM ledger) || '|' || "
            "coalesce((SELECT sum(spent_nanos) FROM day_sums), 0)");
    }

    std::string database_;
};

/// Holds the ledger against writers while it lives.
class LedgerLock {
public:
    explicit LedgerLock(const std::string& uri);
    ~LedgerLock();
    LedgerLock(const LedgerLock&) = delete;
    LedgerLock& operator=(const LedgerLock&) = delete;

private:
    struct Session;
    std::unique_ptr<Session> session_;
};

}  // namespace headgate::policy
