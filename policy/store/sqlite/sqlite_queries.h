#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headgate::policy {

/// All that the store asks once its tables stand; prepared when it opens.
enum class SqliteQuery : std::uint8_t {
    insert_row,
    add_to_day,
    find_row,
    time_of_row,
    page_of_all,
    page_of_project,
    usage_of_rows,
    usage_of_days,
    day_sums,
    roll_up,
    delete_oldest,
    insert_key,
    keys,
    revoke_key,
    note_use,
    uses,
    insert_audit,
    latest_audit,
    claim_alert,
};

inline constexpr std::size_t kSqliteQueries = 19;

/// The text of each, in the order of SqliteQuery.
extern const std::array<std::string_view, kSqliteQueries> kSqliteTexts;

}  // namespace headgate::policy
