#pragma once

#include "policy/keys/budget_settings.h"
#include "policy/keys/project.h"
#include "policy/ledger/row.h"
#include "providers/base/clock.h"
#include "providers/base/money.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::policy {

/// Why a store did not do what it was asked.
struct StoreError {
    /// `away`: not reachable, locked, or full; the same call may work later. `refused`: it never
    /// will (a row that the schema does not take, a newer schema).
    enum class Kind : std::uint8_t { away, refused };

    Kind kind = Kind::away;
    std::string text;  // for the operator's log; no credential
};

template <class T>
using Stored = std::expected<T, StoreError>;

/// Which rows `page` gives. Times are admissions, `from` inclusive, `to` exclusive.
struct LedgerQuery {
    std::string project;  // empty: all
    std::optional<providers::WallTime> from;
    std::optional<providers::WallTime> to;
    std::string after;  // the id of the last row that was seen; empty: from the start
    std::size_t limit = 100;
};

struct LedgerPage {
    std::vector<std::string> rows;  // each one JSON object (docs/operations.md), oldest first
    std::string next;               // id of the last row where more follow; empty: the end
};

/// The sum of one project's day, of the rows that one journal wrote (Journal::instance()).
struct DaySum {
    std::string project;
    Day day;
    std::string instance;
    providers::Money spent;
};

/// By what `usage` adds up. `tag` needs the tag's name.
enum class UsageBy : std::uint8_t { project, model, key, provider, tag };

struct UsageQuery {
    std::optional<providers::WallTime> from;
    std::optional<providers::WallTime> to;
    std::vector<UsageBy> by;
    std::string tag;
};

/// One line of `headgate usage`. Rows that were rolled up by day are in it where their whole day is
/// (tags are not kept then).
struct UsageSum {
    std::vector<std::string> group;  // as UsageQuery::by; "" where a row has none
    std::int64_t requests = 0;       // the sum of `count`
    std::int64_t input_tokens = 0;   // includes cached ones
    std::int64_t cached_input_tokens = 0;
    std::int64_t output_tokens = 0;
    std::int64_t images = 0;
    providers::Money cost;
};

/// A key that the store made.
struct StoredKey {
    KeyDigest digest{};
    std::string project;
    std::string name;
    std::string prefix;
    providers::WallTime created;
    std::optional<providers::WallTime> expires;
    std::optional<providers::WallTime> revoked;
};

struct KeyUse {
    KeyDigest digest{};
    providers::WallTime last_used;
};

struct AuditEntry {
    providers::WallTime time;
    std::string actor;   // the admin key's name, or "cli"
    std::string action;  // "reload", "keys.new", "keys.revoke", …
    std::string detail;  // one line, no secrets
};

/// The durable records: ledger, keys, audit. Backends: SQLite, PostgreSQL; one conformance suite
/// (tests/conformance). An object is used by one thread at a time; several objects, also in several
/// processes, may share one database. Calls block. All SQL is prepared; nothing from outside is
/// ever part of its text.
class RecordStore {
public:
    virtual ~RecordStore() = default;

    /// Stores rows in one transaction, idempotently by id (a row that is there stays as it is), and
    /// adds what is new to the day sums in the same transaction.
    /// `instance` is the journal's that the rows are from.
    virtual Stored<void> append(std::span<const LedgerRow> rows, std::string_view instance) = 0;

    virtual Stored<std::optional<std::string>> find_row(std::string_view id) = 0;  // JSON
    virtual Stored<LedgerPage> page(const LedgerQuery& query) = 0;
    virtual Stored<std::vector<UsageSum>> usage(const UsageQuery& query) = 0;

    /// The sums of all days from `from` on.
    virtual Stored<std::vector<DaySum>> day_sums(Day from) = 0;

    virtual Stored<void> add_key(const StoredKey& key) = 0;
    /// All, revoked and expired ones included.
    virtual Stored<std::vector<StoredKey>> keys() = 0;
    /// By name within the project. False: there is none that is not revoked yet.
    virtual Stored<bool> revoke_key(std::string_view project,
                                    std::string_view name,
                                    providers::WallTime when) = 0;
    /// Of policy keys, too. Keeps the later one.
    virtual Stored<void> note_uses(std::span<const KeyUse> uses) = 0;
    virtual Stored<std::vector<KeyUse>> uses() = 0;

    virtual Stored<void> add_audit(const AuditEntry& entry) = 0;
    virtual Stored<std::vector<AuditEntry>> audit(std::size_t latest) = 0;  // newest first

    /// True for the first caller of all processes: a threshold is told once a period.
    virtual Stored<bool> claim_alert(std::string_view scope,
                                     std::string_view period,
                                     int threshold) = 0;

    /// Rolls up by day and deletes at most `most` rows admitted before `before`; how many it did.
    /// Day sums and usage by project, model, key and provider stay exact.
    virtual Stored<std::size_t> roll_up(providers::WallTime before, std::size_t most) = 0;
};

/// Opens or creates the database at `path` and brings its schema up to date. `is_durable`: a commit
/// survives a power loss.
Stored<std::unique_ptr<RecordStore>> open_sqlite(const std::string& path, bool is_durable);

/// `uri` is libpq's. Connects within `wait`.
Stored<std::unique_ptr<RecordStore>> open_postgresql(const std::string& uri,
                                                     bool is_durable,
                                                     std::chrono::milliseconds wait);

}  // namespace headgate::policy
