#include "policy/store/sqlite/sqlite_schema.h"

#include <array>
#include <cstdint>
#include <string>

namespace headgate::policy {
namespace {

/// STRICT, so that a sum that leaves 64 bits is refused and does not become floating point.
constexpr const char* kFirstSchema = R"(
CREATE TABLE schema_version(version INTEGER NOT NULL) STRICT;
INSERT INTO schema_version VALUES(0);

CREATE TABLE ledger(
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE CHECK(id <> ''),
    time_ms INTEGER NOT NULL,
    day INTEGER NOT NULL,
    project TEXT NOT NULL,
    key TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    route TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    requested_model TEXT NOT NULL,
    status INTEGER,
    outcome TEXT NOT NULL,
    input_tokens INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    images INTEGER NOT NULL,
    cost_nanos INTEGER NOT NULL,
    count INTEGER NOT NULL,
    tags TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX ledger_by_time ON ledger(time_ms, id);
CREATE INDEX ledger_by_project ON ledger(project, time_ms, id);

CREATE TABLE day_sums(
    day INTEGER NOT NULL,
    project TEXT NOT NULL,
    instance TEXT NOT NULL,
    spent_nanos INTEGER NOT NULL,
    PRIMARY KEY(day, project, instance)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage_daily(
    day INTEGER NOT NULL,
    project TEXT NOT NULL,
    model TEXT NOT NULL,
    key TEXT NOT NULL,
    provider TEXT NOT NULL,
    requests INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    images INTEGER NOT NULL,
    cost_nanos INTEGER NOT NULL,
    PRIMARY KEY(day, project, model, key, provider)
) STRICT, WITHOUT ROWID;

CREATE TABLE keys(
    digest BLOB PRIMARY KEY CHECK(length(digest) = 32),
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    revoked_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX keys_in_force ON keys(project, name) WHERE revoked_ms IS NULL;

CREATE TABLE key_uses(
    digest BLOB PRIMARY KEY CHECK(length(digest) = 32),
    last_used_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    time_ms INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;

CREATE TABLE alerts(
    scope TEXT NOT NULL,
    period TEXT NOT NULL,
    threshold INTEGER NOT NULL,
    PRIMARY KEY(scope, period, threshold)
) STRICT, WITHOUT ROWID;
)";

/// The n-th brings version n to n + 1. What was released is never edited, only added to.
constexpr std::array kMigrations{kFirstSchema};
constexpr std::int64_t kVersion = kMigrations.size();

Stored<std::int64_t> number(SqliteDatabase& database, std::string_view sql) {
    Stored<SqliteStatement> statement = database.prepare(sql);
    if (!statement) {
        return std::unexpected(statement.error());
    }
    SqliteRun run{*statement};
    const Stored<bool> has_row = run.next();
    if (!has_row) {
        return std::unexpected(has_row.error());
    }
    return *has_row ? run.integer(0) : 0;
}

StoreError refused(std::string text) {
    return {StoreError::Kind::refused, std::move(text)};
}

/// 0: the database is empty.
Stored<std::int64_t> version_of(SqliteDatabase& database) {
    const Stored<std::int64_t> tables =
        number(database, "SELECT count(*) FROM sqlite_schema WHERE type = 'table'");
    if (!tables || *tables == 0) {
        return tables;
    }
    const Stored<std::int64_t> ours = number(
        database, "SELECT count(*) FROM sqlite_schema WHERE name IN ('schema_version', 'ledger')");
    if (!ours) {
        return ours;
    }
    if (*ours != 2) {
        return std::unexpected(
            refused("the records database holds tables of another program: name another file"));
    }
    return number(database, "SELECT version FROM schema_version");
}

Stored<void> migrate(SqliteDatabase& database, std::int64_t from) {
    for (std::int64_t version = from; version < kVersion; ++version) {
        const Stored<void> done = database.execute(kMigrations[static_cast<std::size_t>(version)]);
        if (!done) {
            return done;
        }
    }
    const std::string update = "UPDATE schema_version SET version = " + std::to_string(kVersion);
    return database.execute(update.c_str());
}

/// True where nothing is to do; an error where the database is from a newer program.
Stored<bool> is_current(SqliteDatabase& database, std::int64_t& version) {
    const Stored<std::int64_t> found = version_of(database);
    if (!found) {
        return std::unexpected(found.error());
    }
    if (*found > kVersion) {
        return std::unexpected(refused("the records database has schema " + std::to_string(*found) +
                                       ", this program knows " + std::to_string(kVersion) +
                                       ": it was used by a newer Headgate"));
    }
    version = *found;
    return version == kVersion;
}

}  // namespace

Stored<void> bring_schema_up_to_date(SqliteDatabase& database) {
    std::int64_t version = 0;
    Stored<bool> current = is_current(database, version);
    if (!current) {
        return std::unexpected(current.error());
    }
    if (*current) {
        return {};
    }
    Stored<SqliteTransaction> transaction = SqliteTransaction::begin(database);
    if (!transaction) {
        return std::unexpected(transaction.error());
    }
    current = is_current(database, version);  // under the lock: another process may have been first
    if (!current) {
        return std::unexpected(current.error());
    }
    if (*current) {
        return {};
    }
    if (const Stored<void> migrated = migrate(database, version); !migrated) {
        return migrated;
    }
    return transaction->commit();
}

}  // namespace headgate::policy
