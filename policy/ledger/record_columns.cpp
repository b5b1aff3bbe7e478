#include "policy/ledger/record_columns.h"

#include "policy/ledger/row_json.h"
#include "providers/contract/json_text.h"

#include <algorithm>
#include <chrono>

namespace headgate::policy {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kIdPrefix = "req_";
constexpr std::size_t kIdDigits = 26;
constexpr std::size_t kTimeDigits = 10;  // 48 bits of milliseconds
constexpr std::string_view kBase32 = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr std::size_t kMostRowsOfPage = 1000;

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

}  // namespace

bool is_storable(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] == '\0') {
            return false;
        }
        const std::size_t length = providers::utf8_length(text, at);
        if (length == 0) {
            return false;
        }
        at += length;
    }
    return true;
}

std::string storable_text(std::string_view text) {
    std::string storable;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = text[at] == '\0' ? 0 : providers::utf8_length(text, at);
        storable += length == 0 ? kReplacement : text.substr(at, length);
        at += std::max<std::size_t>(length, 1);
    }
    return storable;
}

std::string_view RecordColumnsWriter::storable(std::string_view text) {
    if (is_storable(text)) {
        return text;
    }
    std::string& replaced = replaced_[replaced_count_++];
    replaced = storable_text(text);
    return replaced;
}

const RecordColumns& RecordColumnsWriter::columns(const LedgerRow& row) {
    detail_.clear();
    replaced_count_ = 0;
    append_ledger_json(detail_, row);
    columns_ = {.id = storable(row.id),
                .time_ms = to_ms(row.time),
                .day = to_day_number(day_of(row.time)),
                .project = storable(row.project),
                .key = storable(row.key),
                .endpoint = storable(row.endpoint),
                .route = storable(row.route),
                .provider = storable(row.provider),
                .model = storable(row.model),
                .requested_model = storable(row.requested_model),
                .status = row.status,
                .outcome = to_string(row.outcome),
                .input_tokens = row.usage.total_input().count,
                .cached_input_tokens = row.usage.cached_input.count,
                .output_tokens = row.usage.total_output().count,
                .images = row.usage.images,
                .cost_nanos = row.cost.nanos(),
                .count = row.count,
                .tags = storable(row.tags),
                .detail = detail_};
    return columns_;
}

std::int64_t to_ms(providers::WallTime time) {
    return std::chrono::floor<milliseconds>(time).time_since_epoch().count();
}

providers::WallTime time_from_ms(std::int64_t ms) {
    using providers::WallTime;
    constexpr auto kFirst = std::chrono::ceil<milliseconds>(WallTime::min().time_since_epoch());
    constexpr auto kLast = std::chrono::floor<milliseconds>(WallTime::max().time_since_epoch());
    return WallTime{std::clamp(milliseconds{ms}, kFirst, kLast)};
}

std::int64_t to_day_number(Day day) {
    return day.time_since_epoch().count();
}

Day day_from_number(std::int64_t number) {
    return Day{std::chrono::days{number}};
}

TimeBounds time_bounds(const std::optional<providers::WallTime>& from,
                       const std::optional<providers::WallTime>& to) {
    // Rounded up, since the stored times are rounded down: a row of 0.5 ms is before 0.7 ms.
    TimeBounds bounds;
    if (from) {
        bounds.from_ms = std::chrono::ceil<milliseconds>(*from).time_since_epoch().count();
    }
    if (to) {
        bounds.to_ms = std::chrono::ceil<milliseconds>(*to).time_since_epoch().count();
    }
    return bounds;
}

DayBounds whole_days(const std::optional<providers::WallTime>& from,
                     const std::optional<providers::WallTime>& to) {
    DayBounds bounds;
    if (from) {
        bounds.first = to_day_number(std::chrono::ceil<std::chrono::days>(*from));
    }
    if (to) {
        bounds.end = to_day_number(std::chrono::floor<std::chrono::days>(*to));
    }
    return bounds;
}

std::optional<std::int64_t> time_ms_in_id(std::string_view id) {
    if (id.size() != kIdPrefix.size() + kIdDigits || !id.starts_with(kIdPrefix)) {
        return std::nullopt;
    }
    id.remove_prefix(kIdPrefix.size());
    if (id.find_first_not_of(kBase32) != std::string_view::npos) {
        return std::nullopt;
    }
    std::int64_t ms = 0;
    for (const char digit : id.substr(0, kTimeDigits)) {
        ms = ms * 32 + static_cast<std::int64_t>(kBase32.find(digit));
    }
    return ms;
}

std::size_t page_limit(const LedgerQuery& query) {
    return std::clamp<std::size_t>(query.limit, 1, kMostRowsOfPage);
}

std::string_view tag_value(std::string_view tags, std::string_view name) {
    std::string_view value;
    while (!tags.empty()) {
        const std::size_t comma = tags.find(',');
        const std::string_view tag = tags.substr(0, comma);
        tags.remove_prefix(comma == std::string_view::npos ? tags.size() : comma + 1);
        const std::size_t equals = tag.find('=');
        if (tag.substr(0, equals) == name) {
            value = equals == std::string_view::npos ? "" : tag.substr(equals + 1);
        }
    }
    return value;
}

}  // namespace headgate::policy
