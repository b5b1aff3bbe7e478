// Files that were cut, overwritten, or never were journals.
#include "policy/store/journal/layout.h"
#include "policy/store/journal/replay.h"
#include "tests/unit/policy/store/journal/journal_folder.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <set>

namespace headgate::policy {
namespace {

using journal::kBlockBytes;
using journal::kHeadBytes;

std::string bytes_of(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

void write_file(const std::string& path, std::string_view bytes) {
    std::filesystem::remove(path);  // some file systems flush a file that is written over
    std::ofstream file{path, std::ios::binary};
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// A journal as it was left: what it should give, and its bytes.
struct Left {
    Ids settled;
    Ids open;
    std::string bytes;
};

Left leave_journal(std::size_t rows) {
    Left left;
    const JournalFolder folder;
    {
        const auto journal = folder.open();
        Journal::Writer& writer = journal->writer(0);
        for (std::size_t i = 0; i < rows; ++i) {
            left.settled.push_back("settled-" + std::to_string(i));
            EXPECT_TRUE(writer.append(row_of(left.settled.back(), 200 + i * 37 % 900)));
        }
        for (int i = 0; i < 20; ++i) {
            left.open.push_back("open-" + std::to_string(i));
            const auto slot = writer.open(row_of(left.open.back()));
            writer.reopen(slot.value(), row_of(left.open.back(), 600));
        }
    }
    left.bytes = bytes_of(folder.file());
    return left;
}

/// Opens a folder with these bytes as its journal, and once more after forgetting.
JournalReplay replay_of(const JournalFolder& folder, std::string_view bytes) {
    write_file(folder.file(), bytes);
    JournalReplay replay;
    {
        const auto journal = folder.open(replay);
        journal->forget_replayed();
        EXPECT_TRUE(journal->writer(0).append(row_of("new")));
    }
    JournalReplay again;
    folder.open(again);
    EXPECT_EQ(ids_of(again.settled), Ids{"new"});
    EXPECT_EQ(again.damaged, 0U);
    return replay;
}

/// The bytes as a file in memory: quicker to read, and reading changes nothing.
class MemoryFile {
public:
    explicit MemoryFile(std::string_view bytes) : file_{::memfd_create("journal", MFD_CLOEXEC)} {
        put(0, bytes);
    }
    ~MemoryFile() { ::close(file_); }
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;

    void put(std::size_t offset, std::string_view bytes) const {
        EXPECT_EQ(::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(offset)),
                  static_cast<ssize_t>(bytes.size()));
    }
    void cut(std::size_t size) const { EXPECT_EQ(::ftruncate(file_, static_cast<off_t>(size)), 0); }

    JournalReplay replay() const {
        journal::FileContent content = journal::read_journal(file_);
        return {.settled = std::move(content.settled),
                .open = std::move(content.open),
                .damaged = content.damaged,
                .journals = 1,
                .parts = {}};
    }

private:
    int file_;
};

char flipped(char byte, std::size_t at) {
    return static_cast<char>(static_cast<unsigned char>(byte) ^ (1U << at % 8));
}

/// What happened to a file: flipped bits, and perhaps less of it.
struct Damage {
    std::vector<std::size_t> flips;
    std::optional<std::size_t> size;

    Damage(std::mt19937& random, std::size_t whole) {
        // Both blocks have what matters in their first quarter or so.
        const std::size_t area = kHeadBytes + (random() % 2) * kBlockBytes;
        for (std::size_t i = 1 + random() % 4; i > 0; --i) {
            flips.push_back(area + random() % (kBlockBytes / 4));
        }
        if (random() % 8 == 0) {
            size = random() % whole;
        }
    }

    void apply(std::string& bytes) const {
        for (const std::size_t at : flips) {
            bytes[at] = flipped(bytes[at], at);
        }
        bytes.resize(size.value_or(bytes.size()));
    }
};

/// Puts the damage on the file and takes it off again.
JournalReplay replay_with(const MemoryFile& file, const Damage& damage, std::string_view whole) {
    for (const std::size_t at : damage.flips) {
        const char byte = flipped(whole[at], at);
        file.put(at, {&byte, 1});
    }
    const std::size_t size = damage.size.value_or(whole.size());
    file.cut(size);
    JournalReplay replay = file.replay();
    file.put(size, whole.substr(size));
    for (const std::size_t at : damage.flips) {
        file.put(at, whole.substr(at, 1));
    }
    return replay;
}

void expect_proven(const Left& left, const JournalReplay& replay) {
    const std::set<std::string> settled{left.settled.begin(), left.settled.end()};
    const std::set<std::string> open{left.open.begin(), left.open.end()};
    const Ids found = ids_of(replay.settled);
    EXPECT_EQ(std::set<std::string>(found.begin(), found.end()).size(), found.size());
    for (const std::string& id : found) {
        EXPECT_TRUE(settled.contains(id)) << id;
    }
    for (const std::string& id : ids_of(replay.open)) {
        EXPECT_TRUE(open.contains(id)) << id;
    }
}

TEST(DamagedJournal, LosesNoMoreThanWasOverwritten) {
    constexpr int kRounds = 2'000;
    const Left left = leave_journal(300);
    const std::size_t all = left.settled.size() + left.open.size();
    const MemoryFile file{left.bytes};
    std::mt19937 random{7};
    std::size_t lost_rounds = 0;

    for (int round = 0; round < kRounds; ++round) {
        SCOPED_TRACE(round);
        const Damage damage{random, left.bytes.size()};

        const JournalReplay replay = replay_with(file, damage, left.bytes);

        expect_proven(left, replay);
        const std::size_t lost = all - replay.settled.size() - replay.open.size();
        EXPECT_TRUE(damage.size || lost <= damage.flips.size());
        EXPECT_TRUE(lost == 0 || replay.damaged > 0);
        lost_rounds += lost > 0 ? 1 : 0;
    }

    EXPECT_GT(lost_rounds, 100U) << "the flips hit something";
    EXPECT_EQ(file.replay().settled.size(), left.settled.size()) << "the file is whole again";
}

TEST(DamagedJournal, IsUsedAgainWhateverHappenedToIt) {
    const Left left = leave_journal(100);
    std::mt19937 random{8};
    const JournalFolder folder;
    for (int round = 0; round < 40; ++round) {
        SCOPED_TRACE(round);
        std::string bytes = left.bytes;
        Damage{random, bytes.size()}.apply(bytes);

        const JournalReplay replay = replay_of(folder, bytes);

        expect_proven(left, replay);
    }
}

TEST(DamagedJournal, RecoversAllBehindDamagedHeads) {
    const Left left = leave_journal(300);
    for (std::size_t head = 0; head < 3; ++head) {  // of the file and of its two blocks
        for (std::size_t at = 0; at < 24; ++at) {
            SCOPED_TRACE(std::to_string(head) + " " + std::to_string(at));
            std::string bytes = left.bytes;
            const std::size_t offset = head == 0 ? 0 : kHeadBytes + (head - 1) * kBlockBytes;
            bytes[offset + at] = flipped(bytes[offset + at], 6);

            const JournalReplay replay = MemoryFile{bytes}.replay();

            EXPECT_EQ(ids_of(replay.settled), left.settled);
            EXPECT_EQ(replay.open.size(), left.open.size());
            const bool is_magic_of_file = head == 0 && at < 8;
            EXPECT_TRUE(replay.damaged > 0 || (!is_magic_of_file && at >= 20));
        }
    }
}

TEST(DamagedJournal, CountsEveryLostRow) {
    const Left left = leave_journal(300);
    const std::string_view whole{left.bytes};
    const JournalFolder folder;
    for (const std::size_t victims : {1U, 2U, 10U}) {
        std::string bytes = left.bytes;
        for (std::size_t i = 0; i < victims; ++i) {
            const std::string& id = left.settled[i * 7 + 290 - victims * 7];
            bytes[whole.find(id + "\x06")] = 'X';  // the next text is "search", of 6 bytes
        }

        const JournalReplay replay = replay_of(folder, bytes);

        EXPECT_EQ(replay.settled.size(), left.settled.size() - victims);
        EXPECT_EQ(replay.damaged, victims);
    }
}

TEST(DamagedJournal, TakesAnEmptyFileForANewOne) {
    const JournalFolder folder;

    const JournalReplay replay = replay_of(folder, "");

    EXPECT_EQ(replay.damaged, 0U);
    EXPECT_EQ(replay.journals, 1U);
}

TEST(DamagedJournal, ReportsFilesThatAreNoJournals) {
    const JournalFolder folder;
    std::mt19937 random{3};
    for (const std::size_t size : {std::size_t{1}, kHeadBytes, kHeadBytes + 1, 3 * kBlockBytes}) {
        std::string noise(size, '\0');
        std::ranges::generate(noise, [&random] { return static_cast<char>(random() | 1); });

        const JournalReplay replay = replay_of(folder, noise);

        EXPECT_GT(replay.damaged, 0U) << size;
        EXPECT_TRUE(replay.settled.empty());
        EXPECT_TRUE(replay.open.empty());
    }
}

TEST(DamagedJournal, ReadsNoMoreOfAHugeFileThanItMayHave) {
    const JournalFolder folder;
    write_file(folder.file(), leave_journal(3).bytes);
    std::filesystem::resize_file(folder.file(), std::uintmax_t{1} << 40);  // a terabyte of hole
    JournalReplay replay;

    const auto journal = folder.open(replay);
    journal->forget_replayed();

    EXPECT_EQ(replay.settled.size(), 3U);
    EXPECT_EQ(replay.damaged, 1U);
    EXPECT_LE(std::filesystem::file_size(folder.file()), 8 * kBlockBytes);
}

/// Every place looks like the begin of the longest row.
TEST(DamagedJournal, GivesUpOnABlockOfFalseRows) {
    std::string block(kBlockBytes, '\0');
    journal::BlockHead head{};
    head.magic = journal::kSegmentMagic;
    head.generation = 0x1000'0000'1000;  // also a length of 4096 where it is read as one
    head.checksum = checksum_of(head);
    head.written = journal::seal(5);
    head.released = journal::seal(0);
    std::memcpy(block.data(), &head, sizeof head);
    for (std::size_t at = sizeof head; at + 8 <= block.size(); at += 8) {
        std::memcpy(block.data() + at, &head.generation, 8);
    }
    const JournalFolder folder;

    const JournalReplay replay = replay_of(folder, std::string(kHeadBytes, '\0') + block);

    EXPECT_TRUE(replay.settled.empty());
    EXPECT_EQ(replay.damaged, 6U) << "five rows and the file's head";
}

TEST(DamagedJournal, LeavesAFileOfAnotherVersionAlone) {
    const Left left = leave_journal(3);
    std::string bytes = left.bytes;
    journal::FileHead head{};
    std::memcpy(&head, bytes.data(), sizeof head);
    head.version = 2;
    head.checksum = checksum_of(head);
    std::memcpy(bytes.data(), &head, sizeof head);
    const JournalFolder folder;
    write_file(folder.file(0), bytes);
    JournalReplay replay;

    const auto journal = folder.open(replay);
    journal->forget_replayed();

    EXPECT_EQ(replay.damaged, 1U);
    EXPECT_TRUE(replay.settled.empty());
    EXPECT_EQ(bytes_of(folder.file(0)), bytes);
    EXPECT_TRUE(std::filesystem::exists(folder.file(1)));
}

TEST(DamagedJournal, NeverTakesAnEarlierUseOfASegmentForRows) {
    const JournalFolder folder;
    JournalReplay replay;
    std::vector<std::string_view> rows;
    {
        const auto journal = folder.open(replay, 1, kBlockBytes);
        Journal::Writer& writer = journal->writer(0);
        for (int life = 0; life < 3; ++life) {
            while (writer.append(row_of("old", 400))) {
            }
            journal->read(1'000'000, rows);
            journal->release();
        }
        ASSERT_TRUE(writer.append(row_of("new", 400)));
    }

    folder.open(replay);

    EXPECT_EQ(ids_of(replay.settled), Ids{"new"});
    EXPECT_EQ(replay.damaged, 0U);
}

}  // namespace
}  // namespace headgate::policy
