#include "policy/ledger/record_columns.h"
#include "policy/store/postgres/postgres_store.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

namespace headgate::policy {
namespace {

/// Locks are taken in one order by every process: first ids, ascending, as they are given; then day
/// sums, ascending. So two that append the same rows wait for each other, never in a circle.
constexpr PgStatement kAppend{"append", R"sql(
WITH added AS (
    INSERT INTO ledger (id, time_ms, day, project, key, endpoint, route, provider, model,
                        requested_model, status, outcome, input_tokens, cached_input_tokens,
                        output_tokens, images, cost_nanos, count, tags, detail)
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[],
                         $7::text[], $8::text[], $9::text[], $10::text[], $11::bigint[],
                         $12::text[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[],
                         $17::bigint[], $18::bigint[], $19::text[], $20::text[])
    ON CONFLICT (id) DO NOTHING
    RETURNING project, day, cost_nanos
)
INSERT INTO day_sums AS known (project, day, instance, spent_nanos)
SELECT project, day, $21::text, sum(cost_nanos) FROM added
GROUP BY project, day ORDER BY project, day
ON CONFLICT (project, day, instance) DO UPDATE SET
    spent_nanos = known.spent_nanos + excluded.spent_nanos
)sql"};

constexpr PgStatement kFindRow{"find_row", "SELECT detail FROM ledger WHERE id = $1::text"};
constexpr PgStatement kTimeOfRow{"time_of_row", "SELECT time_ms FROM ledger WHERE id = $1::text"};

constexpr PgStatement kPage{"page", R"sql(
SELECT id, detail FROM ledger
WHERE time_ms >= $1::bigint AND time_ms < $2::bigint AND (time_ms, id) > ($3::bigint, $4::text)
ORDER BY time_ms, id LIMIT $5::bigint
)sql"};

constexpr PgStatement kProjectPage{"project_page", R"sql(
SELECT id, detail FROM ledger
WHERE project = $6::text
  AND time_ms >= $1::bigint AND time_ms < $2::bigint AND (time_ms, id) > ($3::bigint, $4::text)
ORDER BY time_ms, id LIMIT $5::bigint
)sql"};

/// Rows and what becomes of them, in one statement: a reader sees a row in one place or the other.
constexpr PgStatement kRollUp{"roll_up", R"sql(
WITH old AS (
    SELECT id FROM ledger WHERE time_ms < $1::bigint
    ORDER BY time_ms, id LIMIT $2::bigint FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM ledger WHERE id = ANY (ARRAY(SELECT id FROM old))
    RETURNING day, project, model, key, provider, count, input_tokens, cached_input_tokens,
              output_tokens, images, cost_nanos
), rolled AS (
    INSERT INTO usage_daily AS known (day, project, model, key, provider, requests, input_tokens,
                                      cached_input_tokens, output_tokens, images, cost_nanos)
    SELECT day, project, model, key, provider, sum(count), sum(input_tokens),
           sum(cached_input_tokens), sum(output_tokens), sum(images), sum(cost_nanos)
    FROM gone GROUP BY day, project, model, key, provider
    ORDER BY day, project, model, key, provider
    ON CONFLICT (day, project, model, key, provider) DO UPDATE SET
        requests = known.requests + excluded.requests,
        input_tokens = known.input_tokens + excluded.input_tokens,
        cached_input_tokens = known.cached_input_tokens + excluded.cached_input_tokens,
        output_tokens = known.output_tokens + excluded.output_tokens,
        images = known.images + excluded.images,
        cost_nanos = known.cost_nanos + excluded.cost_nanos
)
SELECT count(*) FROM gone
)sql"};

/// The columns of many rows, in the order of kAppend's parameters.
class ColumnArrays {
public:
    void add(const RecordColumns& row) {
        std::size_t text = 0;
        for (const std::string_view value :
             {row.id, row.project, row.key, row.endpoint, row.route, row.provider, row.model,
              row.requested_model, row.outcome, row.tags, row.detail}) {
            texts_[text++].add(value);
        }
        std::size_t number = 0;
        for (const std::int64_t value :
             {row.time_ms, row.day, row.input_tokens, row.cached_input_tokens, row.output_tokens,
              row.images, row.cost_nanos, row.count}) {
            numbers_[number++].add(value);
        }
        if (row.status) {
            status_.add(std::int64_t{*row.status});
        } else {
            status_.add_null();
        }
    }

    PgParams params(std::string_view instance) const {
        PgParams params;
        params.array(texts_[0]).array(numbers_[0]).array(numbers_[1]);
        for (std::size_t i = 1; i < 8; ++i) {
            params.array(texts_[i]);
        }
        params.array(status_).array(texts_[8]);
        for (std::size_t i = 2; i < 8; ++i) {
            params.array(numbers_[i]);
        }
        params.array(texts_[9]).array(texts_[10]).text(instance);
        return params;
    }

private:
    std::vector<PgArray> texts_ = std::vector(11, PgArray::texts());
    std::vector<PgArray> numbers_ = std::vector(8, PgArray::numbers());
    PgArray status_ = PgArray::numbers();
};

}  // namespace

Stored<void> PostgresStore::append(std::span<const LedgerRow> rows, std::string_view instance) {
    if (rows.empty()) {
        return {};
    }
    std::vector<std::size_t> order(rows.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    // Of an id that stands twice the first row is kept.
    std::ranges::sort(order, {}, [&](std::size_t i) { return std::pair{rows[i].id, i}; });

    RecordColumnsWriter writer;
    ColumnArrays arrays;
    for (const std::size_t i : order) {
        arrays.add(writer.columns(rows[i]));
    }
    return run_only(kAppend, arrays.params(storable_text(instance)));
}

Stored<std::optional<std::string>> PostgresStore::find_row(std::string_view id) {
    const Stored<PgResult> found = run(kFindRow, PgParams{}.text(storable_text(id)));
    if (!found) {
        return std::unexpected(found.error());
    }
    if (found->rows() == 0) {
        return std::nullopt;
    }
    return std::string{found->text(0, 0)};
}

Stored<PostgresStore::Position> PostgresStore::position_after(std::string_view id) {
    Position position{.time_ms = std::numeric_limits<std::int64_t>::min(), .id = storable_text(id)};
    if (id.empty()) {
        return position;
    }
    const Stored<PgResult> found = run(kTimeOfRow, PgParams{}.text(position.id));
    if (!found) {
        return std::unexpected(found.error());
    }
    if (found->rows() != 0) {
        position.time_ms = found->number(0, 0).value_or(position.time_ms);
    } else if (const std::optional<std::int64_t> time_ms = time_ms_in_id(id)) {
        position.time_ms = *time_ms;
    } else {
        position.id.clear();
    }
    return position;
}

Stored<LedgerPage> PostgresStore::page(const LedgerQuery& query) {
    const Stored<Position> after = position_after(query.after);
    if (!after) {
        return std::unexpected(after.error());
    }
    const TimeBounds bounds = time_bounds(query.from, query.to);
    const std::size_t limit = page_limit(query);
    PgParams params;
    // The search begins at the cursor, whichever of the two bounds the index is searched by.
    params.number(std::max(bounds.from_ms, after->time_ms)).number(bounds.to_ms);
    params.number(after->time_ms).text(after->id);
    params.number(static_cast<std::int64_t>(limit) + 1);  // one more: does anything follow?
    if (!query.project.empty()) {
        params.text(storable_text(query.project));
    }
    const Stored<PgResult> found = run(query.project.empty() ? kPage : kProjectPage, params);
    if (!found) {
        return std::unexpected(found.error());
    }
    LedgerPage page;
    const std::size_t given = std::min(found->rows(), limit);
    for (std::size_t row = 0; row < given; ++row) {
        page.rows.emplace_back(found->text(row, 1));
    }
    if (found->rows() > limit) {
        page.next = found->text(limit - 1, 0);
    }
    return page;
}

Stored<std::size_t> PostgresStore::roll_up(providers::WallTime before, std::size_t most) {
    constexpr std::size_t kMost = std::numeric_limits<std::int64_t>::max();
    const Stored<PgResult> rolled =
        run(kRollUp, PgParams{}
                         .number(time_bounds(before, std::nullopt).from_ms)
                         .number(static_cast<std::int64_t>(std::min(most, kMost))));
    if (!rolled) {
        return std::unexpected(rolled.error());
    }
    return static_cast<std::size_t>(rolled->number(0, 0).value_or(0));
}

}  // namespace headgate::policy
