#include "policy/store/postgres/postgres_store.h"

#include "policy/store/postgres/schema.h"

namespace headgate::policy {
namespace {

/// Deadlocks and serialization failures among processes that append at once end with the first
/// repetition; more of them mean that something else is wrong.
constexpr int kMostAttempts = 4;

}  // namespace

Stored<void> PostgresStore::connect() {
    const Stored<PgConnection*> connection = new_connection();
    return connection ? Stored<void>{} : std::unexpected(connection.error());
}

Stored<PgConnection*> PostgresStore::new_connection() {
    connection_.reset();
    Stored<PgConnection> opened = PgConnection::open(settings_.hosts, settings_.wait);
    if (!opened) {
        return std::unexpected(std::move(opened.error()));
    }
    if (Stored<void> set_up = set_up_session(*opened, settings_.is_durable); !set_up) {
        return std::unexpected(std::move(set_up.error()));
    }
    if (Stored<void> migrated = bring_schema_up_to_date(*opened); !migrated) {
        return std::unexpected(std::move(migrated.error()));
    }
    return &connection_.emplace(std::move(*opened));
}

Stored<PgConnection*> PostgresStore::live_connection() {
    if (connection_ && connection_->is_alive()) {
        return &*connection_;
    }
    Stored<PgConnection*> connection = new_connection();
    if (!connection) {
        // Also a schema that a newer build has made meanwhile: rows wait for that build, and must
        // not be dropped as rows that no store will ever take.
        connection.error().kind = StoreError::Kind::away;
    }
    return connection;
}

Stored<PgResult> PostgresStore::run(const PgStatement& statement, const PgParams& params) {
    for (int attempt = 1;; ++attempt) {
        const Stored<PgConnection*> connection = live_connection();
        if (!connection) {
            return std::unexpected(connection.error());
        }
        PgAnswer answer = (*connection)->run(statement, params);
        if (answer) {
            return std::move(*answer);
        }
        if (!answer.error().is_connection_usable) {
            connection_.reset();
        }
        if (!answer.error().may_be_repeated || attempt == kMostAttempts) {
            return std::unexpected(std::move(answer.error().error));
        }
    }
}

Stored<void> PostgresStore::run_only(const PgStatement& statement, const PgParams& params) {
    const Stored<PgResult> result = run(statement, params);
    return result ? Stored<void>{} : std::unexpected(result.error());
}

Stored<std::unique_ptr<RecordStore>> open_postgresql(const std::string& uri,
                                                     bool is_durable,
                                                     std::chrono::milliseconds wait) {
    std::expected<std::vector<PgOptions>, std::string> hosts = pg_options_from(uri);
    if (!hosts) {
        return std::unexpected(
            StoreError{.kind = StoreError::Kind::refused, .text = std::move(hosts.error())});
    }
    auto store = std::make_unique<PostgresStore>(PostgresStore::Settings{
        .hosts = std::move(*hosts), .is_durable = is_durable, .wait = wait});
    if (Stored<void> connected = store->connect(); !connected) {
        return std::unexpected(std::move(connected.error()));
    }
    return store;
}

}  // namespace headgate::policy
