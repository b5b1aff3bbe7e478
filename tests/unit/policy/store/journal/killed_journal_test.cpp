// A process that is killed at any instant loses nothing that a client was told.
#include "policy/store/journal/journal.h"
#include "tests/unit/policy/store/journal/journal_folder.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <map>
#include <random>
#include <set>

namespace headgate::policy {
namespace {

/// What the child tells through the pipe. Small writes to a pipe are whole or not there.
struct Message {
    char what = ' ';  // 'o': open() has returned; 's': settle(); 'r': is about to be released
    std::uint32_t id = 0;
};

std::string id_of(std::uint32_t number) {
    return "req_" + std::to_string(number);
}

class Child {
public:
    Child(Journal& journal, int pipe, unsigned life)
        : journal_{journal}, pipe_{pipe}, random_{life}, first_id_{life * 10'000'000} {}

    /// Some exchanges at a time, of which each is opened, perhaps booked anew, and settled.
    [[noreturn]] void work_until_killed() {
        for (std::uint32_t id = first_id_;; ++id) {
            Journal::Writer& writer = journal_.writer(id % 2);
            const auto slot = writer.open(row_of(id_of(id), 200 + random_() % 1'500));
            if (!slot) {
                store_some();
                continue;
            }
            tell('o', id);
            open_.push_back({id, *slot});
            if (open_.size() > 10) {
                settle_one();
            }
            if (id % 50 == 0) {
                store_some();
            }
        }
    }

private:
    struct Open {
        std::uint32_t id;
        Journal::Slot slot;
    };

    void settle_one() {
        std::swap(open_.back(), open_[random_() % open_.size()]);
        const Open open = open_.back();
        open_.pop_back();
        Journal::Writer& writer = journal_.writer(open.id % 2);
        writer.reopen(open.slot, row_of(id_of(open.id), 300));
        writer.settle(open.slot, row_of(id_of(open.id), 200 + random_() % 4'000));
        tell('s', open.id);
    }

    void store_some() {
        journal_.read(random_() % 30, rows_);
        for (const std::string& id : ids_of(rows_)) {
            tell('r', static_cast<std::uint32_t>(std::stoul(id.substr(4))));
        }
        journal_.release();
    }

    void tell(char what, std::uint32_t id) const {
        const Message message{what, id};
        if (::write(pipe_, &message, sizeof message) != sizeof message) {
            ::_exit(1);
        }
    }

    Journal& journal_;
    int pipe_;
    std::mt19937 random_;
    std::uint32_t first_id_;
    std::vector<Open> open_;
    std::vector<std::string_view> rows_;
};

/// What the child has told until it was killed.
struct Told {
    std::set<std::string> opened;
    std::set<std::string> settled;
    std::set<std::string> released;
};

bool read_message(int pipe, Told& told) {
    Message message;
    if (::read(pipe, &message, sizeof message) != sizeof message) {
        return false;
    }
    std::set<std::string>& set = message.what == 'o'   ? told.opened
                                 : message.what == 's' ? told.settled
                                                       : told.released;
    set.insert(id_of(message.id));
    return true;
}

[[noreturn]] void live(const JournalFolder& folder, int pipe, unsigned life, bool forgets) {
    JournalReplay replay;
    auto journal = Journal::open({.directory = folder.path(), .workers = 2}, replay);
    if (!journal) {
        ::_exit(2);
    }
    if (forgets) {
        (*journal)->forget_replayed();
    }
    Child{**journal, pipe, life}.work_until_killed();
}

/// Lets a child work until it has told `messages` and a random while longer, and kills it.
void kill_after(const JournalFolder& folder, std::size_t messages, unsigned life, Told& told) {
    int ends[2] = {-1, -1};
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(ends[0]);
        live(folder, ends[1], life, told.opened.empty());
    }
    ::close(ends[1]);
    for (std::size_t i = 0; i < messages && read_message(ends[0], told); ++i) {
    }
    for (volatile std::size_t spin = life * 7919 % 50'000; spin > 0; spin = spin - 1) {
    }
    ::kill(child, SIGKILL);
    while (read_message(ends[0], told)) {
    }
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << status;
}

void check(const Told& told, const JournalReplay& replay) {
    std::map<std::string, int> settled;
    for (const std::string& id : ids_of(replay.settled)) {
        EXPECT_EQ(++settled[id], 1) << id;
    }
    std::set<std::string> open;
    for (const std::string& id : ids_of(replay.open)) {
        EXPECT_TRUE(open.insert(id).second) << id;
        EXPECT_FALSE(settled.contains(id)) << id;
    }
    for (const std::string& id : told.settled) {
        EXPECT_TRUE(settled.contains(id) || told.released.contains(id)) << id;
        EXPECT_FALSE(open.contains(id)) << id;
    }
    for (const std::string& id : told.opened) {
        const bool is_stored = settled.contains(id) || told.released.contains(id);
        EXPECT_TRUE(is_stored != open.contains(id)) << id;
    }
    EXPECT_EQ(replay.damaged, 0U);
}

TEST(KilledJournal, HasEveryRowThatWasTold) {
    constexpr unsigned kKills = 10;
    const JournalFolder folder;
    for (unsigned i = 0; i < kKills; ++i) {
        SCOPED_TRACE(i);
        Told told;
        kill_after(folder, 100 + std::size_t{i} * i * 77, i, told);

        JournalReplay replay;
        const auto journal = folder.open(replay, 2);
        journal->forget_replayed();

        EXPECT_GT(told.settled.size(), 20U);
        check(told, replay);
    }
}

TEST(KilledJournal, HasTheRowsOfAllLivesThatWereNotForgotten) {
    const JournalFolder folder;
    Told told;
    for (unsigned life = 0; life < 4; ++life) {
        kill_after(folder, 300, life, told);
    }

    JournalReplay replay;
    const auto journal = folder.open(replay, 2);

    EXPECT_GT(told.settled.size(), 300U);
    check(told, replay);
}

}  // namespace
}  // namespace headgate::policy
