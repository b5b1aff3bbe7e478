#include "policy/ledger/record_columns.h"
#include "policy/ledger/usage_fold.h"
#include "policy/store/postgres/postgres_store.h"

#include <algorithm>
#include <array>

namespace headgate::policy {
namespace {

/// Rows, and days that were rolled up. Columns that are not asked for are "", so that the server
/// adds up over them.
constexpr PgStatement kUsage{"usage", R"sql(
SELECT CASE WHEN $5::boolean THEN project ELSE '' END, CASE WHEN $6::boolean THEN model ELSE '' END,
       CASE WHEN $7::boolean THEN key ELSE '' END, CASE WHEN $8::boolean THEN provider ELSE '' END,
       CASE WHEN $9::boolean THEN tags ELSE '' END,
       sum(count), sum(input_tokens), sum(cached_input_tokens), sum(output_tokens), sum(images),
       sum(cost_nanos)
FROM ledger WHERE time_ms >= $1::bigint AND time_ms < $2::bigint GROUP BY 1, 2, 3, 4, 5
UNION ALL
SELECT CASE WHEN $5::boolean THEN project ELSE '' END, CASE WHEN $6::boolean THEN model ELSE '' END,
       CASE WHEN $7::boolean THEN key ELSE '' END, CASE WHEN $8::boolean THEN provider ELSE '' END,
       '',
       sum(requests), sum(input_tokens), sum(cached_input_tokens), sum(output_tokens), sum(images),
       sum(cost_nanos)
FROM usage_daily WHERE day >= $3::bigint AND day < $4::bigint GROUP BY 1, 2, 3, 4
)sql"};

constexpr PgStatement kDaySums{"day_sums", R"sql(
SELECT project, day, instance, spent_nanos FROM day_sums WHERE day >= $1::bigint
ORDER BY project, day, instance
)sql"};

/// The sums of one line; nullopt where one is beyond 64 bits.
std::optional<UsageLine> line_from(const PgResult& result, std::size_t row) {
    constexpr std::size_t kTexts = 5;
    constexpr std::size_t kSums = 6;
    std::array<std::int64_t, kSums> sums{};
    for (std::size_t i = 0; i < kSums; ++i) {
        const std::optional<std::int64_t> sum = result.number(row, kTexts + i);
        if (!sum) {
            return std::nullopt;
        }
        sums[i] = *sum;
    }
    return UsageLine{.project = result.text(row, 0),
                     .model = result.text(row, 1),
                     .key = result.text(row, 2),
                     .provider = result.text(row, 3),
                     .tags = result.text(row, 4),
                     .requests = sums[0],
                     .input_tokens = sums[1],
                     .cached_input_tokens = sums[2],
                     .output_tokens = sums[3],
                     .images = sums[4],
                     .cost_nanos = sums[5]};
}

}  // namespace

Stored<std::vector<UsageSum>> PostgresStore::usage(const UsageQuery& query) {
    const TimeBounds bounds = time_bounds(query.from, query.to);
    const DayBounds days = whole_days(query.from, query.to);
    PgParams params;
    params.number(bounds.from_ms).number(bounds.to_ms).number(days.first).number(days.end);
    for (const UsageBy by :
         {UsageBy::project, UsageBy::model, UsageBy::key, UsageBy::provider, UsageBy::tag}) {
        params.boolean(std::ranges::find(query.by, by) != query.by.end());
    }
    const Stored<PgResult> lines = run(kUsage, params);
    if (!lines) {
        return std::unexpected(lines.error());
    }
    UsageFold fold{query};
    for (std::size_t row = 0; row < lines->rows(); ++row) {
        const std::optional<UsageLine> line = line_from(*lines, row);
        if (!line || !fold.add(*line)) {
            return std::unexpected(UsageFold::out_of_range());
        }
    }
    return fold.take();
}

Stored<std::vector<DaySum>> PostgresStore::day_sums(Day from) {
    const Stored<PgResult> found = run(kDaySums, PgParams{}.number(to_day_number(from)));
    if (!found) {
        return std::unexpected(found.error());
    }
    std::vector<DaySum> sums;
    sums.reserve(found->rows());
    for (std::size_t row = 0; row < found->rows(); ++row) {
        sums.push_back({.project = std::string{found->text(row, 0)},
                        .day = day_from_number(found->number(row, 1).value_or(0)),
                        .instance = std::string{found->text(row, 2)},
                        .spent = providers::Money::nanos(found->number(row, 3).value_or(0))});
    }
    return sums;
}

}  // namespace headgate::policy
