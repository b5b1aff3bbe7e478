#include "policy/store/sqlite/sqlite_database.h"

#include "policy/store/sqlite/sqlite_error.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <cerrno>
#include <limits>
#include <system_error>

namespace headgate::policy {
namespace {

constexpr int kBusyMilliseconds = 200;

/// The write-ahead log goes into the file after 16 MiB of pages, and is cut down to 64 MiB at most:
/// fewer fsyncs than SQLite's 4 MiB where rows come in by thousands.
constexpr const char* kSettings =
    "PRAGMA wal_autocheckpoint = 4096;"
    "PRAGMA journal_size_limit = 67108864;"
    "PRAGMA cache_size = -16384;"
    "PRAGMA trusted_schema = OFF;";

/// Makes the file with its mode, where there is none. Not by open(): closing a descriptor of the
/// file would drop the locks of this process' other connections to it.
Stored<void> create(const std::string& path) {
    if (::mknod(path.c_str(), S_IFREG | S_IRUSR | S_IWUSR, 0) == 0 || errno == EEXIST) {
        return {};
    }
    return std::unexpected(
        StoreError{StoreError::Kind::away, "records database " + path + " cannot be created: " +
                                               std::generic_category().message(errno)});
}

/// SQLite takes a null pointer for NULL, also with a length of 0.
const char* data_of(std::string_view text) {
    return text.data() == nullptr ? "" : text.data();
}

}  // namespace

void SqliteClose::operator()(sqlite3* database) const noexcept {
    sqlite3_close_v2(database);
}

void SqliteFinalize::operator()(sqlite3_stmt* statement) const noexcept {
    sqlite3_finalize(statement);
}

Stored<SqliteDatabase> SqliteDatabase::open(const std::string& path, bool is_durable) {
    if (const Stored<void> created = create(path); !created) {
        return std::unexpected(created.error());
    }
    sqlite3* opened = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &opened,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    SqliteDatabase database{opened};  // SQLite gives one to be closed also where it failed
    if (code != SQLITE_OK) {
        return std::unexpected(sqlite_error(opened, code));
    }
    Stored<void> configured = database.configure(is_durable);
    if (!configured) {
        if (database.is_damaged()) {
            configured.error().kind = StoreError::Kind::refused;
        }
        return std::unexpected(std::move(configured.error()));
    }
    return database;
}

Stored<void> SqliteDatabase::configure(bool is_durable) {
    if (sqlite3_db_readonly(database_.get(), "main") == 1) {
        return std::unexpected(sqlite_error(database_.get(), SQLITE_READONLY));
    }
    sqlite3_busy_timeout(database_.get(), kBusyMilliseconds);
    Stored<SqliteStatement> mode = prepare("PRAGMA journal_mode = WAL");
    if (!mode) {
        return std::unexpected(mode.error());
    }
    SqliteRun run{*mode};
    const Stored<bool> answered = run.next();
    if (!answered) {
        return std::unexpected(answered.error());
    }
    if (run.text(0) != "wal") {
        return std::unexpected(StoreError{
            StoreError::Kind::away,
            std::string("records database ") + sqlite3_db_filename(database_.get(), "main") +
                " is on a file system without shared memory: SQLite's write-ahead log needs it"});
    }
    const Stored<void> set = execute(kSettings);
    return set ? execute(is_durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL")
               : set;
}

Stored<void> SqliteDatabase::execute(const char* sql) {
    const int code = sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) {
        return std::unexpected(sqlite_error(database_.get(), code));
    }
    return {};
}

Stored<SqliteStatement> SqliteDatabase::prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) {
        return std::unexpected(sqlite_error(database_.get(), code));
    }
    return SqliteStatement{statement};
}

std::int64_t SqliteDatabase::changes() const {
    return sqlite3_changes64(database_.get());
}

bool SqliteDatabase::is_in_transaction() const {
    return sqlite3_get_autocommit(database_.get()) == 0;
}

bool SqliteDatabase::is_damaged() const {
    const int primary = sqlite3_errcode(database_.get()) & 0xff;
    return primary == SQLITE_NOTADB || primary == SQLITE_CORRUPT;
}

SqliteRun::~SqliteRun() {
    sqlite3_reset(statement_);  // its code only repeats what next() has told
    sqlite3_clear_bindings(statement_);
}

void SqliteRun::note(int code) {
    if (problem_ == SQLITE_OK) {
        problem_ = code;
    }
}

SqliteRun& SqliteRun::bind(std::int64_t value) {
    note(sqlite3_bind_int64(statement_, ++bound_, value));
    return *this;
}

SqliteRun& SqliteRun::bind(std::string_view value) {
    note(sqlite3_bind_text64(statement_, ++bound_, data_of(value), value.size(), SQLITE_STATIC,
                             SQLITE_UTF8));
    return *this;
}

SqliteRun& SqliteRun::bind_blob(std::string_view value) {
    note(sqlite3_bind_blob64(statement_, ++bound_, data_of(value), value.size(), SQLITE_STATIC));
    return *this;
}

SqliteRun& SqliteRun::bind_null() {
    note(sqlite3_bind_null(statement_, ++bound_));
    return *this;
}

Stored<bool> SqliteRun::next() {
    const int code = problem_ == SQLITE_OK ? sqlite3_step(statement_) : problem_;
    if (code == SQLITE_ROW) {
        return true;
    }
    if (code == SQLITE_DONE) {
        return false;
    }
    return std::unexpected(sqlite_error(sqlite3_db_handle(statement_), code));
}

Stored<void> SqliteRun::finish() {
    const Stored<bool> done = next();
    if (!done) {
        return std::unexpected(done.error());
    }
    return {};
}

std::int64_t SqliteRun::integer(int column) const {
    return sqlite3_column_int64(statement_, column);
}

std::string_view SqliteRun::text(int column) const {
    const auto* const text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return text == nullptr ? std::string_view{} : std::string_view{text, size};
}

std::string_view SqliteRun::blob(int column) const {
    const auto* const bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return bytes == nullptr ? std::string_view{} : std::string_view{bytes, size};
}

bool SqliteRun::is_null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

Stored<SqliteTransaction> SqliteTransaction::begin(SqliteDatabase& database) {
    return begin(database, "BEGIN IMMEDIATE");
}

Stored<SqliteTransaction> SqliteTransaction::begin_reading(SqliteDatabase& database) {
    return begin(database, "BEGIN");
}

Stored<SqliteTransaction> SqliteTransaction::begin(SqliteDatabase& database, const char* sql) {
    if (const Stored<void> begun = database.execute(sql); !begun) {
        return std::unexpected(begun.error());
    }
    return SqliteTransaction{database};
}

SqliteTransaction::~SqliteTransaction() {
    // SQLite may have undone it by itself, as with a full disk.
    if (database_ != nullptr && database_->is_in_transaction()) {
        // Where even that fails the next one cannot begin and tells so.
        [[maybe_unused]] const Stored<void> undone = database_->execute("ROLLBACK");
    }
}

Stored<void> SqliteTransaction::commit() {
    return database_->execute("COMMIT");
}

}  // namespace headgate::policy
