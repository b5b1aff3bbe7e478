#pragma once

#include "policy/ledger/record_columns.h"
#include "policy/ledger/record_store.h"
#include "policy/ledger/usage_fold.h"
#include "policy/store/sqlite/sqlite_database.h"
#include "policy/store/sqlite/sqlite_queries.h"

#include <array>
#include <memory>
#include <span>
#include <string_view>

namespace headgate::policy {

/// The records in one SQLite file. Reads and writes of several connections do not wait for each
/// other; writes of two do, for 200 ms at most (then `away`).
///
/// The tables: sqlite_schema.cpp. A page is in the order of (time, id).
class SqliteStore : public RecordStore {
public:
    /// Brings the tables up to date.
    static Stored<std::unique_ptr<RecordStore>> over(SqliteDatabase database);

    Stored<void> append(std::span<const LedgerRow> rows, std::string_view instance) override;
    Stored<std::optional<std::string>> find_row(std::string_view id) override;
    Stored<LedgerPage> page(const LedgerQuery& query) override;
    Stored<std::vector<UsageSum>> usage(const UsageQuery& query) override;
    Stored<std::vector<DaySum>> day_sums(Day from) override;

    Stored<void> add_key(const StoredKey& key) override;
    Stored<std::vector<StoredKey>> keys() override;
    Stored<bool> revoke_key(std::string_view project,
                            std::string_view name,
                            providers::WallTime when) override;
    Stored<void> note_uses(std::span<const KeyUse> uses) override;
    Stored<std::vector<KeyUse>> uses() override;

    Stored<void> add_audit(const AuditEntry& entry) override;
    Stored<std::vector<AuditEntry>> audit(std::size_t latest) override;
    Stored<bool> claim_alert(std::string_view scope,
                             std::string_view period,
                             int threshold) override;
    Stored<std::size_t> roll_up(providers::WallTime before, std::size_t most) override;

private:
    explicit SqliteStore(SqliteDatabase database) : database_{std::move(database)} {}

    SqliteStatement& query(SqliteQuery which) {
        return statements_[static_cast<std::size_t>(which)];
    }
    Stored<bool> insert(const RecordColumns& row);
    Stored<std::int64_t> cursor_time(std::string_view after);
    Stored<void> fold(SqliteQuery which, std::int64_t first, std::int64_t end, UsageFold& into);

    SqliteDatabase database_;
    std::array<SqliteStatement, kSqliteQueries> statements_;  // behind what they must not outlive
    RecordColumnsWriter columns_;
};

}  // namespace headgate::policy
