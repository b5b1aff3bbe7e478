#pragma once

#include "policy/keys/limit_settings.h"
#include "providers/base/clock.h"
#include "providers/base/money.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace headgate::policy {

/// A day of UTC. Every sum of money is kept by the day of the admission, so that any period can be
/// added up from days.
using Day = std::chrono::sys_days;

/// `per` of a budget. Weeks begin on Monday.
enum class BudgetPeriod : std::uint8_t { day, week, month, total };

std::string_view to_string(BudgetPeriod period);

/// What a budget does where a request no longer fits: refuse it, or lower its output cap.
enum class WhenTight : std::uint8_t { refuse, cap };

/// `budget` of a project or of the organization.
struct BudgetSettings {
    providers::Money limit;
    BudgetPeriod per = BudgetPeriod::month;
    std::optional<Day> since;  // with `total`: counts from this day
    EnforceMode mode = EnforceMode::enforce;
    WhenTight when_tight = WhenTight::refuse;
    std::vector<int> alert_at;  // percents, ascending, each once
};

/// The days of one period: [first, end). `total` ends never (`end` is nullopt) and begins with
/// `since` or with the first row (`first` is then Day::min()).
struct BudgetSpan {
    Day first;
    std::optional<Day> end;
};

/// The period that `day` belongs to.
BudgetSpan span_of(const BudgetSettings& budget, Day day);

inline Day day_of(providers::WallTime time) {
    return std::chrono::floor<std::chrono::days>(time);
}

}  // namespace headgate::policy
