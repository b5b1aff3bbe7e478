#include "policy/keys/budget_settings.h"

namespace headgate::policy {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;

constexpr Day day(int year, unsigned month, unsigned date) {
    return Day{std::chrono::year{year} / std::chrono::month{month} / std::chrono::day{date}};
}

TEST(BudgetSettings, NameEveryPeriod) {
    EXPECT_EQ(to_string(BudgetPeriod::day), "day");
    EXPECT_EQ(to_string(BudgetPeriod::week), "week");
    EXPECT_EQ(to_string(BudgetPeriod::month), "month");
    EXPECT_EQ(to_string(BudgetPeriod::total), "total");
}

TEST(BudgetSettings, TellThePeriodOfADay) {
    struct Case {
        BudgetPeriod per;
        Day day;
        Day first;
        Day end;
    };
    const std::vector<Case> cases = {
        {BudgetPeriod::day, day(2026, 2, 28), day(2026, 2, 28), day(2026, 3, 1)},
        {BudgetPeriod::day, day(2028, 2, 28), day(2028, 2, 28), day(2028, 2, 29)},
        {BudgetPeriod::week, day(2026, 6, 1), day(2026, 6, 1), day(2026, 6, 8)},    // Monday
        {BudgetPeriod::week, day(2026, 6, 7), day(2026, 6, 1), day(2026, 6, 8)},    // Sunday
        {BudgetPeriod::week, day(2027, 1, 1), day(2026, 12, 28), day(2027, 1, 4)},  // Friday
        {BudgetPeriod::week, day(1970, 1, 1), day(1969, 12, 29), day(1970, 1, 5)},  // Thursday
        {BudgetPeriod::month, day(2026, 12, 31), day(2026, 12, 1), day(2027, 1, 1)},
        {BudgetPeriod::month, day(2028, 2, 1), day(2028, 2, 1), day(2028, 3, 1)},
    };

    for (const Case& each : cases) {
        BudgetSettings budget;
        budget.per = each.per;

        const BudgetSpan span = span_of(budget, each.day);

        EXPECT_EQ(span.first, each.first) << to_string(each.per);
        EXPECT_EQ(span.end, std::optional{each.end}) << to_string(each.per);
    }
}

TEST(BudgetSettings, CoverEveryDayByExactlyOnePeriod) {
    for (const BudgetPeriod per : {BudgetPeriod::day, BudgetPeriod::week, BudgetPeriod::month}) {
        BudgetSettings budget;
        budget.per = per;
        BudgetSpan span = span_of(budget, day(2023, 12, 30));
        for (Day each = day(2023, 12, 30); each < day(2028, 3, 2); each += days{1}) {
            const BudgetSpan next = span_of(budget, each);

            ASSERT_LE(next.first, each);
            ASSERT_LT(each, *next.end);
            ASSERT_TRUE(next.first == span.first || next.first == *span.end);
            span = next;
        }
    }
}

TEST(BudgetSettings, GiveATotalNoEndAndItsDayOfBeginning) {
    BudgetSettings budget;
    budget.per = BudgetPeriod::total;

    const BudgetSpan from_the_first_row = span_of(budget, day(2026, 6, 1));
    budget.since = day(2026, 1, 1);
    const BudgetSpan from_a_day = span_of(budget, day(2026, 6, 1));

    EXPECT_EQ(from_the_first_row.first, Day::min());
    EXPECT_EQ(from_the_first_row.end, std::nullopt);
    EXPECT_EQ(from_a_day.first, day(2026, 1, 1));
    EXPECT_EQ(from_a_day.end, std::nullopt);
}

TEST(BudgetSettings, TakeTheDayOfUtcAlsoBefore1970) {
    EXPECT_EQ(day_of(providers::WallTime{day(2026, 6, 1)} + 23h + 59min), day(2026, 6, 1));
    EXPECT_EQ(day_of(providers::WallTime{day(2026, 6, 1)} - 1ns), day(2026, 5, 31));
    EXPECT_EQ(day_of(providers::WallTime{day(1970, 1, 1)} - 1ns), day(1969, 12, 31));
}

}  // namespace
}  // namespace headgate::policy
