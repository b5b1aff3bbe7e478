#include "policy/store/sqlite/sqlite_store.h"

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace headgate::policy {
namespace {

struct ProjectDay {
    std::int64_t day;
    std::string project;
};

/// By a stored one or by a row's columns: no text is copied to look.
struct ByProjectDay {
    using is_transparent = void;
    bool operator()(const auto& a, const auto& b) const {
        return a.day != b.day ? a.day < b.day : a.project < b.project;
    }
};

/// What the new rows of one append cost.
using NewSums = std::map<ProjectDay, std::int64_t, ByProjectDay>;

/// False: the sum leaves 64 bits.
bool add(NewSums& sums, const RecordColumns& row) {
    auto found = sums.find(row);
    if (found == sums.end()) {
        found = sums.emplace(ProjectDay{row.day, std::string(row.project)}, 0).first;
    }
    return !__builtin_add_overflow(found->second, row.cost_nanos, &found->second);
}

StoreError day_out_of_range(std::string_view project) {
    return {StoreError::Kind::refused,
            "the sum of a day of project " + std::string(project) + " leaves the range of money"};
}

}  // namespace

Stored<bool> SqliteStore::insert(const RecordColumns& row) {
    SqliteRun run{query(SqliteQuery::insert_row)};
    run.bind(row.id).bind(row.time_ms).bind(row.day).bind(row.project).bind(row.key);
    run.bind(row.endpoint).bind(row.route).bind(row.provider).bind(row.model);
    run.bind(row.requested_model);
    if (row.status) {
        run.bind(*row.status);
    } else {
        run.bind_null();
    }
    run.bind(row.outcome).bind(row.input_tokens).bind(row.cached_input_tokens);
    run.bind(row.output_tokens).bind(row.images).bind(row.cost_nanos).bind(row.count);
    run.bind(row.tags).bind(row.detail);
    const Stored<void> inserted = run.finish();
    if (!inserted) {
        return std::unexpected(inserted.error());
    }
    return database_.changes() == 1;
}

Stored<void> SqliteStore::append(std::span<const LedgerRow> rows, std::string_view instance) {
    Stored<SqliteTransaction> transaction = SqliteTransaction::begin(database_);
    if (!transaction) {
        return std::unexpected(transaction.error());
    }
    NewSums added;
    for (const LedgerRow& row : rows) {
        const RecordColumns& columns = columns_.columns(row);
        const Stored<bool> is_new = insert(columns);
        if (!is_new) {
            return std::unexpected(is_new.error());
        }
        if (*is_new && !add(added, columns)) {
            return std::unexpected(day_out_of_range(columns.project));
        }
    }
    for (const auto& [of, nanos] : added) {
        SqliteRun run{query(SqliteQuery::add_to_day)};
        run.bind(of.day).bind(of.project).bind(instance).bind(nanos);
        const Stored<void> done = run.finish();
        if (!done && done.error().kind == StoreError::Kind::refused) {
            return std::unexpected(day_out_of_range(of.project));
        }
        if (!done) {
            return done;
        }
    }
    return transaction->commit();
}

Stored<std::optional<std::string>> SqliteStore::find_row(std::string_view id) {
    SqliteRun run{query(SqliteQuery::find_row)};
    const Stored<bool> is_there = run.bind(id).next();
    if (!is_there) {
        return std::unexpected(is_there.error());
    }
    return *is_there ? std::optional<std::string>{run.text(0)} : std::nullopt;
}

/// Where a cursor stands. A row that is gone was rolled up, and so were all before it.
Stored<std::int64_t> SqliteStore::cursor_time(std::string_view after) {
    SqliteRun run{query(SqliteQuery::time_of_row)};
    const Stored<bool> is_there = run.bind(after).next();
    if (!is_there) {
        return std::unexpected(is_there.error());
    }
    return *is_there ? run.integer(0)
                     : time_ms_in_id(after).value_or(std::numeric_limits<std::int64_t>::min());
}

Stored<LedgerPage> SqliteStore::page(const LedgerQuery& asked) {
    const Stored<std::int64_t> after = cursor_time(asked.after);
    if (!after) {
        return std::unexpected(after.error());
    }
    const TimeBounds bounds = time_bounds(asked.from, asked.to);
    const std::size_t limit = page_limit(asked);
    SqliteRun run{
        query(asked.project.empty() ? SqliteQuery::page_of_all : SqliteQuery::page_of_project)};
    // The search begins at the cursor, whichever of the two bounds the index is searched by.
    run.bind(std::max(bounds.from_ms, *after)).bind(bounds.to_ms).bind(*after).bind(asked.after);
    if (!asked.project.empty()) {
        run.bind(asked.project);
    }
    run.bind(static_cast<std::int64_t>(limit + 1));

    LedgerPage page;
    std::string last;
    while (true) {
        const Stored<bool> is_there = run.next();
        if (!is_there) {
            return std::unexpected(is_there.error());
        }
        if (!*is_there) {
            return page;
        }
        if (page.rows.size() == limit) {
            page.next = std::move(last);
            return page;
        }
        last = run.text(0);
        page.rows.emplace_back(run.text(1));
    }
}

Stored<std::vector<DaySum>> SqliteStore::day_sums(Day from) {
    SqliteRun run{query(SqliteQuery::day_sums)};
    run.bind(to_day_number(from));
    std::vector<DaySum> sums;
    while (true) {
        const Stored<bool> is_there = run.next();
        if (!is_there) {
            return std::unexpected(is_there.error());
        }
        if (!*is_there) {
            return sums;
        }
        sums.push_back({.project = std::string(run.text(0)),
                        .day = day_from_number(run.integer(1)),
                        .instance = std::string(run.text(2)),
                        .spent = providers::Money::nanos(run.integer(3))});
    }
}

}  // namespace headgate::policy
