#include "proxy/admin/ledger_query.h"

#include "policy/config/scalars.h"
#include "proxy/admin/query.h"
#include "proxy/admin/time_text.h"

#include <algorithm>
#include <charconv>

namespace headgate::proxy {
namespace {

using policy::LedgerQuery;
using providers::Result;

constexpr std::size_t kMostRows = 1000;
constexpr std::size_t kMaxId = 64;

Result<void> read_limit(const std::string& value, LedgerQuery& query) {
    std::size_t limit = 0;
    const char* end = value.data() + value.size();
    const auto [parsed, error] = std::from_chars(value.data(), end, limit);
    if (error != std::errc{} || parsed != end || limit < 1 || limit > kMostRows) {
        return parameter_error("limit", "`limit` must be a number from 1 to 1000.");
    }
    query.limit = limit;
    return {};
}

Result<void> read_moment(std::string_view name,
                         const std::string& value,
                         std::optional<providers::WallTime>& moment) {
    moment = parse_time(value);
    if (!moment) {
        return parameter_error(name, "`" + std::string{name} +
                                         "` must be a date such as 2026-11-25 or a time such as "
                                         "2026-11-25T14:00:00Z.");
    }
    return {};
}

Result<void> read_after(const std::string& value, LedgerQuery& query) {
    if (!is_row_id(value)) {
        return parameter_error("after", "`after` must be the `next` of the page before.");
    }
    query.after = value;
    return {};
}

Result<void> add(LedgerQuery& query, const std::string& name, const std::string& value) {
    if (name == "project") {
        if (!value.empty() && !policy::is_plain_name(value)) {
            return parameter_error(name, "`project` must be the id of a project.");
        }
        query.project = value;
        return {};
    }
    if (name == "after") {
        return read_after(value, query);
    }
    if (name == "limit") {
        return read_limit(value, query);
    }
    if (name == "from") {
        return read_moment(name, value, query.from);
    }
    if (name == "to") {
        return read_moment(name, value, query.to);
    }
    return parameter_error(name,
                           "Unknown parameter: project, after, limit, from and to are known.");
}

}  // namespace

bool is_row_id(std::string_view text) {
    return text.size() <= kMaxId && std::ranges::all_of(text, [](char c) {
               const char lower = static_cast<char>(c | 0x20);
               return (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'z') || c == '_';
           });
}

Result<LedgerQuery> ledger_query_from(std::string_view query) {
    const auto pairs = query_pairs(query, {});
    if (!pairs) {
        return std::unexpected{pairs.error()};
    }
    LedgerQuery read;
    for (const auto& [name, value] : *pairs) {
        if (const Result<void> added = add(read, name, value); !added) {
            return std::unexpected{added.error()};
        }
    }
    return read;
}

}  // namespace headgate::proxy
