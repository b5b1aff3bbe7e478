#include "policy/store/redis/shared_counters.h"

#include "policy/store/redis/message_pack.h"
#include "policy/store/redis/redis_keys.h"
#include "policy/store/redis/redis_outcome.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

namespace headgate::policy {

namespace {

static_assert(std::endian::native == std::endian::little, "doubles are packed little-endian");

// The reply is one text of doubles: the server's time, the state of the epoch (1: ready, 0: not all
// have reported, -1: there is none); used, at of each bucket; spent, reserved of each budget.
constexpr std::string_view kReadScript = R"lua(
-- KEYS: counters. ARGV[1]: a list of bucket fields, of scopes, of their first days, of their days
-- after the last.
local counters = KEYS[1]
local buckets, scopes, firsts, stops = unpack(cmsgpack.unpack(ARGV[1]))
local pack, parse = struct.pack, struct.unpack
local time = redis.call('TIME')
local state = redis.call('HGET', counters, 'e')
local ready = -1
if state then
    local _, _, _, is_ready = parse('<dddd', state)
    ready = is_ready
end
local told = {pack('<dd', time[1] * 1000 + time[2] / 1000, ready)}

if #buckets > 0 then
    local values = redis.call('HMGET', counters, unpack(buckets))
    for i = 1, #buckets do
        told[#told + 1] = values[i] and values[i]:sub(1, 16) or pack('<dd', 0, 0)
    end
end

local function sum_days(scope, first, stop)
    local spent, reserved = 0, 0
    local stored = redis.call('HGET', counters, 'f' .. scope)
    if not stored then
        return spent, reserved
    end
    local from, to = parse('<dd', stored)
    from, to = math.max(from, first), math.min(to, stop - 1)
    for start = from, to, 1000 do
        local days = {}
        for day = start, math.min(to, start + 999) do
            days[#days + 1] = string.format('m%s/%d', scope, day)
        end
        local values = redis.call('HMGET', counters, unpack(days))
        for i = 1, #days do
            if values[i] then
                local s, r = parse('<dd', values[i])
                spent, reserved = spent + s, reserved + r
            end
        end
    end
    return spent, reserved
end

for i = 1, #scopes do
    local kept = redis.call('HGET', counters, 'x' .. scopes[i])
    local first, stop, spent, reserved
    if kept then
        first, stop, spent, reserved = parse('<dddd', kept)
    end
    if first ~= firsts[i] or stop ~= stops[i] then
        spent, reserved = sum_days(scopes[i], firsts[i], stops[i])
    end
    told[#told + 1] = pack('<dd', spent, reserved)
end
return table.concat(told)
)lua";

constexpr std::size_t kPair = 2 * sizeof(double);
constexpr double kMostNumber = 0x1p62;

/// The days that a span names, as the admissions do: else they would not find each other's sums.
std::int64_t first_of(const BudgetSpan& span) {
    return std::max<std::int64_t>(-1, span.first.time_since_epoch().count());
}
std::int64_t stop_of(const BudgetSpan& span) {
    return span.end ? std::int64_t{span.end->time_since_epoch().count()} : std::int64_t{1} << 40;
}

/// How many fields a sum reads where none is kept.
std::size_t fields_of(const BudgetSpan& span) {
    constexpr std::int64_t usual_total = 100;  // most often a sum is kept
    const std::int64_t days = stop_of(span) - first_of(span);
    return static_cast<std::size_t>(std::clamp<std::int64_t>(days, 1, usual_total)) + 2;
}

/// Puts what is asked into the latest query of its shard that has room.
class QueryList {
public:
    explicit QueryList(bool shards_by_project) : shards_by_project_{shards_by_project} {}

    void add(const ScopeRules& scope, Day today) {
        if (shards_by_project_ && scope.scope == Scope::organization) {
            return;
        }
        for (const EntryRules& entry : scope.entries) {
            for (const BucketRule& rule : entry.buckets) {
                with_room(scope, 1).buckets.push_back(rule.name);
            }
        }
        if (scope.budget != nullptr) {
            const BudgetSpan span = span_of(*scope.budget, today);
            with_room(scope, fields_of(span)).budgets.push_back({scope.id, span});
        }
    }

    std::vector<CountersQuery> take() && { return std::move(queries_); }

private:
    struct Open {
        std::size_t index = 0;
        std::size_t room = 0;
    };

    CountersQuery& with_room(const ScopeRules& scope, std::size_t fields) {
        const std::string shard = shards_by_project_ ? scope.id : std::string{};
        Open& open = open_[shard];
        if (open.room < fields) {
            open = {queries_.size(), CountersQuery::kMostFields};
            queries_.push_back({.project = shard, .buckets = {}, .budgets = {}});
        }
        open.room -= fields;
        return queries_[open.index];
    }

    bool shards_by_project_;
    std::vector<CountersQuery> queries_;
    std::map<std::string, Open> open_;  // by shard
};

/// nullopt: not a number that the scripts could have counted.
std::optional<std::pair<double, double>> parse_pair(std::string_view bytes) {
    std::array<double, 2> pair{};
    std::memcpy(pair.data(), bytes.data(), kPair);
    for (const double number : pair) {
        if (!std::isfinite(number) || std::abs(number) >= kMostNumber) {
            return std::nullopt;
        }
    }
    return std::pair{pair[0], pair[1]};
}

providers::Money money_from(double nanos) {
    return providers::Money::nanos(std::llround(std::max(0.0, nanos)));
}

}  // namespace

std::vector<CountersQuery> counters_queries(const LimitBook& book,
                                            bool shards_by_project,
                                            Day today) {
    QueryList list{shards_by_project};
    list.add(book.organization(), today);
    for (const auto* scopes : {&book.projects(), &book.keys()}) {
        for (const std::unique_ptr<ScopeRules>& scope : *scopes) {
            list.add(*scope, today);
        }
    }
    return std::move(list).take();
}

RedisLimits::Call counters_call(const RedisLimits::Settings& settings, const CountersQuery& query) {
    MessagePack payload;
    payload.list(4);
    payload.list(query.buckets.size());
    for (const std::string& name : query.buckets) {
        payload.text("b" + name);
    }
    payload.list(query.budgets.size());
    for (const CountersQuery::Budget& budget : query.budgets) {
        payload.text(budget.scope);
    }
    for (std::int64_t (*day_of_span)(const BudgetSpan&) : {first_of, stop_of}) {
        payload.list(query.budgets.size());
        for (const CountersQuery::Budget& budget : query.budgets) {
            payload.number(day_of_span(budget.span));
        }
    }
    const std::string key = counters_key(hash_tag(settings, query.project));
    const std::array<std::string_view, 5> words{"EVAL", kReadScript, "1", key, payload.bytes()};
    return {.bytes = resp_command(words), .shard_key = key};
}

std::expected<SharedCounters, std::string> parse_counters(const CountersQuery& query,
                                                          const RespValue& reply) {
    if (reply.kind == RespValue::Kind::error) {
        return std::unexpected{outcome_of(reply).problem};
    }
    const std::size_t pairs = 1 + query.buckets.size() + query.budgets.size();
    if (reply.kind != RespValue::Kind::text || reply.text.size() != pairs * kPair) {
        return std::unexpected{std::string{"not a reply to what was asked"}};
    }
    std::vector<std::pair<double, double>> numbers;
    for (std::size_t at = 0; at < reply.text.size(); at += kPair) {
        const auto pair = parse_pair(std::string_view{reply.text}.substr(at, kPair));
        if (!pair) {
            return std::unexpected{std::string{"a counter that is no number"}};
        }
        numbers.push_back(*pair);
    }
    const auto [now_ms, state] = numbers.front();
    SharedCounters counters{.now_ms = now_ms, .buckets = {}, .budgets = {}};
    const bool has_epoch = state >= 0;
    for (std::size_t i = 1; has_epoch && i <= query.buckets.size(); ++i) {
        counters.buckets.push_back(
            {.used = std::max(0.0, numbers[i].first), .at_ms = numbers[i].second});
    }
    const bool is_ready = state > 0;
    for (std::size_t i = 1 + query.buckets.size(); is_ready && i < pairs; ++i) {
        counters.budgets.push_back(
            {.spent = money_from(numbers[i].first), .reserved = money_from(numbers[i].second)});
    }
    return counters;
}

}  // namespace headgate::policy
