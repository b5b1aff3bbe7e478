#include "tests/conformance/records/record_store_suite.h"

#include <algorithm>
#include <array>
#include <ranges>

namespace headgate::policy {
namespace {

using providers::Money;
using std::chrono::days;
using std::chrono::minutes;

std::vector<TestRow> minutes_of(std::string_view project, int first, int end, int step = 1) {
    std::vector<TestRow> rows;
    for (int minute = first; minute < end; minute += step) {
        rows.emplace_back(minute, project);
    }
    return rows;
}

LedgerQuery pages_of(std::size_t limit) {
    LedgerQuery query;
    query.limit = limit;
    return query;
}

std::vector<std::string> ids_of(const std::vector<TestRow>& rows) {
    std::vector<std::string> ids;
    for (const TestRow& row : rows) {
        ids.push_back(row.id);
    }
    return ids;
}

Money spent(const std::vector<DaySum>& sums, std::string_view project, Day day) {
    Money total;
    for (const DaySum& sum : sums) {
        if (sum.project == project && sum.day == day) {
            total = total + sum.spent;
        }
    }
    return total;
}

TEST_P(RecordStoreSuite, GivesARowBackByItsIdAsTheJsonOfTheContract) {
    const std::vector<TestRow> rows{TestRow{1}, TestRow{2}};
    append(*store_, rows_of(rows));

    const auto found = store_->find_row(rows[1].id);

    ASSERT_TRUE(found && *found);
    EXPECT_EQ(text_field(**found, "id"), rows[1].id);
    EXPECT_EQ(text_field(**found, "time"), "2026-03-01T00:02:00.000Z");
    EXPECT_EQ(text_field(**found, "cost_usd"), "0.000000007");
}

TEST_P(RecordStoreSuite, FindsNoRowThatIsNotThere) {
    append(*store_, rows_of({TestRow{1}}));

    const auto found = store_->find_row("req_00000000000000000000000000");

    ASSERT_TRUE(found);
    EXPECT_FALSE(*found);
}

TEST_P(RecordStoreSuite, StoresARowOnceHoweverOftenAndByWhomItIsAppended) {
    std::vector<TestRow> rows{TestRow{1}, TestRow{2}};
    append(*store_, rows_of(rows), "0000000000000001");
    rows.emplace_back(3);
    rows[0].row.cost = Money::nanos(1'000);
    const auto second = connect();

    append(*store_, rows_of(rows), "0000000000000001");
    append(*second, rows_of(rows), "0000000000000002");

    EXPECT_EQ(ids_by_page(*second, {}), ids_of(rows));
    const auto sums = second->day_sums(kFirstDay);
    ASSERT_TRUE(sums);
    EXPECT_EQ(spent(*sums, "shop", kFirstDay), Money::nanos(21));
    const auto first = second->find_row(rows[0].id);
    ASSERT_TRUE(first && *first);
    EXPECT_EQ(text_field(**first, "cost_usd"), "0.000000007");
}

TEST_P(RecordStoreSuite, StoresARowOnceThatStandsTwiceInOneBatch) {
    append(*store_, rows_of({TestRow{1}, TestRow{1}}));

    const auto sums = store_->day_sums(kFirstDay);

    ASSERT_TRUE(sums);
    EXPECT_EQ(spent(*sums, "shop", kFirstDay), Money::nanos(7));
}

TEST_P(RecordStoreSuite, SumsDaysByProjectAndInstanceFromADayOn) {
    const std::vector<TestRow> rows{TestRow{1}, TestRow{1439}, TestRow{1440}, TestRow{2880},
                                    TestRow{1, "lab"}};
    append(*store_, rows_of(rows), "000000000000000a");
    append(*store_, rows_of({TestRow{2}, TestRow{2881}}), "000000000000000b");

    const auto all = store_->day_sums(Day::min());
    const auto later = store_->day_sums(kFirstDay + days{1});

    ASSERT_TRUE(all && later);
    EXPECT_EQ(all->size(), 6U);
    EXPECT_EQ(spent(*all, "shop", kFirstDay), Money::nanos(21));
    EXPECT_EQ(spent(*all, "shop", kFirstDay + days{1}), Money::nanos(7));
    EXPECT_EQ(spent(*all, "shop", kFirstDay + days{2}), Money::nanos(14));
    EXPECT_EQ(spent(*all, "lab", kFirstDay), Money::nanos(7));
    EXPECT_EQ(later->size(), 3U);
    EXPECT_EQ(std::ranges::count(*all, "000000000000000b", &DaySum::instance), 2);
}

TEST_P(RecordStoreSuite, RefusesASumThatLeavesTheRangeAndKeepsWhatWasThere) {
    TestRow dear{1};
    dear.row.cost = Money::nanos(9'223'372'036'854'775'807);
    append(*store_, rows_of({dear}));

    const Stored<void> more = store_->append(rows_of({TestRow{2}}), "0000000000000001");

    ASSERT_FALSE(more);
    EXPECT_EQ(more.error().kind, StoreError::Kind::refused);
    EXPECT_EQ(ids_by_page(*store_, {}), ids_of({dear}));
    const auto sums = store_->day_sums(kFirstDay);
    ASSERT_TRUE(sums);
    EXPECT_EQ(spent(*sums, "shop", kFirstDay), dear.row.cost);
}

TEST_P(RecordStoreSuite, RefusesARowWithoutAnIdAndNothingOfItsBatchIsStored) {
    TestRow nameless{2};
    nameless.id.clear();

    const Stored<void> appended =
        store_->append(rows_of({TestRow{1}, nameless}), "0000000000000001");

    ASSERT_FALSE(appended);
    EXPECT_EQ(appended.error().kind, StoreError::Kind::refused);
    EXPECT_TRUE(ids_by_page(*store_, {}).empty());
    const auto sums = store_->day_sums(kFirstDay);
    ASSERT_TRUE(sums);
    EXPECT_TRUE(sums->empty());
}

TEST_P(RecordStoreSuite, GivesPagesOldestFirstOfAnySize) {
    const std::vector<TestRow> rows = minutes_of("shop", 0, 25);
    std::vector<LedgerRow> shuffled = rows_of(rows);
    std::ranges::reverse(shuffled);
    append(*store_, shuffled);

    for (const std::size_t limit : {1U, 2U, 24U, 25U, 26U, 1000U}) {
        EXPECT_EQ(ids_by_page(*store_, pages_of(limit)), ids_of(rows)) << limit;
    }
}

TEST_P(RecordStoreSuite, GivesAtLeastOneRowAndAtMostAThousand) {
    append(*store_, rows_of(minutes_of("shop", 0, 1'005)));

    const auto none = store_->page(pages_of(0));
    const auto many = store_->page(pages_of(5'000));

    ASSERT_TRUE(none && many);
    EXPECT_EQ(none->rows.size(), 1U);
    EXPECT_EQ(many->rows.size(), 1'000U);
    EXPECT_FALSE(many->next.empty());
}

TEST_P(RecordStoreSuite, GivesPagesOfOneProjectAndTime) {
    const std::vector<TestRow> shop = minutes_of("shop", 0, 20);
    append(*store_, rows_of(shop));
    append(*store_, rows_of(minutes_of("lab", 0, 20)));
    const LedgerQuery query{.project = "shop",
                            .from = kFirstDay + minutes{5},
                            .to = kFirstDay + minutes{9},
                            .after = "",
                            .limit = 3};

    const std::vector<std::string> ids = ids_by_page(*store_, query);

    EXPECT_EQ(ids, (std::vector{shop[5].id, shop[6].id, shop[7].id, shop[8].id}));
}

TEST_P(RecordStoreSuite, ComparesTimesFinerThanTheMillisecondsThatItKeeps) {
    append(*store_, rows_of(minutes_of("shop", 0, 3)));
    const auto hair = std::chrono::nanoseconds{1};
    const LedgerQuery query{.project = "",
                            .from = kFirstDay + minutes{0} + hair,
                            .to = kFirstDay + minutes{1} + hair,
                            .after = "",
                            .limit = 10};

    EXPECT_EQ(ids_by_page(*store_, query), ids_of(minutes_of("shop", 1, 2)));
}

TEST_P(RecordStoreSuite, ContinuesAfterACursorWhateverCameMeanwhile) {
    const std::vector<TestRow> even = minutes_of("shop", 0, 10, 2);
    append(*store_, rows_of(even));
    const auto first = store_->page(pages_of(2));
    ASSERT_TRUE(first);
    ASSERT_EQ(first->next, even[1].id);

    append(*store_, rows_of(minutes_of("shop", 1, 10, 2)));
    LedgerQuery rest;
    rest.after = first->next;

    EXPECT_EQ(ids_by_page(*store_, rest), ids_of(minutes_of("shop", 3, 10)));
}

TEST_P(RecordStoreSuite, ContinuesAfterACursorWhoseRowIsGone) {
    const std::vector<TestRow> rows = minutes_of("shop", 0, 10);
    append(*store_, rows_of(rows));
    ASSERT_TRUE(store_->roll_up(kFirstDay + minutes{5}, 100));
    LedgerQuery query;
    query.after = rows[3].id;

    EXPECT_EQ(ids_by_page(*store_, query), ids_of(minutes_of("shop", 5, 10)));
}

TEST_P(RecordStoreSuite, KeepsHostileTextsAsTheyAre) {
    const std::array<std::string_view, 6> texts{
        "'; DROP TABLE ledger; --", "\" OR 1=1",
        "\\' $1 ? :x @y %s",        "\xf0\x9f\x90\x98 \xe6\x97\xa5\xe6\x9c\xac",
        "line\nbreak\ttab\x01",     "%_*"};
    std::vector<TestRow> rows;
    for (int i = 0; const std::string_view text : texts) {
        TestRow& row = rows.emplace_back(i++, text);
        row.row.key = row.row.model = row.row.requested_model = row.row.provider = text;
        row.row.client_request_id = text;
    }

    append(*store_, rows_of(rows));

    for (std::size_t i = 0; i < texts.size(); ++i) {
        LedgerQuery query;
        query.project = texts[i];
        const auto page = store_->page(query);
        ASSERT_TRUE(page) << texts[i];
        ASSERT_EQ(page->rows.size(), 1U) << texts[i];
        EXPECT_EQ(text_field(page->rows[0], "model"), texts[i]);
        EXPECT_EQ(text_field(page->rows[0], "id"), rows[i].id);
    }
}

TEST_P(RecordStoreSuite, StoresARowWhoseTextIsNotUtf8WithReplacements) {
    TestRow row{1};
    row.row.model = "a\xff\xc3";
    row.row.key = std::string_view("x\0y", 3);

    append(*store_, rows_of({row}));

    const std::vector<UsageSum> sums = usage_by(*store_, {UsageBy::model, UsageBy::key});
    ASSERT_EQ(sums.size(), 1U);
    EXPECT_EQ(sums[0].group,
              (std::vector<std::string>{"a\xef\xbf\xbd\xef\xbf\xbd", "x\xef\xbf\xbdy"}));
}

TEST_P(RecordStoreSuite, AnswersHostileQuestionsWithNothing) {
    append(*store_, rows_of({TestRow{1}}));
    LedgerQuery query;
    query.project = "shop' OR '1'='1";

    const auto row = store_->find_row("' OR '1'='1");
    const auto page = store_->page(query);

    ASSERT_TRUE(row && page);
    EXPECT_FALSE(*row);
    EXPECT_TRUE(page->rows.empty());
}

}  // namespace
}  // namespace headgate::policy
