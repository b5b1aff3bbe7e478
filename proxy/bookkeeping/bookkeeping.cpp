#include "proxy/bookkeeping/bookkeeping.h"

#include "policy/ledger/row_codec.h"
#include "proxy/bookkeeping/open_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <filesystem>
#include <system_error>

namespace headgate::proxy {
namespace {

using policy::LogLevel;
using policy::RecordsKind;
using policy::Stored;
using policy::StoreError;

constexpr std::chrono::seconds kRefreshEvery{2};
constexpr std::size_t kReplayBatch = 1000;
constexpr std::chrono::milliseconds kGatherTime{25};

std::expected<std::string, std::string> random_instance() {
    std::array<unsigned char, 8> bits{};
    if (::getrandom(bits.data(), bits.size(), 0) != static_cast<ssize_t>(bits.size())) {
        return std::unexpected{std::string{"the system gives no random numbers"}};
    }
    std::string text;
    for (const unsigned char byte : bits) {
        constexpr std::string_view digits = "0123456789abcdef";
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

/// "month:2026-11-01": what a threshold is told once by.
std::string period_name(const policy::BudgetAlert& alert) {
    std::string name{policy::to_string(alert.per)};
    if (alert.per != policy::BudgetPeriod::total) {
        const std::chrono::year_month_day day{alert.period.first};
        name += ':' + std::to_string(static_cast<int>(day.year())) + '-' +
                std::to_string(static_cast<unsigned>(day.month())) + '-' +
                std::to_string(static_cast<unsigned>(day.day()));
    }
    return name;
}

}  // namespace

std::expected<std::unique_ptr<Bookkeeping>, std::string> Bookkeeping::open(Settings settings) {
    std::unique_ptr<Bookkeeping> made{new Bookkeeping{std::move(settings)}};
    const policy::StateSettings& state = made->settings_.state;
    if (!state.redis) {
        if (auto locked = made->lock_directory(); !locked) {
            return std::unexpected{locked.error()};
        }
    }
    if (state.records == RecordsKind::none) {
        auto instance = random_instance();
        if (!instance) {
            return std::unexpected{instance.error()};
        }
        made->instance_ = std::move(*instance);
        made->knows_sums_ = true;
        return made;
    }
    policy::Journal::Settings journal;
    journal.directory = state.directory;
    journal.workers = made->settings_.workers;
    auto opened = policy::Journal::open(journal, made->replay_);
    if (!opened) {
        return std::unexpected{"state.directory: " + opened.error()};
    }
    made->journal_ = std::move(*opened);
    made->instance_ = made->journal_->instance();
    return made;
}

Bookkeeping::Bookkeeping(Settings settings)
    : settings_{std::move(settings)}, keys_{std::make_shared<const policy::StoredKeys>()} {}

Bookkeeping::~Bookkeeping() {
    refresher_ = {};
    if (writer_) {
        writer_->post([this](policy::RecordStore* store) {
            if (store != nullptr) {
                refresh(*store);  // when keys were last used
            }
        });
    }
    writer_.reset();
    if (directory_lock_ >= 0) {
        ::close(directory_lock_);
    }
}

/// The lock ends with the process, however it ends.
std::expected<void, std::string> Bookkeeping::lock_directory() {
    const std::string path =
        (std::filesystem::path{settings_.state.directory} / "headgate.lock").string();
    directory_lock_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (directory_lock_ < 0) {
        return std::unexpected{"state.directory: cannot open " + path + ": " +
                               std::generic_category().message(errno)};
    }
    if (::flock(directory_lock_, LOCK_EX | LOCK_NB) != 0) {
        return std::unexpected{
            "state.directory: another process uses " + settings_.state.directory +
            "; with `limits: memory` it must be alone (processes share limits in Redis)"};
    }
    return {};
}

policy::Journal::Writer* Bookkeeping::writer(std::size_t worker) {
    return journal_ ? &journal_->writer(worker) : nullptr;
}

policy::RecordWriter::Observer Bookkeeping::observer() {
    policy::RecordWriter::Observer observer;
    observer.store_changed = [this](bool is_up, std::string_view why) {
        is_up_ = is_up;
        if (is_up && !was_away_) {
            return;  // the usual start
        }
        was_away_ = !is_up;
        settings_.log(
            is_up ? LogLevel::info : LogLevel::error,
            is_up ? std::string{"the record store is reachable"}
                  : "the record store is away, rows wait in the journal: " + std::string{why});
    };
    observer.stored = [](std::chrono::nanoseconds, std::size_t) {};
    observer.committed = settings_.committed;
    observer.row_refused = [this](std::string_view id, std::string_view why) {
        settings_.log(LogLevel::error, "the record store refused the row of " + std::string{id} +
                                           ": " + std::string{why});
    };
    return observer;
}

std::expected<void, std::string> Bookkeeping::start() {
    if (!journal_) {
        return {};
    }
    auto store = open_store();
    const bool may_wait = settings_.state.records == RecordsKind::postgresql;
    if (!store && (!may_wait || store.error().kind == StoreError::Kind::refused)) {
        return std::unexpected{"state.records: " + store.error().text};
    }
    if (store) {
        refresh(**store);
        first_store_ = std::move(*store);
        is_up_ = true;
    } else {
        was_away_ = true;
        settings_.log(LogLevel::error, "the record store is away: " + store.error().text);
    }
    policy::RecordWriter::Settings how;
    how.open = [this] {
        return first_store_ ? Stored<std::unique_ptr<policy::RecordStore>>{std::move(first_store_)}
                            : open_store();
    };
    how.retention = settings_.state.retention;
    // Somebody waits for his row where it has to be durable; else the journal has it.
    how.gather = settings_.state.durability == policy::Durability::durable
                     ? std::chrono::milliseconds{0}
                     : kGatherTime;
    writer_ = std::make_unique<policy::RecordWriter>(*journal_, std::move(how), observer());
    writer_->start();
    refresher_ = std::jthread{[this](const std::stop_token& stop) { keep_refreshing(stop); }};
    return {};
}

/// Opens the store; the first time also books what crashed processes left and reads the sums,
/// before a row of this process can be among them.
Stored<std::unique_ptr<policy::RecordStore>> Bookkeeping::open_store() {
    auto store = proxy::open_store(settings_.state);
    if (!store || knows_sums()) {
        return store;
    }
    if (auto booked = book_replayed(**store); !booked) {
        return std::unexpected{booked.error()};
    }
    if (auto loaded = load_sums(**store); !loaded) {
        return std::unexpected{loaded.error()};
    }
    return store;
}

/// Rows go down as those of the journal that wrote them: a Redis that processes share counts what
/// each journal has spent.
Stored<void> Bookkeeping::book_replayed(policy::RecordStore& store) {
    std::size_t damaged = replay_.damaged;
    auto settled = std::span{replay_.settled};
    auto open = std::span{replay_.open};
    for (const policy::JournalReplay::Part& part : replay_.parts) {
        for (const auto rows : {settled.first(part.settled), open.first(part.open)}) {
            auto booked = book_rows(store, rows, part.instance);
            if (!booked) {
                return std::unexpected{booked.error()};
            }
            damaged += *booked;
        }
        settled = settled.subspan(part.settled);
        open = open.subspan(part.open);
    }
    if (!replay_.settled.empty() || !replay_.open.empty() || damaged > 0) {
        settings_.log(damaged > 0 ? LogLevel::error : LogLevel::warn,
                      "the journal of a process that did not end cleanly was read: " +
                          std::to_string(replay_.settled.size()) + " rows stored, " +
                          std::to_string(replay_.open.size()) +
                          " open exchanges booked as the journal last knew them, " +
                          std::to_string(damaged) + " records damaged and lost");
    }
    journal_->forget_replayed();
    replay_ = {};
    return {};
}

/// How many rows the store will never take: told, and left out.
Stored<std::size_t> Bookkeeping::append_or_refuse(policy::RecordStore& store,
                                                  std::span<const policy::LedgerRow> rows,
                                                  std::string_view instance) {
    const Stored<void> stored = store.append(rows, instance);
    if (stored) {
        return 0;
    }
    if (stored.error().kind == StoreError::Kind::away) {
        return std::unexpected{stored.error()};
    }
    if (rows.size() == 1) {
        settings_.log(LogLevel::error, "the record store refused the row of " +
                                           std::string{rows.front().id} + ": " +
                                           stored.error().text);
        return 1;
    }
    std::size_t refused = 0;
    const std::size_t middle = rows.size() / 2;
    for (const auto half : {rows.first(middle), rows.subspan(middle)}) {
        auto more = append_or_refuse(store, half, instance);
        if (!more) {
            return more;
        }
        refused += *more;
    }
    return refused;
}

/// How many of the encoded rows could not be read.
Stored<std::size_t> Bookkeeping::book_rows(policy::RecordStore& store,
                                           std::span<const std::string> encoded,
                                           std::string_view instance) {
    std::size_t damaged = 0;
    while (!encoded.empty()) {
        const std::size_t count = std::min(encoded.size(), kReplayBatch);
        std::vector<policy::LedgerRow> rows;
        for (const std::string& bytes : encoded.first(count)) {
            auto row = policy::decode_row(bytes);
            if (!row) {
                ++damaged;
                continue;
            }
            rows.push_back(std::move(*row));
        }
        auto refused = append_or_refuse(store, rows, instance);
        if (!refused) {
            return std::unexpected{refused.error()};
        }
        damaged += *refused;
        for (const policy::LedgerRow& row : rows) {
            if (row.outcome == policy::Outcome::expired) {
                settings_.expired(row.project);
            }
        }
        encoded = encoded.subspan(count);
    }
    return damaged;
}

Stored<void> Bookkeeping::load_sums(policy::RecordStore& store) {
    auto sums = store.day_sums(policy::Day::min());
    if (!sums) {
        return std::unexpected{sums.error()};
    }
    const bool is_shared = settings_.state.redis.has_value();
    std::vector<policy::DaySum> others;
    for (policy::DaySum& sum : *sums) {
        if (is_shared && sum.instance != instance_) {
            others.push_back(std::move(sum));
        } else {
            settings_.accounts.restore(sum.project, sum.day, sum.spent);
        }
    }
    {
        const std::scoped_lock lock{mutex_};
        other_sums_ = std::move(others);
    }
    knows_sums_.store(true, std::memory_order_release);
    if (settings_.sums_known) {
        settings_.sums_known();
    }
    return {};
}

std::vector<policy::DaySum> Bookkeeping::other_sums() const {
    const std::scoped_lock lock{mutex_};
    return other_sums_;
}

void Bookkeeping::keep_refreshing(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any ended;
    std::unique_lock lock{mutex};
    while (!ended.wait_for(lock, stop, kRefreshEvery, [] { return false; }) &&
           !stop.stop_requested()) {
        writer_->post([this](policy::RecordStore* store) {
            if (store != nullptr) {
                refresh(*store);
            }
        });
    }
}

void Bookkeeping::refresh(policy::RecordStore& store) {
    refresh_keys(store);
    std::vector<policy::KeyUse> fresh;
    {
        const std::scoped_lock lock{mutex_};
        for (const auto& [digest, time] : new_uses_) {
            fresh.push_back({digest, time});
        }
        new_uses_.clear();
    }
    if (!fresh.empty() && !store.note_uses(fresh)) {
        note_uses(fresh);
    }
    if (auto uses = store.uses()) {
        const std::scoped_lock lock{mutex_};
        uses_ = std::move(*uses);
    }
}

void Bookkeeping::refresh_keys(policy::RecordStore& store) {
    auto all = store.keys();
    if (!all) {
        return;  // the last known keys hold
    }
    std::erase_if(*all, [](const policy::StoredKey& key) { return key.revoked.has_value(); });
    const auto is_same = [](const policy::StoredKey& a, const policy::StoredKey& b) {
        return a.digest == b.digest && a.project == b.project && a.name == b.name &&
               a.expires == b.expires;
    };
    if (std::ranges::equal(*all, known_keys_, is_same)) {
        return;
    }
    auto ring = std::make_shared<policy::StoredKeys>();
    for (const policy::StoredKey& stored : *all) {
        policy::Key key;
        key.name = stored.name;
        key.expires = stored.expires;
        key.prefix = stored.prefix;
        ring->add(stored.digest, {stored.project, std::move(key)});
    }
    known_keys_ = std::move(*all);
    keys_.store(std::move(ring));
    if (tell_keys_) {
        tell_keys_();
    }
}

void Bookkeeping::note_uses(const std::vector<policy::KeyUse>& uses) {
    const std::scoped_lock lock{mutex_};
    for (const policy::KeyUse& use : uses) {
        providers::WallTime& latest = new_uses_[use.digest];
        latest = std::max(latest, use.last_used);
    }
}

std::vector<policy::KeyUse> Bookkeeping::uses() const {
    const std::scoped_lock lock{mutex_};
    std::vector<policy::KeyUse> all = uses_;
    for (const auto& [digest, time] : new_uses_) {
        all.push_back({digest, time});
    }
    return all;
}

void Bookkeeping::tell(const policy::BudgetAlert& alert) {
    if (!writer_) {
        settings_.alert(alert);
        return;
    }
    writer_->post([this, alert](policy::RecordStore* store) {
        const std::string scope =
            alert.project.empty() ? "organization" : "project/" + alert.project;
        if (store != nullptr) {
            const auto is_first = store->claim_alert(scope, period_name(alert), alert.threshold);
            if (is_first && !*is_first) {
                return;
            }
        }
        settings_.alert(alert);  // told twice rather than never, where the store is away
    });
}

void Bookkeeping::post(std::move_only_function<void(policy::RecordStore*)> work) {
    if (writer_) {
        writer_->post(std::move(work));
    } else {
        work(nullptr);
    }
}

Bookkeeping::Figures Bookkeeping::figures() const {
    Figures figures;
    figures.is_up = is_up_;
    figures.stored_rows = writer_ ? writer_->stored_rows() : 0;
    if (journal_) {
        figures.journal = journal_->figures();
    }
    return figures;
}

}  // namespace headgate::proxy
