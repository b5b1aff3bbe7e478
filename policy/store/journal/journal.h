#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::policy {

/// What the journals of processes that have ended left behind.
struct JournalReplay {
    std::vector<std::string> settled;  // encoded rows that the record store may not have, in order
    std::vector<std::string> open;     // encoded rows of exchanges that never settled
    std::size_t damaged = 0;           // records whose checksum does not hold: not recovered
    std::size_t journals = 0;          // files that were read

    /// Whose rows those are: the rows of a file stand together in both lists, in this order.
    struct Part {
        std::string instance;  // as Journal::instance(); empty: the file's head is damaged
        std::size_t settled = 0;
        std::size_t open = 0;
    };
    std::vector<Part> parts;
};

/// What makes a crash lose nothing: a memory-mapped file of which a written page survives the death
/// of the process. One a process: `journal.N` in the state directory, the first N that no other
/// process has locked.
///
///   open reservations   a table a worker: written at admission, cleared at settlement
///   settled rows        segments of 1 MiB, each owned by one worker until full; read by the one
///                       consumer thread, freed once the record store has their rows
///
/// Every record has a checksum (CRC-32C over length, sequence and payload) and a sequence number.
/// Opening and settling are memory writes: no system call, no lock, but when a worker needs a
/// further segment.
///
/// Crash order: a row is written and published before its reservation is cleared, so that at any
/// instant an exchange is in the table, in a segment, or in both (then the segment's wins, by id).
class Journal {
public:
    struct Settings {
        std::string directory;
        std::size_t workers = 1;
        std::size_t max_bytes = std::size_t{1} << 30;  // of settled rows
    };

    /// Locks the first free file and makes it ready; the journals of dead processes are read into
    /// `replay` and stay on disk until forget_replayed(). The error is one clear line.
    static std::expected<std::unique_ptr<Journal>, std::string> open(const Settings& settings,
                                                                     JournalReplay& replay);
    ~Journal();
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;

    /// The replayed rows are in the record store: their files may go.
    void forget_replayed();

    /// Who this journal's rows are from: 16 hex digits, made with the file, kept over restarts.
    std::string_view instance() const;

    /// Where an open reservation lies.
    enum class Slot : std::uint32_t {};

    /// The most that a slot holds.
    static constexpr std::size_t kMaxOpen = 2048 - 32;

    /// One worker's side; used by its thread alone.
    class Writer {
    public:
        /// `row` is an encoded row of at most kMaxOpen bytes: what is booked if the process dies.
        /// nullopt: the journal is full (records_unavailable).
        std::optional<Slot> open(std::string_view row);
        /// Replaces what is booked if the process dies.
        void reopen(Slot slot, std::string_view row);
        /// Writes the settled row, publishes it, and clears the slot. Never fails for a slot that
        /// open() gave: room for its row was set aside.
        void settle(Slot slot, std::string_view row);
        /// A row of an exchange that never opened a slot (refused); false: full, not written.
        bool append(std::string_view row);
        /// The exchange needs no row.
        void withdraw(Slot slot);

        /// How many rows this writer has published, and how many of them were released, so far.
        /// The latter may be asked by the writer's thread while the consumer works.
        std::uint64_t published() const;
        std::uint64_t released() const;

    private:
        friend class Journal;
        struct Impl;
        Impl* impl_ = nullptr;
    };
    Writer& writer(std::size_t worker);

    // The consumer's side: one thread.

    /// Gives up to `most` rows that were not given yet, oldest of each worker first. The views hold
    /// until release().
    std::size_t read(std::size_t most, std::vector<std::string_view>& rows);
    /// The rows that the latest read() gave are stored: their space is free again.
    void release();
    /// The rows that the latest read() gave are read again next time.
    void rewind();
    /// Waits until rows are there, wake() is called, or `milliseconds` have passed. A writer wakes
    /// only a consumer that sleeps: one system call a batch.
    void wait(int milliseconds);
    void wake();

    struct Figures {
        std::size_t open_bytes = 0;      // of open reservations
        std::size_t unstored_bytes = 0;  // of rows not yet released
        std::size_t unstored_rows = 0;
    };
    /// Any thread.
    Figures figures() const;

private:
    struct State;
    explicit Journal(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace headgate::policy
