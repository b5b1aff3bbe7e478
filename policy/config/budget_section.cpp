#include "policy/config/budget_section.h"

#include "policy/config/limits_section.h"

namespace headgate::policy {
namespace {

using providers::Money;

constexpr KnownName kBudgetNames[] = {{"usd"},  {"per"},        {"since"},
                                      {"mode"}, {"when_tight"}, {"alert_at"}};

// Each in the order of its enumeration.
constexpr std::string_view kPeriods[] = {"day", "week", "month", "total"};
constexpr std::string_view kWhenTight[] = {"refuse", "cap"};

constexpr std::int64_t kNanos = 1'000'000'000;
/// Redis computes in doubles, which are exact up to 2^53 nanodollars.
constexpr Money kMostInRedis = Money::nanos(9'007'199 * kNanos);

Parsed<Money> parse_limit(std::string_view text) {
    constexpr Money most = Money::nanos(9'223'372'036 * kNanos);
    const auto money = Money::parse(text);
    if (!money || *money <= Money{} || *money > most) {
        return std::unexpected(
            std::string("must be US dollars above 0 and at most 9223372036, with at most 9 places, "
                        "such as 250 or 0.5"));
    }
    return *money;
}

Parsed<int> parse_threshold(std::string_view text) {
    if (text.ends_with('%')) {
        const std::string_view digits = text.substr(0, text.size() - 1);
        const Parsed<std::int64_t> percent = parse_count_between(digits, 1, 1'000);
        if (percent && digits.find_first_not_of("0123456789") == std::string_view::npos) {
            return static_cast<int>(*percent);
        }
    }
    return std::unexpected(std::string("must be a whole percentage from 1% to 1000%, such as 80%"));
}

std::vector<int> read_thresholds(Reading& reading, const Setting& setting) {
    std::vector<int> thresholds;
    for (const Setting& item : read_list(setting)) {
        const std::optional<int> percent = read_scalar(reading, item, parse_threshold);
        if (!percent) {
            continue;
        }
        const auto place = std::ranges::lower_bound(thresholds, *percent);
        if (place != thresholds.end() && *place == *percent) {
            reading.error(item, "is listed twice");
            continue;
        }
        thresholds.insert(place, *percent);
    }
    return thresholds;
}

void read_since(Reading& reading, const MapReader& map, BudgetSettings& budget) {
    const std::optional<Setting> since = map.find("since");
    if (!since) {
        return;
    }
    const auto time = read_scalar(reading, *since, parse_date);
    if (budget.per == BudgetPeriod::total) {
        budget.since = time ? std::optional{day_of(*time)} : std::nullopt;
    } else {
        reading.warning(*since, "counts with `per: total` only; a " +
                                    std::string(to_string(budget.per)) +
                                    " begins where the calendar says");
    }
}

void check_places(Reading& reading,
                  const MapReader& map,
                  const BudgetSettings& budget,
                  const StatePlaces& places) {
    const std::optional<Setting> usd = map.find("usd");
    if (usd && places.has_redis == true && budget.limit > kMostInRedis) {
        reading.error(*usd,
                      "must be at most 9007199 where limits live in Redis, which counts no larger "
                      "amount exactly");
    }
    if (places.records != RecordsKind::none || !places.has_redis) {
        return;
    }
    if (*places.has_redis) {
        reading.warning(map.setting(),
                        "has no record to be rebuilt from: with `state.records: none` what is "
                        "spent is lost with Redis' data");
    } else {
        reading.error(
            map.setting(),
            "needs records: with `state.records: none` and limits in memory what is spent "
            "would be forgotten at every start");
    }
}

}  // namespace

std::optional<BudgetSettings> read_budget(Reading& reading,
                                          const Setting& setting,
                                          const StatePlaces& places) {
    const MapReader map{reading, setting, kBudgetNames};
    if (setting.node->kind != YamlNode::Kind::map) {
        return std::nullopt;
    }
    BudgetSettings budget;
    budget.alert_at = {50, 80, 95};
    std::optional<Money> limit;
    map.require("usd", "usd: 250");
    map.read("usd", parse_limit, limit);
    budget.limit = limit.value_or(Money{});
    map.read_choice("per", kPeriods, budget.per);
    read_since(reading, map, budget);
    read_mode(map, budget.mode);
    map.read_choice("when_tight", kWhenTight, budget.when_tight);
    if (const std::optional<Setting> thresholds = map.find("alert_at")) {
        budget.alert_at = read_thresholds(reading, *thresholds);
    }
    check_places(reading, map, budget, places);
    return limit ? std::optional{std::move(budget)} : std::nullopt;
}

}  // namespace headgate::policy
