#include "tests/unit/policy/store/records/writer_fixture.h"

#include <latch>
#include <limits>
#include <thread>

namespace headgate::policy {
namespace {

using Changes = std::vector<std::pair<bool, std::string>>;

TEST_F(RecordWriterTest, CarriesRowsOfAllWorkersIntoTheStoreAndFreesThem) {
    publish(0, "a", 3'000);
    RecordWriter writer{*journal_, settings(), told_.observer()};
    writer.start();
    publish(1, "b", 1'500);

    told_.await_stored(4'500);

    EXPECT_EQ(stored_requests(), 4'500);
    EXPECT_EQ(writer.stored_rows(), 4'500U);
    EXPECT_EQ(journal_->figures().unstored_rows, 0U);
    EXPECT_LE(std::ranges::max(faults_->batches()), 2'000U);
    EXPECT_TRUE(writer.is_up());
    EXPECT_EQ(told_.events().changes, (Changes{{true, ""}}));
}

TEST_F(RecordWriterTest, NamesTheJournalAsTheInstanceOfItsRows) {
    publish(0, "a", 1);
    RecordWriter writer{*journal_, settings(), told_.observer()};
    writer.start();
    told_.await_stored(1);

    const auto sums = open_store().value()->day_sums(Day::min());

    ASSERT_TRUE(sums);
    ASSERT_EQ(sums->size(), 1U);
    EXPECT_EQ(sums->front().instance, journal_->instance());
}

TEST_F(RecordWriterTest, TellsACommitOnlyWhenAllThatWasPublishedBeforeIsStored) {
    RecordWriter::Settings small = settings();
    small.most_rows = 10;
    publish(0, "a", 35);
    publish(1, "b", 30);
    RecordWriter writer{*journal_, small, told_.observer()};

    writer.start();
    told_.await([](const Told::Events& now) { return now.committed > 0; });

    EXPECT_EQ(told_.events().stored_at_commit, 65U);
}

TEST_F(RecordWriterTest, WaitsForAStoreThatIsAwayAndTellsItOnce) {
    faults_->set_away(2, 0);
    publish(0, "a", 10);
    RecordWriter writer{*journal_, settings(), told_.observer()};

    writer.start();
    told_.await_stored(10);

    EXPECT_EQ(stored_requests(), 10);
    EXPECT_EQ(told_.events().changes, (Changes{{false, "out for lunch"}, {true, ""}}));
}

TEST_F(RecordWriterTest, StoresOnceWhatAStoreThatWentAwayDidNotTake) {
    faults_->set_away(0, 2);
    publish(0, "a", 100);
    RecordWriter writer{*journal_, settings(), told_.observer()};

    writer.start();
    told_.await_stored(100);

    EXPECT_EQ(stored_requests(), 100);
    EXPECT_EQ(writer.stored_rows(), 100U);
    EXPECT_EQ(told_.events().changes, (Changes{{false, "out for lunch"}, {true, ""}}));
}

TEST_F(RecordWriterTest, DropsAndTellsOnlyTheRowsThatAreRefused) {
    for (const char* const id : {"a0", "a7", "a8", "a99"}) {
        faults_->refuse(id);
    }
    publish(0, "a", 100);
    RecordWriter writer{*journal_, settings(), told_.observer()};

    writer.start();
    told_.await_stored(96);

    EXPECT_EQ(stored_requests(), 96);
    EXPECT_EQ(journal_->figures().unstored_rows, 0U);
    std::vector<std::string> refused;
    for (const auto& [id, why] : told_.events().refused) {
        refused.push_back(id);
        EXPECT_EQ(why, "no such row here");
    }
    EXPECT_EQ(refused, (std::vector<std::string>{"a0", "a7", "a8", "a99"}));
    EXPECT_TRUE(writer.is_up());
}

TEST_F(RecordWriterTest, DropsARowThatTheDatabaseItselfRefuses) {
    constexpr std::int64_t kAll = std::numeric_limits<std::int64_t>::max();
    std::array<char, kMaxEncodedRow> bytes{};
    for (const auto& [id, nanos] : {std::pair{"first", kAll}, {"second", std::int64_t{1}}}) {
        LedgerRow row;
        row.id = id;
        row.time = std::chrono::system_clock::now();
        row.project = "shop";
        row.cost = providers::Money::nanos(nanos);
        const std::size_t size = encode_row(row, bytes);
        ASSERT_TRUE(journal_->writer(0).append({bytes.data(), size}));
    }
    RecordWriter writer{*journal_, settings(), told_.observer()};

    writer.start();
    told_.await_stored(1);

    const Told::Events events = told_.events();
    ASSERT_EQ(events.refused.size(), 1U);
    EXPECT_EQ(events.refused[0].first, "second");
    EXPECT_NE(events.refused[0].second.find("range of money"), std::string::npos);
    EXPECT_TRUE(open_store().value()->find_row("first").value());
    EXPECT_FALSE(open_store().value()->find_row("second").value());
}

TEST_F(RecordWriterTest, TellsBytesThatAreNoRowAndGoesOn) {
    ASSERT_TRUE(journal_->writer(0).append("no row at all"));
    publish(0, "a", 5);
    RecordWriter writer{*journal_, settings(), told_.observer()};

    writer.start();
    told_.await_stored(5);

    EXPECT_EQ(stored_requests(), 5);
    ASSERT_EQ(told_.events().refused.size(), 1U);
    EXPECT_FALSE(told_.events().refused[0].second.empty());
}

TEST_F(RecordWriterTest, RunsPostedWorkWithTheStore) {
    RecordWriter writer{*journal_, settings(), told_.observer()};
    writer.start();
    std::promise<bool> claimed;

    writer.post([&claimed](RecordStore* store) {
        claimed.set_value(store != nullptr && store->claim_alert("shop", "2026", 80).value());
    });

    EXPECT_TRUE(claimed.get_future().get());
}

TEST_F(RecordWriterTest, RunsPostedWorkWithoutAStoreWhileItIsAway) {
    faults_->set_away(1'000'000, 0);
    publish(0, "a", 1);
    RecordWriter::Settings hasty = settings();
    hasty.last_flush = std::chrono::milliseconds{0};
    RecordWriter writer{*journal_, hasty, told_.observer()};
    writer.start();
    told_.await([](const Told::Events& now) { return !now.changes.empty(); });
    std::promise<bool> has_store;

    writer.post([&has_store](RecordStore* store) { has_store.set_value(store != nullptr); });

    EXPECT_FALSE(has_store.get_future().get());
    EXPECT_FALSE(writer.is_up());
}

TEST_F(RecordWriterTest, RunsWhatWasPostedThoughItNeverStarts) {
    int runs = 0;
    {
        RecordWriter writer{*journal_, settings(), told_.observer()};
        writer.post([&runs](RecordStore* store) { runs += store == nullptr ? 1 : 100; });
    }

    EXPECT_EQ(runs, 1);
}

TEST_F(RecordWriterTest, StoresWhatIsLeftWhenItEnds) {
    std::latch first_append{1};
    std::latch published{1};
    faults_->on_append = [&] {
        if (!first_append.try_wait()) {
            first_append.count_down();
            published.wait();
        }
    };
    {
        RecordWriter writer{*journal_, settings(), told_.observer()};
        writer.start();
        publish(0, "a", 1);
        first_append.wait();
        publish(1, "b", 5'000);
        published.count_down();
    }

    EXPECT_EQ(stored_requests(), 5'001);
    EXPECT_EQ(journal_->figures().unstored_rows, 0U);
}

TEST_F(RecordWriterTest, LeavesInTheJournalWhatCannotBeStoredWhenItEnds) {
    faults_->set_away(1'000'000, 0);
    publish(0, "a", 20);
    {
        RecordWriter::Settings hasty = settings();
        hasty.last_flush = std::chrono::milliseconds{0};
        RecordWriter writer{*journal_, hasty, told_.observer()};
        writer.start();
        told_.await([](const Told::Events& now) { return !now.changes.empty(); });
    }

    EXPECT_EQ(journal_->figures().unstored_rows, 20U);
    faults_->set_away(0, 0);
    {
        RecordWriter writer{*journal_, settings(), told_.observer()};
        writer.start();
    }
    EXPECT_EQ(stored_requests(), 20);
}

TEST_F(RecordWriterTest, RollsUpInSlicesWhatIsOlderThanTheRetention) {
    publish(0, "old", 12'000, std::chrono::sys_days{std::chrono::year{2020} / 1 / 1});
    publish(0, "new", 10);
    RecordWriter writer{*journal_, settings(), told_.observer()};
    writer.start();
    told_.await_stored(12'010);

    while (faults_->roll_ups < 3) {  // 5,000, 5,000 and 2,000
        std::promise<void> passed;   // the writer's loop has gone round once more
        writer.post([&passed](RecordStore*) { passed.set_value(); });
        passed.get_future().get();
    }

    EXPECT_EQ(open_store().value()->page({}).value().rows.size(), 10U);
    EXPECT_EQ(stored_requests(), 12'010);
}

TEST_F(RecordWriterTest, LosesNothingWhereWorkersPublishAndTheStoreComesAndGoes) {
    constexpr int kRows = 10'000;
    {
        RecordWriter writer{*journal_, settings(), told_.observer()};
        writer.start();
        const std::jthread first{[this] { publish(0, "a", kRows); }};
        const std::jthread second{[this] { publish(1, "b", kRows); }};
        const std::jthread third{[this, &writer] {
            for (int i = 0; i < 20; ++i) {
                std::promise<void> ran;
                writer.post([&ran](RecordStore*) { ran.set_value(); });
                ran.get_future().get();
                faults_->set_away(0, i % 10 == 0 ? 1 : 0);
            }
        }};
    }

    EXPECT_EQ(stored_requests(), 2 * kRows);
}

}  // namespace
}  // namespace headgate::policy
