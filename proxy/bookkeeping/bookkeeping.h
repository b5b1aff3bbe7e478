#pragma once

#include "policy/config/snapshot.h"
#include "policy/keys/stored_keys.h"
#include "policy/ledger/record_store.h"
#include "policy/limits/accounts.h"
#include "policy/store/journal/journal.h"
#include "policy/store/records/record_writer.h"

#include <atomic>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <vector>

namespace headgate::proxy {

/// What one process remembers of money, and where it is written down: the accounts, the journal,
/// the record store with its thread, the keys that the store made. Outlives the workers; its
/// functions are thread-safe but for start().
class Bookkeeping {
public:
    struct Settings {
        policy::StateSettings state;
        policy::Accounts& accounts;
        std::size_t workers = 1;
        /// The operator's log. Any thread.
        std::function<void(policy::LogLevel, std::string_view)> log;
        /// A reservation of a process that ended without settling it was booked in full.
        std::function<void(std::string_view project)> expired;
        /// A threshold that this process is the first to tell: log, metric, webhook.
        std::function<void(const policy::BudgetAlert&)> alert;
        /// knows_sums() has become true, at start or when a store that was away has come.
        std::function<void()> sums_known;
        /// other_sums() have grown: other processes have stored rows.
        std::function<void()> others_known;
        /// How long the record store took for a commit.
        std::function<void(std::chrono::nanoseconds)> stored;
        /// After each commit of rows, for `durability: durable`.
        std::function<void()> committed;
    };

    /// Takes the journal; with limits in memory also the directory, which no second process may use
    /// then. The error is one clear line.
    static std::expected<std::unique_ptr<Bookkeeping>, std::string> open(Settings settings);
    ~Bookkeeping();
    Bookkeeping(const Bookkeeping&) = delete;
    Bookkeeping& operator=(const Bookkeeping&) = delete;

    /// Opens the record store, now or as soon as it can be reached: books what crashed processes
    /// left, reads the sums of all days. A PostgreSQL that is away is waited for later; the error
    /// is what waiting does not cure.
    std::expected<void, std::string> start();

    policy::Accounts& accounts() { return settings_.accounts; }
    /// A worker's side of the journal; null with `records: none`.
    policy::Journal::Writer* writer(std::size_t worker);
    bool has_records() const { return journal_ != nullptr; }
    /// Whose rows these are: 16 hex digits.
    std::string_view instance() const { return instance_; }

    /// What was spent before this process began is known: budgets may admit.
    bool knows_sums() const { return knows_sums_.load(std::memory_order_acquire); }
    /// Sums of other journals of the same records; of a Redis that processes share.
    std::vector<policy::DaySum> other_sums() const;

    /// The keys of the record store as they were at most 2 s ago; the last known ones while it is
    /// away. Never null.
    std::shared_ptr<const policy::StoredKeys> keys() const;
    /// Called where they have changed, on the writer's thread. Before start().
    void on_keys(std::function<void()> tell) { tell_keys_ = std::move(tell); }
    void note_uses(const std::vector<policy::KeyUse>& uses);
    /// The uses that are not in the record store yet.
    std::vector<policy::KeyUse> new_uses() const;

    /// Tells a budget's threshold once over all processes that share the records.
    void tell(const policy::BudgetAlert& alert);

    /// Runs `work` with the store soon, on its thread; with null where it is away.
    void post(std::move_only_function<void(policy::RecordStore*)> work);

    struct Figures {
        bool is_up = false;
        std::uint64_t stored_rows = 0;
        policy::Journal::Figures journal;
    };
    Figures figures() const;

private:
    explicit Bookkeeping(Settings settings);

    std::expected<void, std::string> lock_directory();
    policy::Stored<std::unique_ptr<policy::RecordStore>> open_store();
    policy::Stored<void> book_replayed(policy::RecordStore& store);
    policy::Stored<std::size_t> book_rows(policy::RecordStore& store,
                                          std::span<const std::string> encoded,
                                          std::string_view instance);
    policy::Stored<void> load_sums(policy::RecordStore& store);
    void refresh(policy::RecordStore& store);
    std::vector<policy::KeyUse> take_uses();
    void refresh_keys(policy::RecordStore& store);
    void refresh_other_sums(policy::RecordStore& store);
    void note_others(const std::vector<policy::DaySum>& sums);
    void keep_refreshing(const std::stop_token& stop);
    policy::RecordWriter::Observer observer();

    Settings settings_;
    std::string instance_;
    int directory_lock_ = -1;
    std::unique_ptr<policy::Journal> journal_;
    std::unique_ptr<policy::RecordStore> first_store_;  // opened by start() for the writer
    policy::JournalReplay replay_;                      // empty once it is booked
    std::atomic<bool> knows_sums_ = false;
    std::atomic<bool> is_up_ = false;            // the record store
    std::vector<policy::StoredKey> known_keys_;  // of the writer's thread
    bool was_away_ = false;  // the same; the record store, when it was last tried
    std::function<void()> tell_keys_;
    mutable std::mutex mutex_;  // of the next three
    std::shared_ptr<const policy::StoredKeys> keys_;
    /// By instance, project and day.
    std::map<std::tuple<std::string, std::string, policy::Day>, providers::Money> other_sums_;
    std::unordered_map<policy::KeyDigest, providers::WallTime, policy::KeyDigestHash> new_uses_;
    std::unique_ptr<policy::RecordWriter> writer_;
    std::jthread refresher_;  // last: it uses all of the above
};

}  // namespace headgate::proxy
