#include "policy/store/journal/journal.h"

#include "tests/unit/policy/store/journal/journal_folder.h"

#include <sys/stat.h>

#include <fstream>

namespace headgate::policy {
namespace {

TEST(Journal, GivesSettledRowsInOrderAndOnce) {
    const JournalFolder folder;
    const auto journal = folder.open();
    Journal::Writer& writer = journal->writer(0);
    std::vector<std::string_view> rows;

    for (const char* id : {"a", "b", "c"}) {
        writer.settle(writer.open(row_of(id)).value(), row_of(id, 300));
    }

    EXPECT_EQ(writer.published(), 3U);
    EXPECT_EQ(journal->read(2, rows), 2U);
    EXPECT_EQ(ids_of(rows), (Ids{"a", "b"}));
    EXPECT_EQ(rows[0], row_of("a", 300));
    EXPECT_EQ(journal->read(2, rows), 1U);
    EXPECT_EQ(ids_of(rows), (Ids{"c"}));
    EXPECT_EQ(journal->read(2, rows), 0U);
    journal->release();
    EXPECT_EQ(journal->read(2, rows), 0U);
}

TEST(Journal, GivesRowsAgainAfterRewind) {
    const JournalFolder folder;
    const auto journal = folder.open();
    Journal::Writer& writer = journal->writer(0);
    std::vector<std::string_view> rows;
    ASSERT_TRUE(writer.append(row_of("stored")));
    journal->read(9, rows);
    journal->release();

    ASSERT_TRUE(writer.append(row_of("a")));
    ASSERT_TRUE(writer.append(row_of("b")));
    journal->read(9, rows);
    journal->rewind();
    ASSERT_TRUE(writer.append(row_of("c")));
    journal->read(9, rows);

    EXPECT_EQ(ids_of(rows), (Ids{"a", "b", "c"}));
}

TEST(Journal, KeepsTheOrderOfEachWorkerAcrossSegments) {
    constexpr int kRows = 2'000;  // of 1 to 8 KiB: several segments
    const JournalFolder folder;
    JournalReplay replay;
    const auto journal = folder.open(replay, 3);
    std::vector<std::string_view> rows;
    std::vector<int> next(3, 0);

    for (int i = 0; i < kRows; ++i) {
        const auto worker = static_cast<std::size_t>(i % 3);
        const std::string id = std::to_string(worker) + "-" + std::to_string(i / 3);
        ASSERT_TRUE(journal->writer(worker).append(
            row_of(id, static_cast<std::size_t>(1'000 + i * 37 % 7'000))));
        if (i % 100 == 99) {
            while (journal->read(17, rows) > 0) {
                for (const std::string& read : ids_of(rows)) {
                    const auto from = static_cast<std::size_t>(read[0] - '0');
                    ASSERT_EQ(read.substr(2), std::to_string(next[from]++));
                }
                journal->release();
            }
        }
    }

    EXPECT_EQ(next[0] + next[1] + next[2], kRows);
    EXPECT_EQ(journal->figures().unstored_bytes, 0U);
}

TEST(Journal, CountsWhatItHolds) {
    const JournalFolder folder;
    const auto journal = folder.open();
    Journal::Writer& writer = journal->writer(0);
    std::vector<std::string_view> rows;

    const auto first = writer.open(row_of("a")).value();
    const auto second = writer.open(row_of("b")).value();
    writer.settle(first, row_of("a"));
    const Journal::Figures busy = journal->figures();
    writer.withdraw(second);
    journal->read(1, rows);
    journal->release();
    const Journal::Figures idle = journal->figures();

    EXPECT_EQ(busy.open_bytes, 2048U);
    EXPECT_EQ(busy.unstored_rows, 1U);
    EXPECT_GE(busy.unstored_bytes, row_of("a").size());
    EXPECT_EQ(idle.open_bytes, 0U);
    EXPECT_EQ(idle.unstored_rows, 0U);
    EXPECT_EQ(idle.unstored_bytes, 0U);
}

TEST(Journal, RefusesRowsThatAreTooLong) {
    const JournalFolder folder;
    const auto journal = folder.open();
    Journal::Writer& writer = journal->writer(0);
    const std::string too_open(Journal::kMaxOpen + 1, 'x');
    const std::string too_long(kMaxEncodedRow + 1, 'x');
    const auto slot = writer.open(row_of("a", Journal::kMaxOpen)).value();

    EXPECT_THROW(writer.open(too_open), std::length_error);
    EXPECT_THROW(writer.reopen(slot, too_open), std::length_error);
    EXPECT_THROW(writer.settle(slot, too_long), std::length_error);
    EXPECT_THROW(writer.append(too_long), std::length_error);
    EXPECT_EQ(writer.published(), 0U);
}

TEST(Journal, ReplaysWhatWasNotReleased) {
    const JournalFolder folder;
    JournalReplay replay;
    {
        const auto journal = folder.open();
        Journal::Writer& writer = journal->writer(0);
        std::vector<std::string_view> rows;
        for (const char* id : {"a", "b", "c", "d"}) {
            ASSERT_TRUE(writer.append(row_of(id)));
        }
        writer.withdraw(writer.open(row_of("withdrawn")).value());
        writer.settle(writer.open(row_of("settled")).value(), row_of("settled"));
        const auto slot = writer.open(row_of("open")).value();
        writer.reopen(slot, row_of("open", 500));
        writer.reopen(slot, row_of("open", 900));
        journal->read(2, rows);
        journal->release();
        journal->read(1, rows);  // given, not stored
    }

    const auto journal = folder.open(replay);

    EXPECT_EQ(ids_of(replay.settled), (Ids{"c", "d", "settled"}));
    ASSERT_EQ(ids_of(replay.open), (Ids{"open"}));
    EXPECT_EQ(replay.open[0], row_of("open", 900));
    EXPECT_EQ(replay.damaged, 0U);
    EXPECT_EQ(replay.journals, 1U);
    ASSERT_EQ(replay.parts.size(), 1U);
    EXPECT_EQ(replay.parts[0].instance, journal->instance());
    EXPECT_EQ(replay.parts[0].settled, 3U);
    EXPECT_EQ(replay.parts[0].open, 1U);
}

TEST(Journal, ReplaysAgainUntilToldToForget) {
    const JournalFolder folder;
    JournalReplay replay;
    {
        const auto journal = folder.open();
        ASSERT_TRUE(journal->writer(0).append(row_of("first life")));
        journal->writer(0).open(row_of("open in the first")).value();
    }
    {
        const auto journal = folder.open(replay);
        ASSERT_TRUE(journal->writer(0).append(row_of("second life")));
    }

    {
        const auto journal = folder.open(replay);
        EXPECT_EQ(ids_of(replay.settled), (Ids{"first life", "second life"}));
        EXPECT_EQ(ids_of(replay.open), (Ids{"open in the first"}));
        journal->forget_replayed();
        ASSERT_TRUE(journal->writer(0).append(row_of("third life")));
    }
    folder.open(replay);

    EXPECT_EQ(ids_of(replay.settled), (Ids{"third life"}));
    EXPECT_TRUE(replay.open.empty());
    EXPECT_EQ(replay.damaged, 0U);
}

TEST(Journal, KeepsItsInstanceOverRestarts) {
    const JournalFolder folder;
    const JournalFolder other;
    const std::string instance{folder.open()->instance()};

    EXPECT_EQ(instance.size(), 16U);
    EXPECT_EQ(instance.find_first_not_of("0123456789abcdef"), std::string::npos);
    EXPECT_EQ(folder.open()->instance(), instance);
    EXPECT_NE(other.open()->instance(), instance);
}

TEST(Journal, IsOneFileAProcess) {
    const JournalFolder folder;
    JournalReplay replay;
    auto first = folder.open(replay);
    ASSERT_TRUE(first->writer(0).append(row_of("first")));
    auto second = folder.open(replay);
    ASSERT_TRUE(second->writer(0).append(row_of("second")));
    const std::string second_instance{second->instance()};

    EXPECT_TRUE(replay.settled.empty()) << "a living process's rows are its own";
    EXPECT_NE(first->instance(), second->instance());
    EXPECT_TRUE(std::filesystem::exists(folder.file(0)));
    EXPECT_TRUE(std::filesystem::exists(folder.file(1)));

    second.reset();
    first.reset();
    first = folder.open(replay);
    EXPECT_EQ(ids_of(replay.settled), (Ids{"first", "second"}));
    EXPECT_EQ(replay.journals, 2U);
    ASSERT_EQ(replay.parts.size(), 2U);
    EXPECT_EQ(replay.parts[0].instance, first->instance());
    EXPECT_EQ(replay.parts[1].instance, second_instance);

    first->forget_replayed();
    EXPECT_TRUE(std::filesystem::exists(folder.file(0)));
    EXPECT_FALSE(std::filesystem::exists(folder.file(1)));
}

TEST(Journal, IsForItsOwnerAlone) {
    const JournalFolder folder;
    const auto journal = folder.open();

    struct stat status{};
    ASSERT_EQ(::stat(folder.file().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0600U);
}

TEST(Journal, PassesByWhatIsNoFileOfItsOwn) {
    const JournalFolder folder;
    std::filesystem::create_directory(folder.file(0));
    std::filesystem::create_symlink("/dev/null", folder.file(1));
    ASSERT_EQ(::mkfifo(folder.file(2).c_str(), 0600), 0);
    std::ofstream{folder.file(0) + "/kept"} << "x";

    JournalReplay replay;
    const auto journal = folder.open(replay);
    journal->forget_replayed();

    EXPECT_EQ(replay.journals, 1U);
    EXPECT_TRUE(std::filesystem::is_regular_file(folder.file(3)));
    EXPECT_TRUE(std::filesystem::exists(folder.file(0) + "/kept"));
}

TEST(Journal, SaysInOneLineWhyADirectoryIsOfNoUse) {
    const JournalFolder folder;
    std::ofstream{folder.path() + "/file"} << "x";
    JournalReplay replay;
    const auto error_of = [&replay](const std::string& directory) {
        return Journal::open({.directory = directory}, replay).error();
    };

    EXPECT_EQ(error_of("/nonexistent/state"),
              "cannot make /nonexistent/state/journal.0: No such file or directory");
    EXPECT_EQ(error_of(folder.path() + "/file"),
              "cannot make " + folder.path() + "/file/journal.0: Not a directory");
    EXPECT_TRUE(error_of("/proc").starts_with("cannot make /proc/journal.0: "));
}

}  // namespace
}  // namespace headgate::policy
