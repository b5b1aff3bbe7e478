#include "tests/conformance/records/postgres_fixture.h"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <csignal>
#include <optional>
#include <random>
#include <thread>

namespace headgate::policy {
namespace {

constexpr std::string_view kInstance = "0000000000000001";
constexpr std::string_view kShortTimeout = "-c%20statement_timeout%3D200ms";
constexpr auto away = StoreError::Kind::away;

using PostgresFailures = PostgresTest;

std::vector<TestRow> batch_of(int first, int size) {
    std::vector<TestRow> rows;
    for (int i = 0; i < size; ++i) {
        rows.emplace_back(first + i);
    }
    return rows;
}

void append_until_stored(RecordStore& store, const std::vector<TestRow>& rows) {
    Stored<void> appended = store.append(rows_of(rows), kInstance);
    while (!appended && appended.error().kind == away) {
        std::this_thread::yield();
        appended = store.append(rows_of(rows), kInstance);
    }
    ASSERT_TRUE(appended) << appended.error().text;
}

TEST_F(PostgresFailures, LosesNoRowOfABatchThatTheServersDeathCutOff) {
    const auto store = open(uri());
    append_until_stored(*store, batch_of(0, 10));
    std::optional<LedgerLock> lock{uri()};
    Stored<void> cut;
    std::thread writer{[&] { cut = store->append(rows_of(batch_of(5, 10)), kInstance); }};
    await_lock_wait();

    server().kill();
    writer.join();
    const Stored<void> while_dead = store->append(rows_of(batch_of(5, 10)), kInstance);
    lock.reset();
    server().start();
    const Stored<void> again = store->append(rows_of(batch_of(5, 10)), kInstance);

    ASSERT_FALSE(cut);
    EXPECT_EQ(cut.error().kind, away);
    ASSERT_FALSE(while_dead);
    EXPECT_EQ(while_dead.error().kind, away);
    EXPECT_TRUE(again) << again.error().text;
    EXPECT_EQ(stored(), "15|105");
}

TEST_F(PostgresFailures, StoresEveryRowOnceHoweverOftenTheServerDies) {
    constexpr int kRowsABatch = 20;
    std::atomic<int> batches = 0;
    std::atomic<bool> is_over = false;
    std::thread writer{[&, store = open(uri())] {
        while (!is_over || batches < 8) {
            append_until_stored(*store, batch_of(batches * kRowsABatch, kRowsABatch));
            ++batches;
        }
    }};

    for (int death = 1; death <= 3; ++death) {
        for (const int seen = batches; batches < seen + 5;) {
            std::this_thread::yield();
        }
        server().kill();
        server().start();
    }
    is_over = true;
    writer.join();

    const int rows = batches * kRowsABatch;
    EXPECT_EQ(stored(), std::to_string(rows) + "|" + std::to_string(rows * 7));
}

TEST_F(PostgresFailures, IsAwayWhileTheLedgerIsLockedAndTakesTheBatchLater) {
    const auto store = open(uri_with(kShortTimeout));
    std::optional<LedgerLock> lock{uri()};

    const Stored<void> locked = store->append(rows_of(batch_of(0, 3)), kInstance);
    lock.reset();
    append_until_stored(*store, batch_of(0, 3));

    ASSERT_FALSE(locked);
    EXPECT_EQ(locked.error().kind, away);
    EXPECT_NE(locked.error().text.find("57014"), std::string::npos) << locked.error().text;
    EXPECT_EQ(stored(), "3|21");
}

TEST_F(PostgresFailures, WaitsForALockThatEndsInTime) {
    const auto store = open(uri());
    std::optional<LedgerLock> lock{uri()};
    Stored<void> appended;
    std::thread writer{[&] { appended = store->append(rows_of(batch_of(0, 3)), kInstance); }};
    await_lock_wait();

    lock.reset();
    writer.join();

    EXPECT_TRUE(appended) << appended.error().text;
    EXPECT_EQ(stored(), "3|21");
}

TEST_F(PostgresFailures, GivesUpOnAServerThatStandsStill) {
    const auto store = open(uri_with(kShortTimeout));
    const pid_t session =
        std::stoi(sql("SELECT max(pid) FROM pg_stat_activity "
                      "WHERE datname = current_database() "
                      "AND pid <> pg_backend_pid()"));
    ASSERT_EQ(::kill(session, SIGSTOP), 0);

    const Stored<void> appended = store->append(rows_of(batch_of(0, 3)), kInstance);
    ASSERT_EQ(::kill(session, SIGCONT), 0);
    append_until_stored(*store, batch_of(0, 3));

    ASSERT_FALSE(appended);
    EXPECT_EQ(appended.error().kind, away);
    EXPECT_EQ(appended.error().text, "PostgreSQL: no answer in time");
    EXPECT_EQ(stored(), "3|21");
}

TEST_F(PostgresFailures, DoesNotNoticeThatTheServerWasRestartedMeanwhile) {
    const auto store = open(uri());
    append_until_stored(*store, batch_of(0, 3));
    server().kill();
    server().start();

    const Stored<void> appended = store->append(rows_of(batch_of(3, 3)), kInstance);

    EXPECT_TRUE(appended) << appended.error().text;
    EXPECT_EQ(stored(), "6|42");
}

TEST_F(PostgresFailures, ConnectsAgainAfterAnAdministratorHasEndedTheSession) {
    const auto store = open(uri());
    std::optional<LedgerLock> lock{uri()};
    Stored<void> ended;
    std::thread writer{[&] { ended = store->append(rows_of(batch_of(0, 3)), kInstance); }};
    await_lock_wait();

    end_sessions_that_wait_for("Lock");
    writer.join();
    lock.reset();
    const Stored<void> again = store->append(rows_of(batch_of(0, 3)), kInstance);

    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().kind, away);
    EXPECT_NE(ended.error().text.find("57P01"), std::string::npos) << ended.error().text;
    EXPECT_TRUE(again) << again.error().text;
    EXPECT_EQ(stored(), "3|21");
}

TEST_F(PostgresFailures, IsAwayFromAServerThatHasBecomeReadOnly) {
    open(uri());  // makes the tables
    const auto standby = open(uri() +
                              "?target_session_attrs=any&options="
                              "-c%20default_transaction_read_only%3Don");

    const Stored<void> appended = standby->append(rows_of(batch_of(0, 1)), kInstance);

    ASSERT_FALSE(appended);
    EXPECT_EQ(appended.error().kind, away);
    EXPECT_NE(appended.error().text.find("25006"), std::string::npos) << appended.error().text;
}

TEST_F(PostgresFailures, ConnectsToNoReadOnlyServer) {
    open(uri());
    sql("ALTER DATABASE " + database_ + " SET default_transaction_read_only = on");

    const StoreError error = error_of(uri());

    EXPECT_EQ(error.kind, away);
    EXPECT_NE(error.text.find("read-only"), std::string::npos) << error.text;
}

TEST_F(PostgresFailures, WritersOfTheSameNewRowsNeverMeetInADeadlock) {
    constexpr int kWriters = 4;
    constexpr int kRounds = 10;
    constexpr int kRows = 300;
    std::vector<std::thread> writers;
    std::atomic<int> failures = 0;
    std::barrier round_begins{kWriters};
    for (int w = 0; w < kWriters; ++w) {
        writers.emplace_back([&, w, store = open(uri())] {
            std::mt19937 order{static_cast<unsigned>(w)};
            for (int round = 0; round < kRounds; ++round) {
                const std::vector<TestRow> rows = batch_of(round * kRows, kRows);
                std::vector<LedgerRow> mine = rows_of(rows);
                std::ranges::shuffle(mine, order);
                round_begins.arrive_and_wait();
                failures += store->append(mine, kInstance) ? 0 : 1;
            }
        });
    }

    for (std::thread& writer : writers) {
        writer.join();
    }
    writers.clear();  // ends the sessions, which report their figures then

    EXPECT_EQ(failures, 0);
    EXPECT_EQ(stored(), "3000|21000");
    EXPECT_EQ(sql("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"),
              "0");
}

TEST_F(PostgresFailures, RollsUpEachRowOnceWhereTwoProcessesDo) {
    append_until_stored(*open(uri()), batch_of(0, 600));
    std::vector<std::thread> workers;
    std::atomic<std::size_t> rolled = 0;
    for (int w = 0; w < 2; ++w) {
        workers.emplace_back([&, store = open(uri())] {
            while (rolled < 600) {
                const auto done = store->roll_up(kFirstDay + std::chrono::days{1}, 50);
                rolled += done ? *done : 0;
            }
        });
    }

    for (std::thread& worker : workers) {
        worker.join();
    }

    EXPECT_EQ(rolled, 600U);
    EXPECT_EQ(sql("SELECT (SELECT count(*) FROM ledger) || '|' || sum(requests) || '|' || "
                  "sum(cost_nanos) FROM usage_daily"),
              "0|600|4200");
    EXPECT_EQ(stored(), "0|4200");
}

}  // namespace
}  // namespace headgate::policy
