// Workers write while one consumer reads; for ThreadSanitizer, too.
#include "policy/store/journal/journal.h"
#include "tests/unit/policy/store/journal/journal_folder.h"

#include <atomic>
#include <chrono>
#include <random>
#include <thread>

namespace headgate::policy {
namespace {

constexpr int kForever = 1'000'000;  // milliseconds: what ends a wait is an event

/// Writes rows "WORKER-0", "WORKER-1" …, some by way of a reservation.
void work(Journal& journal, std::size_t worker, int rows) {
    Journal::Writer& writer = journal.writer(worker);
    std::mt19937 random{static_cast<unsigned>(worker)};
    for (int i = 0; i < rows;) {
        const std::string row =
            row_of(std::to_string(worker) + "-" + std::to_string(i), random() % 3'000);
        if (i % 3 == 0) {
            if (writer.append(row)) {
                ++i;
            }
        } else if (const auto slot = writer.open(row_of("open"))) {
            writer.reopen(*slot, row_of("open", 400));
            writer.settle(*slot, row);
            ++i;
        }
    }
}

TEST(JournalThreads, GiveEveryRowOnceAndInOrder) {
    constexpr int kRows = 4'000;
    constexpr std::size_t kWorkers = 3;
    const JournalFolder folder;
    JournalReplay replay;
    const auto journal = folder.open(replay, kWorkers, std::size_t{6} << 20);
    std::vector<std::thread> workers;
    for (std::size_t worker = 0; worker < kWorkers; ++worker) {
        workers.emplace_back(work, std::ref(*journal), worker, kRows);
    }
    std::vector<int> next(kWorkers, 0);
    std::vector<std::string_view> rows;
    std::size_t read = 0;

    for (unsigned round = 0; read < kWorkers * kRows; ++round) {
        if (journal->read(100, rows) == 0) {
            journal->wait(kForever);
            continue;
        }
        const Journal::Figures figures = journal->figures();
        EXPECT_LE(figures.unstored_bytes, std::size_t{6} << 20);
        EXPECT_GE(figures.unstored_rows, rows.size());
        if (round % 5 == 4) {
            journal->rewind();
            continue;
        }
        for (const std::string& id : ids_of(rows)) {
            const auto worker = static_cast<std::size_t>(id[0] - '0');
            EXPECT_EQ(id.substr(2), std::to_string(next[worker]++));
        }
        read += rows.size();
        journal->release();
    }
    for (std::thread& worker : workers) {
        worker.join();
    }

    EXPECT_EQ(journal->figures().unstored_rows, 0U);
    EXPECT_EQ(journal->figures().open_bytes, 0U);
}

TEST(JournalThreads, WakeAConsumerThatSleeps) {
    const JournalFolder folder;
    const auto journal = folder.open();
    std::vector<std::string_view> rows;
    for (int i = 0; i < 500; ++i) {
        std::thread writer{[&] { EXPECT_TRUE(journal->writer(0).append(row_of("row"))); }};
        while (journal->read(10, rows) == 0) {
            journal->wait(kForever);
        }
        journal->release();
        writer.join();
    }
}

TEST(JournalThreads, WakeEndsTheWaitOrTheNextOne) {
    const JournalFolder folder;
    const auto journal = folder.open();

    journal->wake();
    journal->wait(kForever);
    std::thread other{[&] { journal->wake(); }};
    journal->wait(kForever);
    other.join();
    ASSERT_TRUE(journal->writer(0).append(row_of("row")));
    journal->wait(kForever);

    SUCCEED() << "no wait was for ever";
}

TEST(JournalThreads, AWaitEndsWithItsTime) {
    const JournalFolder folder;
    const auto journal = folder.open();
    const auto begin = std::chrono::steady_clock::now();

    journal->wait(0);
    journal->wait(-5);
    journal->wait(20);

    EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds{20});
}

TEST(JournalThreads, ForgetsAFormerLifeWhileWorkersWrite) {
    const JournalFolder folder;
    JournalReplay replay;
    work(*folder.open(), 0, 3'000);
    const auto journal = folder.open(replay);
    std::thread worker{work, std::ref(*journal), 0, 3'000};

    journal->forget_replayed();
    worker.join();

    EXPECT_EQ(replay.settled.size(), 3'000U);
    EXPECT_EQ(journal->figures().unstored_rows, 3'000U);
}

}  // namespace
}  // namespace headgate::policy
