#include "policy/store/records/record_writer.h"

#include "policy/ledger/row_codec.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

namespace headgate::policy {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::minutes kRollUpEvery{1};
constexpr std::size_t kRollUpSlice = 5'000;

/// When a store that is away is tried again: after 100 ms, doubled up to 5 s.
class Backoff {
public:
    void failed() {
        next_ = steady_clock::now() + pause_;
        pause_ = std::min(pause_ * 2, kLongest);
    }
    void worked() { pause_ = kShortest; }
    bool is_over() const { return steady_clock::now() >= next_; }
    steady_clock::time_point end() const { return next_; }

private:
    static constexpr milliseconds kShortest{100};
    static constexpr milliseconds kLongest{5'000};

    milliseconds pause_ = kShortest;
    steady_clock::time_point next_;
};

}  // namespace

/// The thread and what it works with.
///
/// 1. Only the members under "shared" are touched by other threads, under `mutex`.
/// 2. Rows that were read are either released (stored, or refused for good) or rewound.
/// 3. An open store is "up" once it has taken rows, or when there are none: a store that opens and
///    then takes nothing does not come and go in the log.
struct RecordWriter::State {
    State(RecordWriter& of, Journal& from, Settings given, Observer to)
        : writer{of}, journal{from}, settings{std::move(given)}, observer{std::move(to)} {}

    void run();
    void run_posts();
    bool is_done();
    void gather();
    bool open_store();
    void lose_store(const StoreError& error);
    void tell_up();
    void wait_for_backoff();
    bool carry_rows();
    bool roll_up_slice();
    void wait_for_rows();
    Stored<std::size_t> store_rows(std::span<const LedgerRow> some);

    RecordWriter& writer;
    Journal& journal;
    Settings settings;
    Observer observer;

    // Shared:
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::move_only_function<void(RecordStore*)>> posts;
    std::optional<steady_clock::time_point> stop_by;

    // The thread's own:
    std::unique_ptr<RecordStore> store;
    Backoff backoff;
    steady_clock::time_point next_commit;  // not before, so that rows gather
    steady_clock::time_point next_roll_up;
    std::optional<std::string> down_because;  // as it was told last
    std::vector<std::string_view> encoded;
    std::vector<LedgerRow> rows;

    std::thread thread;
};

RecordWriter::RecordWriter(Journal& journal, Settings settings, Observer observer)
    : state_{std::make_unique<State>(*this, journal, std::move(settings), std::move(observer))} {}

RecordWriter::~RecordWriter() {
    {
        const std::lock_guard lock{state_->mutex};
        state_->stop_by = steady_clock::now() + state_->settings.last_flush;
    }
    state_->changed.notify_all();
    state_->journal.wake();
    if (state_->thread.joinable()) {
        state_->thread.join();
    }
    state_->store.reset();
    state_->run_posts();  // what came too late learns that there is no store
}

void RecordWriter::start() {
    state_->thread = std::thread{[state = state_.get()] { state->run(); }};
}

void RecordWriter::post(std::move_only_function<void(RecordStore*)> work) {
    {
        const std::lock_guard lock{state_->mutex};
        state_->posts.push_back(std::move(work));
    }
    state_->changed.notify_all();
    state_->journal.wake();
}

void RecordWriter::State::run() {
    while (true) {
        const bool has_store = open_store();
        run_posts();
        if (is_done()) {
            return;
        }
        gather();
        if (!has_store) {
            wait_for_backoff();
        } else if (!carry_rows() && !roll_up_slice()) {
            wait_for_rows();
        }
    }
}

void RecordWriter::State::run_posts() {
    std::vector<std::move_only_function<void(RecordStore*)>> some;
    {
        const std::lock_guard lock{mutex};
        some.swap(posts);
    }
    for (auto& work : some) {
        work(store.get());
    }
}

/// Told to stop, and nothing is left that could still be stored in time.
bool RecordWriter::State::is_done() {
    const std::lock_guard lock{mutex};
    return stop_by && (steady_clock::now() >= *stop_by || journal.figures().unstored_rows == 0);
}

/// The journal keeps the rows meanwhile: what costs is the commit, not the row. A post or the end
/// does not wait for it.
void RecordWriter::State::gather() {
    std::unique_lock lock{mutex};
    changed.wait_until(lock, next_commit, [this] { return !posts.empty() || stop_by.has_value(); });
}

/// True where a store is open, now or already.
bool RecordWriter::State::open_store() {
    if (store != nullptr) {
        return true;
    }
    if (!backoff.is_over()) {
        return false;
    }
    Stored<std::unique_ptr<RecordStore>> opened = settings.open();
    if (!opened) {
        lose_store(opened.error());
        return false;
    }
    store = std::move(*opened);
    return true;
}

void RecordWriter::State::lose_store(const StoreError& error) {
    store.reset();
    backoff.failed();
    writer.is_up_.store(false, std::memory_order_relaxed);
    if (down_because != error.text) {
        down_because = error.text;
        if (observer.store_changed) {
            observer.store_changed(false, error.text);
        }
    }
}

void RecordWriter::State::tell_up() {
    backoff.worked();
    if (writer.is_up_.exchange(true, std::memory_order_relaxed)) {
        return;
    }
    down_because.reset();
    if (observer.store_changed) {
        observer.store_changed(true, "");
    }
}

void RecordWriter::State::wait_for_backoff() {
    std::unique_lock lock{mutex};
    const bool was_stopping = stop_by.has_value();
    const auto until = was_stopping ? std::min(backoff.end(), *stop_by) : backoff.end();
    changed.wait_until(lock, until, [this, was_stopping] {
        return !posts.empty() || stop_by.has_value() != was_stopping;
    });
}

void RecordWriter::State::wait_for_rows() {
    if (store == nullptr) {
        return;  // just lost
    }
    auto until = next_roll_up;
    {
        const std::lock_guard lock{mutex};
        until = std::min(until, stop_by.value_or(until));
    }
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
    journal.wait(static_cast<int>(std::max(left, milliseconds{0}).count()));
}

/// True where rows were there. Those that a store did not take for being away come again.
bool RecordWriter::State::carry_rows() {
    encoded.clear();
    rows.clear();
    const std::size_t count = journal.read(settings.most_rows, encoded);
    if (count == 0) {
        tell_up();
        return false;
    }
    for (const std::string_view bytes : encoded) {
        std::expected<LedgerRow, std::string> row = decode_row(bytes);
        if (row) {
            rows.push_back(std::move(*row));
        } else if (observer.row_refused) {
            observer.row_refused("", row.error());
        }
    }
    const auto began = steady_clock::now();
    const Stored<std::size_t> stored = store_rows(rows);
    if (!stored) {
        journal.rewind();
        lose_store(stored.error());
        return true;
    }
    journal.release();
    writer.stored_.fetch_add(*stored, std::memory_order_relaxed);
    tell_up();
    if (observer.stored) {
        observer.stored(steady_clock::now() - began, *stored);
    }
    // A batch that is not full has read the journal to its end.
    if (count < settings.most_rows) {
        next_commit = began + settings.gather;
        if (observer.committed) {
            observer.committed();
        }
    }
    return true;
}

/// How many were stored. Where the store refuses some, only those which it refuses alone are told
/// and dropped. Halves that were stored before the store went away are stored again: append is
/// idempotent.
Stored<std::size_t> RecordWriter::State::store_rows(std::span<const LedgerRow> some) {
    if (some.empty()) {
        return 0;
    }
    const Stored<void> appended = store->append(some, journal.instance());
    if (appended) {
        return some.size();
    }
    if (appended.error().kind == StoreError::Kind::away) {
        return std::unexpected(appended.error());
    }
    if (some.size() == 1) {
        if (observer.row_refused) {
            observer.row_refused(some.front().id, appended.error().text);
        }
        return 0;
    }
    const std::size_t half = some.size() / 2;
    const Stored<std::size_t> first = store_rows(some.first(half));
    if (!first) {
        return first;
    }
    const Stored<std::size_t> second = store_rows(some.subspan(half));
    return second ? Stored<std::size_t>{*first + *second} : second;
}

/// True where more may be left to roll up at once.
bool RecordWriter::State::roll_up_slice() {
    if (steady_clock::now() < next_roll_up) {
        return false;
    }
    // From the border of a day: a day is either rolled up as a whole, or soon will be.
    const auto before = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()) -
                        settings.retention;
    const Stored<std::size_t> rolled = store->roll_up(before, kRollUpSlice);
    if (rolled && *rolled == kRollUpSlice) {
        return true;
    }
    next_roll_up = steady_clock::now() + kRollUpEvery;
    if (!rolled && rolled.error().kind == StoreError::Kind::away) {
        lose_store(rolled.error());
    } else if (!rolled && observer.roll_up_failed) {
        observer.roll_up_failed(rolled.error().text);
    }
    return false;
}

}  // namespace headgate::policy
