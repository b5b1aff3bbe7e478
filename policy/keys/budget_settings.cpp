#include "policy/keys/budget_settings.h"

namespace headgate::policy {

std::string_view to_string(BudgetPeriod period) {
    switch (period) {
        case BudgetPeriod::day:
            return "day";
        case BudgetPeriod::week:
            return "week";
        case BudgetPeriod::month:
            return "month";
        case BudgetPeriod::total:
            return "total";
    }
    std::unreachable();
}

BudgetSpan span_of(const BudgetSettings& budget, Day day) {
    using std::chrono::days;
    switch (budget.per) {
        case BudgetPeriod::day:
            return {day, day + days{1}};
        case BudgetPeriod::week: {
            const days since_monday = std::chrono::weekday{day} - std::chrono::Monday;
            return {day - since_monday, day - since_monday + days{7}};
        }
        case BudgetPeriod::month: {
            const std::chrono::year_month_day date{day};
            const std::chrono::year_month month = date.year() / date.month();
            return {Day{month / 1}, Day{(month + std::chrono::months{1}) / 1}};
        }
        case BudgetPeriod::total:
            return {budget.since.value_or(Day::min()), std::nullopt};
    }
    std::unreachable();
}

}  // namespace headgate::policy
