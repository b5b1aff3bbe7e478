#include "policy/store/sqlite/sqlite_store.h"

#include "policy/store/sqlite/sqlite_schema.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

namespace headgate::policy {
namespace {

std::string_view bytes_of(const KeyDigest& digest) {
    return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

KeyDigest digest_of(std::string_view bytes) {
    KeyDigest digest{};
    std::memcpy(digest.data(), bytes.data(), std::min(bytes.size(), digest.size()));
    return digest;
}

void bind_time(SqliteRun& run, const std::optional<providers::WallTime>& time) {
    if (time) {
        run.bind(to_ms(*time));
    } else {
        run.bind_null();
    }
}

std::optional<providers::WallTime> time_or_none(const SqliteRun& run, int column) {
    return run.is_null(column) ? std::nullopt : std::optional{time_from_ms(run.integer(column))};
}

/// Every row of a run as a T.
template <class T, class Read>
Stored<std::vector<T>> all(SqliteRun& run, Read read) {
    std::vector<T> values;
    while (true) {
        const Stored<bool> is_there = run.next();
        if (!is_there) {
            return std::unexpected(is_there.error());
        }
        if (!*is_there) {
            return values;
        }
        values.push_back(read(run));
    }
}

StoredKey key_of(const SqliteRun& run) {
    return {.digest = digest_of(run.blob(0)),
            .project = std::string(run.text(1)),
            .name = std::string(run.text(2)),
            .prefix = std::string(run.text(3)),
            .created = time_from_ms(run.integer(4)),
            .expires = time_or_none(run, 5),
            .revoked = time_or_none(run, 6)};
}

KeyUse use_of(const SqliteRun& run) {
    return {.digest = digest_of(run.blob(0)), .last_used = time_from_ms(run.integer(1))};
}

AuditEntry audit_of(const SqliteRun& run) {
    return {.time = time_from_ms(run.integer(0)),
            .actor = std::string(run.text(1)),
            .action = std::string(run.text(2)),
            .detail = std::string(run.text(3))};
}

}  // namespace

Stored<std::unique_ptr<RecordStore>> SqliteStore::over(SqliteDatabase database) {
    std::unique_ptr<SqliteStore> store{new SqliteStore(std::move(database))};
    if (Stored<void> ready = bring_schema_up_to_date(store->database_); !ready) {
        if (store->database_.is_damaged()) {
            ready.error().kind = StoreError::Kind::refused;
        }
        return std::unexpected(std::move(ready.error()));
    }
    for (std::size_t i = 0; i < kSqliteQueries; ++i) {
        Stored<SqliteStatement> statement = store->database_.prepare(kSqliteTexts[i]);
        if (!statement) {
            return std::unexpected(statement.error());
        }
        store->statements_[i] = std::move(*statement);
    }
    return store;
}

Stored<std::unique_ptr<RecordStore>> open_sqlite(const std::string& path, bool is_durable) {
    Stored<SqliteDatabase> database = SqliteDatabase::open(path, is_durable);
    if (!database) {
        return std::unexpected(database.error());
    }
    return SqliteStore::over(std::move(*database));
}

Stored<void> SqliteStore::add_key(const StoredKey& key) {
    SqliteRun run{query(SqliteQuery::insert_key)};
    run.bind_blob(bytes_of(key.digest)).bind(key.project).bind(key.name).bind(key.prefix);
    run.bind(to_ms(key.created));
    bind_time(run, key.expires);
    bind_time(run, key.revoked);
    const Stored<void> added = run.finish();
    if (!added && added.error().kind == StoreError::Kind::refused) {
        return std::unexpected(StoreError{
            StoreError::Kind::refused, "project " + key.project + " has a key named " + key.name +
                                           " already, or the key itself is there"});
    }
    return added;
}

Stored<std::vector<StoredKey>> SqliteStore::keys() {
    SqliteRun run{query(SqliteQuery::keys)};
    return all<StoredKey>(run, key_of);
}

Stored<bool> SqliteStore::revoke_key(std::string_view project,
                                     std::string_view name,
                                     providers::WallTime when) {
    SqliteRun run{query(SqliteQuery::revoke_key)};
    const Stored<void> done = run.bind(to_ms(when)).bind(project).bind(name).finish();
    if (!done) {
        return std::unexpected(done.error());
    }
    return database_.changes() > 0;
}

Stored<void> SqliteStore::note_uses(std::span<const KeyUse> uses) {
    Stored<SqliteTransaction> transaction = SqliteTransaction::begin(database_);
    if (!transaction) {
        return std::unexpected(transaction.error());
    }
    for (const KeyUse& use : uses) {
        SqliteRun run{query(SqliteQuery::note_use)};
        run.bind_blob(bytes_of(use.digest)).bind(to_ms(use.last_used));
        if (const Stored<void> done = run.finish(); !done) {
            return done;
        }
    }
    return transaction->commit();
}

Stored<std::vector<KeyUse>> SqliteStore::uses() {
    SqliteRun run{query(SqliteQuery::uses)};
    return all<KeyUse>(run, use_of);
}

Stored<void> SqliteStore::add_audit(const AuditEntry& entry) {
    SqliteRun run{query(SqliteQuery::insert_audit)};
    run.bind(to_ms(entry.time)).bind(entry.actor).bind(entry.action).bind(entry.detail);
    return run.finish();
}

Stored<std::vector<AuditEntry>> SqliteStore::audit(std::size_t latest) {
    SqliteRun run{query(SqliteQuery::latest_audit)};
    run.bind(static_cast<std::int64_t>(
        std::min<std::size_t>(latest, std::numeric_limits<std::int64_t>::max())));
    return all<AuditEntry>(run, audit_of);
}

Stored<bool> SqliteStore::claim_alert(std::string_view scope,
                                      std::string_view period,
                                      int threshold) {
    SqliteRun run{query(SqliteQuery::claim_alert)};
    const Stored<void> done = run.bind(scope).bind(period).bind(threshold).finish();
    if (!done) {
        return std::unexpected(done.error());
    }
    return database_.changes() == 1;
}

}  // namespace headgate::policy
