#include "policy/store/sqlite/sqlite_store.h"

#include <algorithm>
#include <limits>

namespace headgate::policy {

/// Adds up here and not in SQL: reading the rows costs the same, sorting them into groups would be
/// dearer than a hash table, and SQL's own sums stop at 64 bits with an error of no use.
Stored<void> SqliteStore::fold(SqliteQuery which,
                               std::int64_t first,
                               std::int64_t end,
                               UsageFold& into) {
    SqliteRun run{query(which)};
    run.bind(first).bind(end);
    while (true) {
        const Stored<bool> is_there = run.next();
        if (!is_there) {
            return std::unexpected(is_there.error());
        }
        if (!*is_there) {
            return {};
        }
        const bool fits = into.add({.project = run.text(0),
                                    .model = run.text(1),
                                    .key = run.text(2),
                                    .provider = run.text(3),
                                    .tags = run.text(10),
                                    .requests = run.integer(4),
                                    .input_tokens = run.integer(5),
                                    .cached_input_tokens = run.integer(6),
                                    .output_tokens = run.integer(7),
                                    .images = run.integer(8),
                                    .cost_nanos = run.integer(9)});
        if (!fits) {
            return std::unexpected(UsageFold::out_of_range());
        }
    }
}

Stored<std::vector<UsageSum>> SqliteStore::usage(const UsageQuery& asked) {
    const TimeBounds times = time_bounds(asked.from, asked.to);
    const DayBounds days = whole_days(asked.from, asked.to);
    // One view of both tables: a row that is rolled up meanwhile counts once.
    const Stored<SqliteTransaction> view = SqliteTransaction::begin_reading(database_);
    if (!view) {
        return std::unexpected(view.error());
    }
    UsageFold sums{asked};
    Stored<void> folded = fold(SqliteQuery::usage_of_days, days.first, days.end, sums);
    if (folded) {
        folded = fold(SqliteQuery::usage_of_rows, times.from_ms, times.to_ms, sums);
    }
    if (!folded) {
        return std::unexpected(folded.error());
    }
    return sums.take();
}

Stored<std::size_t> SqliteStore::roll_up(providers::WallTime before, std::size_t most) {
    const std::int64_t before_ms = time_bounds(std::nullopt, before).to_ms;
    const auto limit = static_cast<std::int64_t>(
        std::min<std::size_t>(most, std::numeric_limits<std::int64_t>::max()));
    Stored<SqliteTransaction> transaction = SqliteTransaction::begin(database_);
    if (!transaction) {
        return std::unexpected(transaction.error());
    }
    for (const SqliteQuery step : {SqliteQuery::roll_up, SqliteQuery::delete_oldest}) {
        SqliteRun run{query(step)};
        if (const Stored<void> done = run.bind(before_ms).bind(limit).finish(); !done) {
            return std::unexpected(done.error());
        }
    }
    const auto deleted = static_cast<std::size_t>(database_.changes());
    if (const Stored<void> committed = transaction->commit(); !committed) {
        return std::unexpected(committed.error());
    }
    return deleted;
}

}  // namespace headgate::policy
