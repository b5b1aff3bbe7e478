#include "policy/ledger/record_columns.h"
#include "policy/store/postgres/postgres_store.h"

#include <algorithm>
#include <limits>
#include <map>

namespace headgate::policy {
namespace {

using providers::WallTime;

constexpr PgStatement kAddKey{"add_key", R"sql(
INSERT INTO keys (digest, project, name, prefix, created_ms, expires_ms, revoked_ms)
VALUES ($1::text, $2::text, $3::text, $4::text, $5::bigint, $6::bigint, $7::bigint)
)sql"};

constexpr PgStatement kKeys{"keys", R"sql(
SELECT digest, project, name, prefix, created_ms, expires_ms, revoked_ms FROM keys
ORDER BY created_ms, digest
)sql"};

constexpr PgStatement kRevokeKey{"revoke_key", R"sql(
WITH revoked AS (
    UPDATE keys SET revoked_ms = $3::bigint
    WHERE project = $1::text AND name = $2::text AND revoked_ms IS NULL
    RETURNING 1
)
SELECT count(*) FROM revoked
)sql"};

constexpr PgStatement kNoteUses{"note_uses", R"sql(
INSERT INTO key_uses AS known (digest, last_used_ms)
SELECT * FROM unnest($1::text[], $2::bigint[])
ON CONFLICT (digest) DO UPDATE SET last_used_ms = excluded.last_used_ms
WHERE known.last_used_ms < excluded.last_used_ms
)sql"};

constexpr PgStatement kUses{"uses", "SELECT digest, last_used_ms FROM key_uses ORDER BY digest"};

constexpr PgStatement kAddAudit{"add_audit", R"sql(
INSERT INTO audit (time_ms, actor, action, detail)
VALUES ($1::bigint, $2::text, $3::text, $4::text)
)sql"};

constexpr PgStatement kAudit{
    "audit", "SELECT time_ms, actor, action, detail FROM audit ORDER BY id DESC LIMIT $1::bigint"};

constexpr PgStatement kClaimAlert{"claim_alert", R"sql(
INSERT INTO alerts (scope, period, threshold) VALUES ($1::text, $2::text, $3::bigint)
ON CONFLICT DO NOTHING RETURNING 1
)sql"};

std::optional<std::int64_t> ms_of(const std::optional<WallTime>& time) {
    return time ? std::optional{to_ms(*time)} : std::nullopt;
}

WallTime time_at(const PgResult& result, std::size_t row, std::size_t column) {
    return time_from_ms(result.number(row, column).value_or(0));
}

std::optional<WallTime> time_or_none(const PgResult& result, std::size_t row, std::size_t column) {
    return result.is_null(row, column) ? std::nullopt : std::optional{time_at(result, row, column)};
}

StoreError no_digest() {
    return {.kind = StoreError::Kind::refused,
            .text = "PostgreSQL: a key's digest is not 64 hex digits"};
}

}  // namespace

Stored<void> PostgresStore::add_key(const StoredKey& key) {
    Stored<void> added = run_only(kAddKey, PgParams{}
                                               .text(to_hex(key.digest))
                                               .text(storable_text(key.project))
                                               .text(storable_text(key.name))
                                               .text(storable_text(key.prefix))
                                               .number(to_ms(key.created))
                                               .number_or_null(ms_of(key.expires))
                                               .number_or_null(ms_of(key.revoked)));
    if (!added && added.error().kind == StoreError::Kind::refused) {
        added.error().text = "project " + key.project + " has a key named " + key.name +
                             " already, or the key itself is there";
    }
    return added;
}

Stored<std::vector<StoredKey>> PostgresStore::keys() {
    const Stored<PgResult> found = run(kKeys, {});
    if (!found) {
        return std::unexpected(found.error());
    }
    std::vector<StoredKey> keys;
    keys.reserve(found->rows());
    for (std::size_t row = 0; row < found->rows(); ++row) {
        const std::optional<KeyDigest> digest = digest_from_hex(found->text(row, 0));
        if (!digest) {
            return std::unexpected(no_digest());
        }
        keys.push_back({.digest = *digest,
                        .project = std::string{found->text(row, 1)},
                        .name = std::string{found->text(row, 2)},
                        .prefix = std::string{found->text(row, 3)},
                        .created = time_at(*found, row, 4),
                        .expires = time_or_none(*found, row, 5),
                        .revoked = time_or_none(*found, row, 6)});
    }
    return keys;
}

Stored<bool> PostgresStore::revoke_key(std::string_view project,
                                       std::string_view name,
                                       WallTime when) {
    const Stored<PgResult> revoked =
        run(kRevokeKey,
            PgParams{}.text(storable_text(project)).text(storable_text(name)).number(to_ms(when)));
    if (!revoked) {
        return std::unexpected(revoked.error());
    }
    return revoked->number(0, 0) != 0;
}

Stored<void> PostgresStore::note_uses(std::span<const KeyUse> uses) {
    if (uses.empty()) {
        return {};
    }
    // Each key once, as one statement may touch a row; in order, so that processes that note the
    // same keys at once wait for each other, never in a circle.
    std::map<KeyDigest, std::int64_t> latest;
    for (const KeyUse& use : uses) {
        const std::int64_t ms = to_ms(use.last_used);
        std::int64_t& known = latest.try_emplace(use.digest, ms).first->second;
        known = std::max(known, ms);
    }
    PgArray digests = PgArray::texts();
    PgArray times = PgArray::numbers();
    for (const auto& [digest, ms] : latest) {
        digests.add(to_hex(digest));
        times.add(ms);
    }
    return run_only(kNoteUses, PgParams{}.array(digests).array(times));
}

Stored<std::vector<KeyUse>> PostgresStore::uses() {
    const Stored<PgResult> found = run(kUses, {});
    if (!found) {
        return std::unexpected(found.error());
    }
    std::vector<KeyUse> uses;
    uses.reserve(found->rows());
    for (std::size_t row = 0; row < found->rows(); ++row) {
        const std::optional<KeyDigest> digest = digest_from_hex(found->text(row, 0));
        if (!digest) {
            return std::unexpected(no_digest());
        }
        uses.push_back({.digest = *digest, .last_used = time_at(*found, row, 1)});
    }
    return uses;
}

Stored<void> PostgresStore::add_audit(const AuditEntry& entry) {
    return run_only(kAddAudit, PgParams{}
                                   .number(to_ms(entry.time))
                                   .text(storable_text(entry.actor))
                                   .text(storable_text(entry.action))
                                   .text(storable_text(entry.detail)));
}

Stored<std::vector<AuditEntry>> PostgresStore::audit(std::size_t latest) {
    constexpr std::size_t kMost = std::numeric_limits<std::int64_t>::max();
    const Stored<PgResult> found =
        run(kAudit, PgParams{}.number(static_cast<std::int64_t>(std::min(latest, kMost))));
    if (!found) {
        return std::unexpected(found.error());
    }
    std::vector<AuditEntry> entries;
    entries.reserve(found->rows());
    for (std::size_t row = 0; row < found->rows(); ++row) {
        entries.push_back({.time = time_at(*found, row, 0),
                           .actor = std::string{found->text(row, 1)},
                           .action = std::string{found->text(row, 2)},
                           .detail = std::string{found->text(row, 3)}});
    }
    return entries;
}

Stored<bool> PostgresStore::claim_alert(std::string_view scope,
                                        std::string_view period,
                                        int threshold) {
    const Stored<PgResult> claimed =
        run(kClaimAlert,
            PgParams{}.text(storable_text(scope)).text(storable_text(period)).number(threshold));
    if (!claimed) {
        return std::unexpected(claimed.error());
    }
    return claimed->rows() == 1;
}

}  // namespace headgate::policy
