#include "policy/store/postgres/schema.h"

#include <array>

namespace headgate::policy {
namespace {

using std::chrono::milliseconds;

/// Beyond the server's own statement_timeout: the way there and back.
constexpr milliseconds kGrace{3000};

/// Texts that are compared are COLLATE "C": by bytes, the same on every server, as the other record
/// stores do. A day sum that leaves 64 bits is refused with the rows that made it so; what is
/// rolled up is numeric, so that old rows always can be.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE ledger (
    id text COLLATE "C" PRIMARY KEY CHECK (id <> ''),
    time_ms bigint NOT NULL,
    day integer NOT NULL,
    project text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    endpoint text COLLATE "C" NOT NULL,
    route text COLLATE "C" NOT NULL,
    provider text COLLATE "C" NOT NULL,
    model text COLLATE "C" NOT NULL,
    requested_model text COLLATE "C" NOT NULL,
    status integer,
    outcome text COLLATE "C" NOT NULL,
    input_tokens bigint NOT NULL,
    cached_input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    images bigint NOT NULL,
    cost_nanos bigint NOT NULL,
    count bigint NOT NULL,
    tags text COLLATE "C" NOT NULL,
    detail text NOT NULL
);
COMMENT ON COLUMN ledger.detail IS 'the whole row as JSON';
CREATE INDEX ledger_by_time ON ledger (time_ms, id);
CREATE INDEX ledger_by_project ON ledger (project, time_ms, id);

CREATE TABLE day_sums (
    project text COLLATE "C" NOT NULL,
    day integer NOT NULL,
    instance text COLLATE "C" NOT NULL,
    spent_nanos bigint NOT NULL,
    PRIMARY KEY (project, day, instance)
) WITH (fillfactor = 50);
CREATE INDEX day_sums_by_day ON day_sums (day);

CREATE TABLE usage_daily (
    day integer NOT NULL,
    project text COLLATE "C" NOT NULL,
    model text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    provider text COLLATE "C" NOT NULL,
    requests numeric NOT NULL,
    input_tokens numeric NOT NULL,
    cached_input_tokens numeric NOT NULL,
    output_tokens numeric NOT NULL,
    images numeric NOT NULL,
    cost_nanos numeric NOT NULL,
    PRIMARY KEY (day, project, model, key, provider)
);

CREATE TABLE keys (
    digest text COLLATE "C" PRIMARY KEY,
    project text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    prefix text NOT NULL,
    created_ms bigint NOT NULL,
    expires_ms bigint,
    revoked_ms bigint
);
CREATE UNIQUE INDEX keys_in_force ON keys (project, name) WHERE revoked_ms IS NULL;

CREATE TABLE key_uses (
    digest text COLLATE "C" PRIMARY KEY,
    last_used_ms bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    time_ms bigint NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    detail text NOT NULL
);

CREATE TABLE alerts (
    scope text COLLATE "C" NOT NULL,
    period text COLLATE "C" NOT NULL,
    threshold integer NOT NULL,
    PRIMARY KEY (scope, period, threshold)
);

CREATE TABLE schema_version (version bigint NOT NULL);
INSERT INTO schema_version VALUES (0);
)sql";

/// Step i leads from version i to version i + 1. A released step is never changed.
constexpr std::array kSteps{kVersion1};
static_assert(kSteps.size() == kPgSchemaVersion);

constexpr PgStatement kHasVersion{
    "has_version",
    "SELECT count(*) FROM pg_catalog.pg_class WHERE oid = to_regclass('schema_version')"};
constexpr PgStatement kReadVersion{"read_version", "SELECT max(version) FROM schema_version"};
constexpr PgStatement kWriteVersion{"write_version",
                                    "UPDATE schema_version SET version = $1::bigint"};
/// The number means nothing but "the migrations of Headgate": its name in ASCII.
constexpr PgStatement kLock{"migration_lock",
                            "SELECT pg_advisory_xact_lock(x'4865616467617465'::bigint)"};

constexpr PgStatement kSetUp{
    "set_up",
    "SELECT current_setting('server_encoding'), "
    "CASE WHEN current_setting('synchronous_commit') = 'off' OR "
    "($1::boolean AND current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')) "
    "THEN set_config('synchronous_commit', CASE WHEN $1::boolean THEN 'on' ELSE 'local' END, "
    "false) "
    "END, "
    "CASE WHEN current_setting('statement_timeout') = '0' "
    "THEN set_config('statement_timeout', '5s', false) END"};
constexpr PgStatement kReadTimeout{
    "read_timeout", "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'statement_timeout'"};

/// 0 where there are no tables yet.
std::expected<std::int64_t, PgFailure> read_version(PgConnection& connection) {
    const PgAnswer has_version = connection.run(kHasVersion, {});
    if (!has_version) {
        return std::unexpected(has_version.error());
    }
    if (has_version->number(0, 0) == 0) {
        return 0;
    }
    const PgAnswer version = connection.run(kReadVersion, {});
    if (!version) {
        return std::unexpected(version.error());
    }
    return version->number(0, 0).value_or(0);
}

StoreError newer_schema(std::int64_t version) {
    return {.kind = StoreError::Kind::refused,
            .text = "PostgreSQL: the schema has version " + std::to_string(version) +
                    ", this build knows " + std::to_string(kPgSchemaVersion) +
                    ": it was made by a newer one"};
}

std::expected<std::int64_t, PgFailure> migrate(PgConnection& connection) {
    if (const PgAnswer begun = connection.command("BEGIN"); !begun) {
        return std::unexpected(begun.error());
    }
    if (const PgAnswer locked = connection.run(kLock, {}); !locked) {
        return std::unexpected(locked.error());
    }
    // Anew: another process may have migrated while this one waited for the lock.
    std::expected<std::int64_t, PgFailure> version = read_version(connection);
    if (version && *version < kPgSchemaVersion) {
        for (std::size_t step = static_cast<std::size_t>(*version); step < kSteps.size(); ++step) {
            if (const PgAnswer done = connection.command(kSteps[step]); !done) {
                return std::unexpected(done.error());
            }
        }
        const PgAnswer written = connection.run(kWriteVersion, PgParams{}.number(kPgSchemaVersion));
        if (!written) {
            return std::unexpected(written.error());
        }
        version = kPgSchemaVersion;
    }
    if (const PgAnswer ended = connection.command("COMMIT"); !ended) {
        return std::unexpected(ended.error());
    }
    return version;
}

/// Whatever kept the schema from being made, no row is to be dropped for it.
StoreError away(const PgFailure& failure) {
    return {.kind = StoreError::Kind::away, .text = failure.error.text};
}

}  // namespace

Stored<void> bring_schema_up_to_date(PgConnection& connection) {
    std::expected<std::int64_t, PgFailure> version = read_version(connection);
    if (version && *version < kPgSchemaVersion) {
        version = migrate(connection);
    }
    if (!version) {
        return std::unexpected(away(version.error()));
    }
    if (*version > kPgSchemaVersion) {
        return std::unexpected(newer_schema(*version));
    }
    return {};
}

Stored<void> set_up_session(PgConnection& connection, bool is_durable) {
    const PgAnswer session = connection.run(kSetUp, PgParams{}.boolean(is_durable));
    if (!session) {
        return std::unexpected(away(session.error()));
    }
    const std::string_view encoding = session->text(0, 0);
    if (encoding != "UTF8" && encoding != "SQL_ASCII") {
        return std::unexpected(StoreError{.kind = StoreError::Kind::refused,
                                          .text = "PostgreSQL: the database keeps text as " +
                                                  std::string{encoding} +
                                                  "; it must be created with ENCODING 'UTF8'"});
    }
    const PgAnswer timeout = connection.run(kReadTimeout, {});
    if (!timeout) {
        return std::unexpected(away(timeout.error()));
    }
    connection.set_patience(milliseconds{timeout->number(0, 0).value_or(0)} + kGrace);
    return {};
}

}  // namespace headgate::policy
