#pragma once

#include "policy/ledger/record_store.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

struct sqlite3;
struct sqlite3_stmt;

namespace headgate::policy {

struct SqliteClose {
    void operator()(sqlite3* database) const noexcept;
};
struct SqliteFinalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
};

/// Prepared once, run often: see SqliteRun. Must not outlive its database.
class SqliteStatement {
public:
    SqliteStatement() = default;
    explicit SqliteStatement(sqlite3_stmt* statement) : statement_{statement} {}

private:
    friend class SqliteRun;
    std::unique_ptr<sqlite3_stmt, SqliteFinalize> statement_;
};

/// A connection to one database file, used by one thread at a time.
///
/// Errors: `away` for what may pass or what an operator can repair (locked, full, read-only, not
/// there, damaged): rows wait then and nothing is lost. `refused` where the content of a statement
/// is at fault (constraints).
class SqliteDatabase {
public:
    /// Opens or creates the file (mode 0600) with a write-ahead log. `is_durable`: a commit reaches
    /// the disk before it returns; otherwise a power loss may take the latest ones, and a kill
    /// none.
    static Stored<SqliteDatabase> open(const std::string& path, bool is_durable);

    /// Runs statements that give no rows.
    Stored<void> execute(const char* sql);
    Stored<SqliteStatement> prepare(std::string_view sql);
    /// How many rows the latest insert, update or delete has changed.
    std::int64_t changes() const;
    bool is_in_transaction() const;
    /// The latest call failed because the file is no database, or a damaged one.
    bool is_damaged() const;

private:
    explicit SqliteDatabase(sqlite3* database) : database_{database} {}
    Stored<void> configure(bool is_durable);

    std::unique_ptr<sqlite3, SqliteClose> database_;
};

/// One execution of a statement. Values are bound in the order of their question marks and must
/// live until the run ends; its end gives the statement back and closes what it read.
class SqliteRun {
public:
    explicit SqliteRun(SqliteStatement& statement) : statement_{statement.statement_.get()} {}
    ~SqliteRun();
    SqliteRun(const SqliteRun&) = delete;
    SqliteRun& operator=(const SqliteRun&) = delete;

    SqliteRun& bind(std::int64_t value);
    SqliteRun& bind(std::string_view value);
    SqliteRun& bind_blob(std::string_view value);
    SqliteRun& bind_null();

    /// True: a row is there to be read; false: no more.
    Stored<bool> next();
    /// Runs a statement that gives no rows.
    Stored<void> finish();

    // Of the row, by column from 0. Texts hold until the next call of next().
    std::int64_t integer(int column) const;
    std::string_view text(int column) const;
    std::string_view blob(int column) const;
    bool is_null(int column) const;

private:
    void note(int code);

    sqlite3_stmt* statement_;
    int bound_ = 0;
    int problem_ = 0;  // the first bind that failed
};

/// Writes that are stored all or none, or reads that see one state. Undone when destroyed
/// uncommitted; runs must have ended then.
class SqliteTransaction {
public:
    /// Takes the write lock at once: a transaction that reads first could not wait for it later.
    static Stored<SqliteTransaction> begin(SqliteDatabase& database);
    static Stored<SqliteTransaction> begin_reading(SqliteDatabase& database);
    SqliteTransaction(SqliteTransaction&& other) noexcept
        : database_{std::exchange(other.database_, nullptr)} {}
    SqliteTransaction& operator=(SqliteTransaction&&) = delete;
    ~SqliteTransaction();

    Stored<void> commit();

private:
    explicit SqliteTransaction(SqliteDatabase& database) : database_{&database} {}
    static Stored<SqliteTransaction> begin(SqliteDatabase& database, const char* sql);

    SqliteDatabase* database_;
};

}  // namespace headgate::policy
