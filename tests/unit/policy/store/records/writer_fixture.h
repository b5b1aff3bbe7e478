#pragma once

#include "policy/ledger/row_codec.h"
#include "policy/store/journal/journal.h"
#include "policy/store/records/record_writer.h"
#include "tests/unit/policy/store/records/faulty_store.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <array>
#include <condition_variable>
#include <filesystem>
#include <future>
#include <mutex>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace headgate::policy {

/// What a RecordWriter told, and waiting for it.
class Told {
public:
    struct Events {
        std::vector<std::pair<bool, std::string>> changes;
        std::vector<std::pair<std::string, std::string>> refused;
        std::size_t stored = 0;
        int committed = 0;
        std::size_t stored_at_commit = 0;
    };

    RecordWriter::Observer observer() {
        return {
            .store_changed =
                [this](bool is_up, std::string_view why) {
                    note([&](Events& now) { now.changes.emplace_back(is_up, why); });
                },
            .stored = [this](std::chrono::nanoseconds,
                             std::size_t rows) { note([&](Events& now) { now.stored += rows; }); },
            .committed =
                [this] {
                    note([](Events& now) {
                        ++now.committed;
                        now.stored_at_commit = now.stored;
                    });
                },
            .row_refused =
                [this](std::string_view id, std::string_view why) {
                    note([&](Events& now) { now.refused.emplace_back(id, why); });
                },
            .roll_up_failed = [](std::string_view why) { ADD_FAILURE() << why; }};
    }

    Events events() const {
        const std::lock_guard lock{mutex_};
        return events_;
    }

    /// Waits until the events are as wanted; a failure of the test after a minute.
    template <class Wanted>
    void await(Wanted wanted) {
        std::unique_lock lock{mutex_};
        EXPECT_TRUE(changed_.wait_for(lock, std::chrono::minutes{1},
                                      [&] { return wanted(std::as_const(events_)); }));
    }
    void await_stored(std::size_t rows) {
        await([rows](const Events& now) { return now.stored >= rows; });
    }

private:
    template <class Change>
    void note(Change change) {
        {
            const std::lock_guard lock{mutex_};
            change(events_);
        }
        changed_.notify_all();
    }

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    Events events_;
};

/// A journal and a SQLite database in a directory of its own, and a writer between them.
class RecordWriterTest : public testing::Test {
protected:
    RecordWriterTest() {
        std::string path = std::filesystem::temp_directory_path() / "headgate-writer-XXXXXX";
        if (::mkdtemp(path.data()) == nullptr) {
            throw std::system_error(errno, std::generic_category(), "mkdtemp");
        }
        directory_ = path;
        JournalReplay replay;
        auto journal = Journal::open({.directory = path, .workers = 2}, replay);
        if (!journal) {
            throw std::runtime_error(journal.error());
        }
        journal_ = std::move(*journal);
    }
    ~RecordWriterTest() override {
        journal_.reset();
        std::filesystem::remove_all(directory_);
    }

    Stored<std::unique_ptr<RecordStore>> open_store() const {
        if (std::optional<StoreError> error = faults_->open()) {
            return std::unexpected(std::move(*error));
        }
        Stored<std::unique_ptr<RecordStore>> real = open_sqlite(directory_ / "headgate.db", false);
        if (!real) {
            return real;
        }
        return std::make_unique<FaultyStore>(std::move(*real), faults_);
    }

    RecordWriter::Settings settings() const {
        RecordWriter::Settings settings;
        settings.open = [this] { return open_store(); };
        settings.last_flush = std::chrono::minutes{1};
        return settings;
    }

    /// Publishes rows "<prefix>0" to "<prefix>n-1" of 3 nanodollars each.
    void publish(std::size_t worker, std::string_view prefix, int count) const {
        publish(worker, prefix, count, std::chrono::system_clock::now());
    }
    void publish(std::size_t worker,
                 std::string_view prefix,
                 int count,
                 providers::WallTime time) const {
        std::array<char, kMaxEncodedRow> bytes{};
        for (int i = 0; i < count; ++i) {
            const std::string id = std::string(prefix) + std::to_string(i);
            LedgerRow row;
            row.id = id;
            row.time = time;
            row.project = "shop";
            row.cost = providers::Money::nanos(3);
            const std::size_t size = encode_row(row, bytes);
            ASSERT_GT(size, 0U);
            ASSERT_TRUE(journal_->writer(worker).append({bytes.data(), size}));
        }
    }

    /// Requests in the database, rolled up ones included; checks that each costs 3 nanodollars.
    std::int64_t stored_requests() const {
        const auto store = open_sqlite(directory_ / "headgate.db", false);
        const auto usage = store ? (*store)->usage({}) : std::unexpected(store.error());
        if (!usage) {
            ADD_FAILURE() << usage.error().text;
            return -1;
        }
        if (usage->empty()) {
            return 0;
        }
        EXPECT_EQ(usage->front().cost.nanos(), 3 * usage->front().requests);
        return usage->front().requests;
    }

    std::filesystem::path directory_;
    std::shared_ptr<Faults> faults_ = std::make_shared<Faults>();
    std::unique_ptr<Journal> journal_;
    Told told_;
};

}  // namespace headgate::policy
