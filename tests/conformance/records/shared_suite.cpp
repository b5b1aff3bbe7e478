#include "tests/conformance/records/record_store_suite.h"

#include <atomic>
#include <barrier>
#include <thread>

// Several connections at once, as several processes have them.
namespace headgate::policy {
namespace {

using providers::Money;

constexpr int kConnections = 4;
constexpr int kBatches = 20;
constexpr int kRowsOfBatch = 25;

/// The n-th batch of a connection. Every second batch is the same for all of them.
std::vector<TestRow> batch_of(int connection, int n) {
    const int shift = n % 2 == 0 ? 0 : 1 + connection;
    std::vector<TestRow> rows;
    for (int i = 0; i < kRowsOfBatch; ++i) {
        rows.emplace_back((shift * kBatches + n) * kRowsOfBatch + i);
    }
    return rows;
}

/// Runs `work(connection number, its store)` on a thread each, all at the same moment.
template <class Work>
void at_once(TestDatabase& database, Work work) {
    std::barrier start{kConnections};
    std::vector<std::jthread> threads;
    for (int i = 0; i < kConnections; ++i) {
        threads.emplace_back([&work, &start, i, store = database.open()] {
            start.arrive_and_wait();
            work(i, *store);
        });
    }
}

TEST_P(RecordStoreSuite, LosesAndDoublesNothingWhereSeveralAppendAtOnce) {
    at_once(*database_, [](int connection, RecordStore& store) {
        for (int n = 0; n < kBatches; ++n) {
            append(store, rows_of(batch_of(connection, n)), std::to_string(connection));
        }
    });

    constexpr int kRows = (kBatches / 2) * kRowsOfBatch * (1 + kConnections);
    EXPECT_EQ(ids_by_page(*store_, {}).size(), static_cast<std::size_t>(kRows));
    const auto sums = store_->day_sums(Day::min());
    ASSERT_TRUE(sums);
    Money total;
    for (const DaySum& sum : *sums) {
        total = total + sum.spent;
    }
    EXPECT_EQ(total, Money::nanos(7 * kRows));
    EXPECT_EQ(usage_by(*store_, {}).front().requests, kRows);
}

TEST_P(RecordStoreSuite, KeepsEverySumWhereSomeAppendAndOthersRollUp) {
    at_once(*database_, [](int connection, RecordStore& store) {
        for (int n = 0; n < kBatches; ++n) {
            append(store, rows_of(batch_of(0, 2 * n + 1 + connection * 2 * kBatches)));
            const auto rolled = store.roll_up(kFirstDay + std::chrono::days{99}, 40);
            const bool may_fail = !rolled && rolled.error().kind == StoreError::Kind::away;
            EXPECT_TRUE(rolled || may_fail) << rolled.error().text;
        }
    });

    constexpr int kRows = kConnections * kBatches * kRowsOfBatch;
    EXPECT_EQ(usage_by(*store_, {}).front().requests, kRows);
    EXPECT_EQ(usage_by(*store_, {}).front().cost, Money::nanos(7 * kRows));
}

TEST_P(RecordStoreSuite, GivesEachAlertToOneOfManyThatClaimItAtOnce) {
    constexpr int kAlerts = 50;
    std::atomic<int> claimed = 0;
    at_once(*database_, [&claimed](int, RecordStore& store) {
        for (int threshold = 0; threshold < kAlerts; ++threshold) {
            Stored<bool> first = store.claim_alert("shop", "2026-03", threshold);
            while (!first && first.error().kind == StoreError::Kind::away) {
                first = store.claim_alert("shop", "2026-03", threshold);
            }
            ASSERT_TRUE(first) << first.error().text;
            claimed += *first ? 1 : 0;
        }
    });

    EXPECT_EQ(claimed, kAlerts);
}

TEST_P(RecordStoreSuite, ReadsWhileAnotherConnectionWrites) {
    at_once(*database_, [](int connection, RecordStore& store) {
        for (int n = 0; n < kBatches; ++n) {
            if (connection == 0) {
                append(store, rows_of(batch_of(0, n)));
                continue;
            }
            const auto page = store.page({});
            const auto usage = store.usage({});
            ASSERT_TRUE(page) << page.error().text;
            ASSERT_TRUE(usage) << usage.error().text;
            const std::int64_t seen = usage->empty() ? 0 : usage->front().requests;
            EXPECT_EQ(seen % kRowsOfBatch, 0);  // whole batches only
        }
    });

    EXPECT_EQ(usage_by(*store_, {}).front().requests, kBatches * kRowsOfBatch);
}

}  // namespace
}  // namespace headgate::policy
