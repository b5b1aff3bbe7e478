#pragma once

#include "policy/ledger/record_store.h"
#include "policy/store/postgres/connection.h"

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace headgate::policy {

/// The records in PostgreSQL (12 or later). Every call is one statement and so one transaction: a
/// process that dies, or is stopped, holds no lock. A call that finds the connection lost connects
/// again, within `wait`; a call whose connection breaks under way is `away`, and whether it was
/// done is not known: append() is then repeated, which changes nothing where it was.
///
/// Needs a session of its own: behind a pooler, one that pools sessions.
class PostgresStore final : public RecordStore {
public:
    struct Settings {
        std::vector<PgOptions> hosts;
        bool is_durable = false;
        std::chrono::milliseconds wait{0};
    };

    explicit PostgresStore(Settings settings) : settings_{std::move(settings)} {}

    /// Connects and brings the schema up to date.
    Stored<void> connect();

    /// The rows go as one message: at most about 1 GB.
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

    /// Rows that another process rolls up at the same time are left to it.
    Stored<std::size_t> roll_up(providers::WallTime before, std::size_t most) override;

private:
    struct Position {
        std::int64_t time_ms = 0;
        std::string id;
    };

    Stored<PgResult> run(const PgStatement& statement, const PgParams& params);
    Stored<void> run_only(const PgStatement& statement, const PgParams& params);
    Stored<PgConnection*> new_connection();
    Stored<PgConnection*> live_connection();
    Stored<Position> position_after(std::string_view id);

    Settings settings_;
    std::optional<PgConnection> connection_;
};

}  // namespace headgate::policy
