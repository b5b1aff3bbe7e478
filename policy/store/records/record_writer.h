#pragma once

#include "policy/ledger/record_store.h"
#include "policy/store/journal/journal.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace headgate::policy {

/// The one thread that carries settled rows from the journal to the record store, in groups: it
/// commits what has gathered, again as soon as the last commit is done. While the store is away it
/// tries again with backoff (100 ms … 5 s) and rows wait in the journal.
class RecordWriter {
public:
    struct Settings {
        std::function<Stored<std::unique_ptr<RecordStore>>()> open;
        std::chrono::days retention{400};
        std::size_t most_rows = 2000;  // a commit
        /// Rows gather for so long before they are committed, where they do not fill a commit: what
        /// costs is the commit, not the row. 0: each commit follows the last one at once.
        std::chrono::milliseconds gather{0};
        std::chrono::milliseconds last_flush{5'000};
    };
    /// Called on the writer's thread.
    struct Observer {
        std::function<void(bool is_up, std::string_view why)> store_changed;
        std::function<void(std::chrono::nanoseconds took, std::size_t rows)> stored;
        /// All rows that were published before the latest commit began are stored: after each
        /// commit that has read the journal to its end. Under a rush several commits may go before
        /// one of these. For `durability: durable`.
        std::function<void()> committed;
        /// A row that the store will never take; told and dropped.
        std::function<void(std::string_view id, std::string_view why)> row_refused;
        /// The store refuses to roll up (a sum out of range). Rows stay and it is tried again.
        std::function<void(std::string_view why)> roll_up_failed;
    };

    RecordWriter(Journal& journal, Settings settings, Observer observer);
    /// Stores what is left, for at most `last_flush`; what is not stored then stays in the journal.
    ~RecordWriter();

    void start();

    /// Runs `work` with the open store on the writer's thread, soon; with null where the store is
    /// away. Thread-safe.
    void post(std::move_only_function<void(RecordStore*)> work);

    bool is_up() const { return is_up_.load(std::memory_order_relaxed); }
    std::uint64_t stored_rows() const { return stored_.load(std::memory_order_relaxed); }

private:
    struct State;

    std::unique_ptr<State> state_;
    std::atomic<bool> is_up_ = false;
    std::atomic<std::uint64_t> stored_ = 0;
};

}  // namespace headgate::policy
