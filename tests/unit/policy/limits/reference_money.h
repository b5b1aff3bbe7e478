#pragma once

#include "policy/keys/budget_settings.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

namespace headgate::policy {

/// The money of all accounts once more: every sum is added up anew, periods are numbers.
class ReferenceMoney {
public:
    void add(const std::string& account, Day day, std::int64_t spent, std::int64_t reserved) {
        days_[account][day].first += spent;
        days_[account][day].second += reserved;
    }

    /// Spent and reserved in the period of `day`.
    std::pair<std::int64_t, std::int64_t> sum(const std::string& account,
                                              const BudgetSettings& budget,
                                              Day day) const {
        std::pair<std::int64_t, std::int64_t> all;
        const auto known = days_.find(account);
        if (known != days_.end()) {
            for (const auto& [each, amounts] : known->second) {
                if (is_in_period(budget, day, each)) {
                    all.first += amounts.first;
                    all.second += amounts.second;
                }
            }
        }
        return all;
    }

    /// The percent to tell now; 0: none.
    int new_alert(const std::string& account, const BudgetSettings& budget, Day day) {
        const auto [spent, reserved] = sum(account, budget, day);
        int reached = 0;
        for (const int percent : budget.alert_at) {
            const bool is_reached = (spent + reserved) * 100 >= budget.limit.nanos() * percent;
            reached = is_reached && spent + reserved > 0 ? percent : reached;
        }
        if (reached == 0 || reached <= told_to(account, budget, day)) {
            return 0;
        }
        told_to(account, budget, day) = reached;
        return reached;
    }

private:
    using Period = std::tuple<BudgetPeriod, std::int64_t, std::optional<Day>>;

    /// Numbers the periods of a kind.
    static std::int64_t period_number(BudgetPeriod per, Day day) {
        const std::int64_t days = day.time_since_epoch().count();
        const std::chrono::year_month_day date{day};
        switch (per) {
            case BudgetPeriod::day:
                return days;
            case BudgetPeriod::week:
                return (days + 3) / 7;  // 1970-01-01 was a Thursday
            case BudgetPeriod::month:
                return int(date.year()) * 12 + static_cast<int>(unsigned(date.month()));
            case BudgetPeriod::total:
                break;
        }
        return 0;
    }

    static bool is_in_period(const BudgetSettings& budget, Day day, Day other) {
        if (budget.per == BudgetPeriod::total) {
            return !budget.since || other >= *budget.since;
        }
        return period_number(budget.per, day) == period_number(budget.per, other);
    }

    /// Up to which percent; an account remembers the four periods that were told last.
    int& told_to(const std::string& account, const BudgetSettings& budget, Day day) {
        const bool is_total = budget.per == BudgetPeriod::total;
        const Period period{budget.per, period_number(budget.per, day),
                            is_total ? budget.since : std::nullopt};
        auto& told = told_[account];
        const auto known = std::ranges::find(told, period, &std::pair<Period, int>::first);
        if (known != told.end()) {
            return known->second;
        }
        if (told.size() == 4) {
            told.pop_front();
        }
        return told.emplace_back(period, 0).second;
    }

    std::map<std::string, std::map<Day, std::pair<std::int64_t, std::int64_t>>> days_;
    std::map<std::string, std::deque<std::pair<Period, int>>> told_;
};

}  // namespace headgate::policy
