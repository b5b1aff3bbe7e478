// A journal that is full: by its bound, or by the disk's.
#include "policy/store/journal/journal.h"
#include "tests/unit/policy/store/journal/journal_folder.h"

#include <sys/mount.h>
#include <sys/resource.h>

#include <random>

namespace headgate::policy {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

TEST(FullJournal, RefusesToOpenBeforeRowsCouldBeTooMany) {
    const JournalFolder folder;
    JournalReplay replay;
    const auto journal = folder.open(replay, 1, kMiB);
    Journal::Writer& writer = journal->writer(0);
    std::vector<Journal::Slot> slots;
    std::vector<std::string_view> rows;

    while (const auto slot = writer.open(row_of("open-" + std::to_string(slots.size())))) {
        slots.push_back(*slot);
    }
    const bool may_append = writer.append(row_of("one more"));
    for (std::size_t i = 0; i < slots.size(); ++i) {
        writer.settle(slots[i], row_of("open-" + std::to_string(i), kMaxEncodedRow));
    }

    EXPECT_GE(slots.size(), 127U) << "as many as 1 MiB has room for";
    EXPECT_LE(slots.size(), 128U);
    EXPECT_FALSE(may_append);
    EXPECT_EQ(journal->read(1'000, rows), slots.size());
    EXPECT_EQ(rows.back().size(), kMaxEncodedRow);
}

TEST(FullJournal, TakesRowsAgainWhenSomeWereStored) {
    const JournalFolder folder;
    JournalReplay replay;
    const auto journal = folder.open(replay, 1, 2 * kMiB);
    Journal::Writer& writer = journal->writer(0);
    std::vector<std::string_view> rows;
    std::size_t written = 0;
    std::size_t stored = 0;

    for (int round = 0; round < 50; ++round) {
        while (writer.append(row_of("row", 100 + written % 1'000))) {
            ++written;
        }
        ASSERT_FALSE(writer.open(row_of("open"))) << "full is full";
        // Everything at once, or only the first segment.
        stored += journal->read(round % 2 == 0 ? 1'000'000 : 3'000, rows);
        journal->release();
        journal->read(0, rows);  // the consumer looks again when it was woken
        ASSERT_TRUE(writer.append(row_of("row"))) << round;
        ++written;
    }

    EXPECT_GT(stored, 50'000U);
    EXPECT_EQ(journal->figures().unstored_rows, written - stored);
    EXPECT_LE(std::filesystem::file_size(folder.file()), 6 * kMiB);
}

TEST(FullJournal, CountsWhatAFormerLifeLeft) {
    const JournalFolder folder;
    JournalReplay replay;
    std::size_t written = 0;
    {
        const auto journal = folder.open(replay, 1, kMiB);
        while (journal->writer(0).append(row_of(std::to_string(written)))) {
            ++written;
        }
    }

    const auto journal = folder.open(replay, 1, kMiB);
    const bool may_append_before = journal->writer(0).append(row_of("new"));
    journal->forget_replayed();
    const bool may_append_after = journal->writer(0).append(row_of("new"));

    EXPECT_EQ(replay.settled.size(), written);
    EXPECT_FALSE(may_append_before);
    EXPECT_TRUE(may_append_after);
}

TEST(FullJournal, SharesItsSegmentsAmongWorkers) {
    const JournalFolder folder;
    JournalReplay replay;
    const auto journal = folder.open(replay, 2, 3 * kMiB);
    std::vector<std::string_view> rows;
    std::size_t written = 0;
    while (journal->writer(0).append(row_of("row", 4'000))) {
        ++written;
    }

    const bool may_second_before = journal->writer(1).open(row_of("second")).has_value();
    journal->read(written, rows);
    journal->release();
    const bool may_second_after = journal->writer(1).open(row_of("second")).has_value();

    EXPECT_FALSE(may_second_before);
    EXPECT_TRUE(may_second_after);
}

TEST(FullJournal, GivesDiskSpaceBack) {
    const JournalFolder folder;
    const auto journal = folder.open();
    std::vector<std::string_view> rows;
    const auto blocks_used = [&folder] {
        struct stat status{};
        return ::stat(folder.file().c_str(), &status) == 0 ? status.st_blocks * 512 : -1;
    };
    for (int i = 0; i < 64 * 128; ++i) {
        ASSERT_TRUE(journal->writer(0).append(row_of("row", kMaxEncodedRow)));
    }
    const auto full = blocks_used();

    journal->read(1'000'000, rows);
    journal->release();

    EXPECT_GE(full, static_cast<std::int64_t>(64 * kMiB));
    EXPECT_LE(blocks_used(), static_cast<std::int64_t>(24 * kMiB));
}

/// Random work: as long as open() and append() ask first, settle() finds its room.
TEST(FullJournal, NeverFailsToSettle) {
    for (unsigned seed = 1; seed <= 5; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937 random{seed};
        const JournalFolder folder;
        JournalReplay replay;
        const auto journal = folder.open(replay, 2, 4 * kMiB);
        std::vector<std::vector<Journal::Slot>> open(2);
        std::vector<std::string_view> rows;
        std::size_t refused = 0;
        for (int step = 0; step < 20'000; ++step) {
            const auto worker = random() % 2;
            Journal::Writer& writer = journal->writer(worker);
            std::vector<Journal::Slot>& slots = open[worker];
            const auto what = random() % 100;
            if (what < 50 || slots.empty()) {
                const auto slot = writer.open(row_of("row"));
                refused += slot ? 0 : 1;
                if (slot) {
                    slots.push_back(*slot);
                }
            } else if (what < 90) {
                std::swap(slots.back(), slots[random() % slots.size()]);
                writer.settle(slots.back(), row_of("row", random() % 3 == 0 ? 8'192 : 300));
                slots.pop_back();
            } else if (what < 95) {
                refused += writer.append(row_of("row", random() % 8'192)) ? 0 : 1;
            } else {
                journal->read(random() % 500, rows);
                if (random() % 4 == 0) {
                    journal->rewind();
                } else {
                    journal->release();
                }
            }
        }
        EXPECT_GT(refused, 0U) << "the bound was reached";
    }
}

/// A file system of `bytes`, or none where we may not mount.
class SmallDisk {
public:
    explicit SmallDisk(const std::string& bytes)
        : is_mounted_{::mount("tmpfs",
                              folder_.path().c_str(),
                              "tmpfs",
                              MS_NOSUID | MS_NODEV,
                              ("size=" + bytes).c_str()) == 0} {}
    ~SmallDisk() {
        if (is_mounted_) {
            ::umount2(folder_.path().c_str(), MNT_DETACH);
        }
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;

    bool is_mounted() const { return is_mounted_; }
    const JournalFolder& folder() const { return folder_; }

private:
    JournalFolder folder_;
    bool is_mounted_;
};

/// Fills the journal until it refuses; what was written must be there.
void fill_and_check(const JournalFolder& folder) {
    JournalReplay replay;
    std::size_t written = 0;
    {
        const auto journal = folder.open(replay);
        ASSERT_NE(journal, nullptr);
        std::vector<Journal::Slot> slots;
        for (int i = 0; i < 10; ++i) {
            slots.push_back(journal->writer(0).open(row_of("open")).value());
        }
        while (written < 100'000 && journal->writer(0).append(row_of("row", 8'000))) {
            ++written;
        }
        EXPECT_FALSE(journal->writer(0).open(row_of("open")));
        for (const Journal::Slot slot : slots) {
            journal->writer(0).settle(slot, row_of("row", kMaxEncodedRow));
            ++written;
        }
    }
    EXPECT_LT(written, 100'000U);

    const auto journal = folder.open(replay);
    EXPECT_EQ(replay.settled.size(), written);
    EXPECT_EQ(replay.damaged, 0U);
}

TEST(FullJournal, TakesAFullDiskForAFullJournal) {
    const SmallDisk disk{"8m"};
    const SmallDisk tiny{"1m"};
    if (!disk.is_mounted() || !tiny.is_mounted()) {
        GTEST_SKIP() << "mounting is not allowed here; the next test limits the file's size";
    }

    fill_and_check(disk.folder());

    JournalReplay replay;
    EXPECT_EQ(Journal::open({.directory = tiny.folder().path()}, replay).error(),
              "no room in " + tiny.folder().file() + ": No space left on device");
}

TEST(FullJournal, TakesALimitOfFileSizesForAFullJournal) {
    const JournalFolder folder;
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    rlimit lowered = before;
    lowered.rlim_cur = 5 * kMiB;
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &lowered), 0);

    fill_and_check(folder);

    ::setrlimit(RLIMIT_FSIZE, &before);
}

}  // namespace
}  // namespace headgate::policy
