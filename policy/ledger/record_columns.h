#pragma once

#include "policy/ledger/record_store.h"
#include "policy/ledger/row.h"
#include "providers/base/clock.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace headgate::policy {

/// What every record store keeps of a row in columns of its own, and the whole row as JSON beside
/// them. Texts are valid UTF-8 without NUL; "" where the row has none.
struct RecordColumns {
    std::string_view id;
    std::int64_t time_ms = 0;  // since 1970, UTC
    std::int64_t day = 0;      // since 1970-01-01, of UTC
    std::string_view project;
    std::string_view key;
    std::string_view endpoint;
    std::string_view route;
    std::string_view provider;
    std::string_view model;
    std::string_view requested_model;
    std::optional<int> status;
    std::string_view outcome;
    std::int64_t input_tokens = 0;  // includes cached ones
    std::int64_t cached_input_tokens = 0;
    std::int64_t output_tokens = 0;
    std::int64_t images = 0;
    std::int64_t cost_nanos = 0;
    std::int64_t count = 1;
    std::string_view tags;    // "team=a,feature=b"
    std::string_view detail;  // the row as JSON (docs/operations.md)
};

/// Turns rows into columns, one at a time, in memory that it uses again: what columns() gave holds
/// until the next call, and as long as the row's own texts.
class RecordColumnsWriter {
public:
    const RecordColumns& columns(const LedgerRow& row);

private:
    std::string_view storable(std::string_view text);

    RecordColumns columns_;
    std::string detail_;
    std::array<std::string, 10> replaced_;  // texts that could not be stored as they are
    std::size_t replaced_count_ = 0;
};

/// True for valid UTF-8 without NUL: what every backend takes as text.
bool is_storable(std::string_view text);
/// The text with U+FFFD for each byte that is not part of valid UTF-8 and for each NUL.
std::string storable_text(std::string_view text);

/// Milliseconds since 1970, rounded down: how the stores keep times.
std::int64_t to_ms(providers::WallTime time);
/// Back again; a number that the clock's type cannot hold becomes its nearest end.
providers::WallTime time_from_ms(std::int64_t ms);
/// Days since 1970-01-01.
std::int64_t to_day_number(Day day);
Day day_from_number(std::int64_t number);

/// `from` and `to` of a query as bounds on the stored milliseconds: from_ms <= time_ms < to_ms.
struct TimeBounds {
    std::int64_t from_ms = std::numeric_limits<std::int64_t>::min();
    std::int64_t to_ms = std::numeric_limits<std::int64_t>::max();
};
TimeBounds time_bounds(const std::optional<providers::WallTime>& from,
                       const std::optional<providers::WallTime>& to);

/// The days that lie in [from, to) as a whole: first <= day < end, by day number.
struct DayBounds {
    std::int64_t first = std::numeric_limits<std::int64_t>::min();
    std::int64_t end = std::numeric_limits<std::int64_t>::max();
};
DayBounds whole_days(const std::optional<providers::WallTime>& from,
                     const std::optional<providers::WallTime>& to);

/// Pages are in the order of (time_ms, id). This is the admission time that one of our ids carries
/// ("req_" and a ULID), where the row of a cursor is no longer there (or not yet); nullopt for a
/// text that is not one of our ids: the page then starts at the beginning.
std::optional<std::int64_t> time_ms_in_id(std::string_view id);

/// LedgerQuery::limit within 1 to 1000.
std::size_t page_limit(const LedgerQuery& query);

/// The value of the tag `name` in "team=a,feature=b"; "" where there is none. Of a name that stands
/// twice the last value holds, as in the row's JSON.
std::string_view tag_value(std::string_view tags, std::string_view name);

}  // namespace headgate::policy
