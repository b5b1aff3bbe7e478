#include "policy/store/sqlite/sqlite_store.h"

#include "policy/store/sqlite/sqlite_queries.h"
#include "tests/unit/policy/store/sqlite/sqlite_file.h"

#include <sys/stat.h>

#include <barrier>
#include <thread>

namespace headgate::policy {
namespace {

constexpr std::string_view kInstance = "0000000000000001";

mode_t mode_of(const std::string& file) {
    struct stat status{};
    EXPECT_EQ(::stat(file.c_str(), &status), 0) << file;
    return status.st_mode & 07777;
}

/// How SQLite means to answer a query, a step a line.
std::string plan_of(SqliteDatabase& database, SqliteQuery query) {
    const std::string_view text = kSqliteTexts[static_cast<std::size_t>(query)];
    Stored<SqliteStatement> statement = database.prepare("EXPLAIN QUERY PLAN " + std::string(text));
    if (!statement) {
        ADD_FAILURE() << statement.error().text;
        return {};
    }
    SqliteRun run{*statement};
    std::string plan;
    while (run.next().value_or(false)) {
        plan += std::string(run.text(3)) + "\n";
    }
    return plan;
}

TEST(SqliteStore, MakesItsFilesForItsOwnerAlone) {
    const TestDirectory directory;
    const auto store = open_store(directory.file());
    ASSERT_TRUE(store->append(TestRows{1}.rows(), kInstance));

    EXPECT_EQ(mode_of(directory.file()), 0600U);
    EXPECT_EQ(mode_of(directory.file() + "-wal"), 0600U);
    EXPECT_EQ(mode_of(directory.file() + "-shm"), 0600U);
}

TEST(SqliteStore, KeepsWhatItHasWhenItIsOpenedAgain) {
    for (const bool is_durable : {false, true}) {
        const TestDirectory directory;
        const TestRows rows{5};
        {
            const auto store = open_sqlite(directory.file(), is_durable);
            ASSERT_TRUE(store);
            ASSERT_TRUE((*store)->append(rows.rows(), kInstance));
        }

        const auto again = open_sqlite(directory.file(), is_durable);

        ASSERT_TRUE(again);
        EXPECT_EQ(count_rows(**again), 5U);
    }
}

TEST(SqliteStore, IsMadeOnceWhereSeveralOpenItAtOnce) {
    constexpr int kOpeners = 4;
    const TestDirectory directory;
    std::barrier start{kOpeners};
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < kOpeners; ++i) {
            threads.emplace_back([&, i] {
                start.arrive_and_wait();
                auto store = open_sqlite(directory.file(), false);
                while (!store && store.error().kind == StoreError::Kind::away) {
                    store = open_sqlite(directory.file(), false);
                }
                ASSERT_TRUE(store) << store.error().text;
                const TestRows rows{10, "opener-" + std::to_string(i) + "-"};
                Stored<void> appended = (*store)->append(rows.rows(), kInstance);
                while (!appended && appended.error().kind == StoreError::Kind::away) {
                    appended = (*store)->append(rows.rows(), kInstance);
                }
                EXPECT_TRUE(appended) << appended.error().text;
            });
        }
    }

    EXPECT_EQ(count_rows(*open_store(directory.file())), 10U * kOpeners);
}

TEST(SqliteStore, ReadsNoMoreOfALedgerThanItGives) {
    const TestDirectory directory;
    ASSERT_NE(open_store(directory.file()), nullptr);
    Stored<SqliteDatabase> database = SqliteDatabase::open(directory.file(), false);
    ASSERT_TRUE(database);

    for (const SqliteQuery query :
         {SqliteQuery::find_row, SqliteQuery::time_of_row, SqliteQuery::page_of_all,
          SqliteQuery::page_of_project, SqliteQuery::usage_of_rows, SqliteQuery::usage_of_days,
          SqliteQuery::day_sums, SqliteQuery::delete_oldest, SqliteQuery::revoke_key}) {
        const std::string plan = plan_of(*database, query);
        EXPECT_NE(plan.find("SEARCH"), std::string::npos) << plan;
        EXPECT_EQ(plan.find("SCAN"), std::string::npos) << plan;
        EXPECT_EQ(plan.find("ORDER BY"), std::string::npos) << plan;
    }
    EXPECT_NE(plan_of(*database, SqliteQuery::page_of_project).find("ledger_by_project"),
              std::string::npos);
}

}  // namespace
}  // namespace headgate::policy
