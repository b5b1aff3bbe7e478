#include "proxy/bookkeeping/bookkeeping.h"

#include "policy/keys/time_text.h"
#include "proxy/bookkeeping/open_store.h"
#include "proxy/bookkeeping/replay_booking.h"

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

std::vector<policy::KeyUse> list_of(const auto& uses) {
    std::vector<policy::KeyUse> list;
    list.reserve(uses.size());
    for (const auto& [digest, time] : uses) {
        list.push_back({digest, time});
    }
    return list;
}

/// "month:2026-11-01": what a threshold is told once by.
std::string period_name(const policy::BudgetAlert& alert) {
    std::string name{policy::to_string(alert.per)};
    if (alert.per != policy::BudgetPeriod::total) {
        name += ':' + policy::day_text(alert.period.first);
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
    observer.stored = [this](std::chrono::nanoseconds took, std::size_t) {
        settings_.stored(took);
    };
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

Stored<void> Bookkeeping::book_replayed(policy::RecordStore& store) {
    ReplayBooking booking{store, settings_.log, settings_.expired};
    if (auto booked = booking.book(replay_); !booked) {
        return booked;
    }
    journal_->forget_replayed();
    replay_ = {};
    return {};
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
    note_others(others);
    knows_sums_.store(true, std::memory_order_release);
    if (settings_.sums_known) {
        settings_.sums_known();
    }
    return {};
}

/// A day's sum only grows.
void Bookkeeping::note_others(const std::vector<policy::DaySum>& sums) {
    const std::scoped_lock lock{mutex_};
    for (const policy::DaySum& sum : sums) {
        providers::Money& spent = other_sums_[{sum.instance, sum.project, sum.day}];
        spent = std::max(spent, sum.spent);
    }
}

std::vector<policy::DaySum> Bookkeeping::other_sums() const {
    const std::scoped_lock lock{mutex_};
    std::vector<policy::DaySum> sums;
    sums.reserve(other_sums_.size());
    for (const auto& [whose, spent] : other_sums_) {
        const auto& [instance, project, day] = whose;
        sums.push_back({project, day, instance, spent});
    }
    return sums;
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
    if (settings_.state.redis && knows_sums()) {
        refresh_other_sums(store);
    }
    const std::vector<policy::KeyUse> fresh = take_uses();
    if (!fresh.empty() && !store.note_uses(fresh)) {
        note_uses(fresh);  // tried again in 2 s
    }
}

/// What other processes have spent since: a Redis that loses its data learns it from us when they
/// are gone.
void Bookkeeping::refresh_other_sums(policy::RecordStore& store) {
    const policy::Day today = policy::day_of(std::chrono::system_clock::now());
    auto sums = store.day_sums(today - std::chrono::days{1});
    if (!sums) {
        return;  // tried again in 2 s
    }
    std::erase_if(*sums, [&](const policy::DaySum& sum) { return sum.instance == instance_; });
    note_others(*sums);
    if (settings_.others_known) {
        settings_.others_known();
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
    {
        const std::scoped_lock lock{mutex_};
        keys_ = std::move(ring);
    }
    if (tell_keys_) {
        tell_keys_();
    }
}

std::shared_ptr<const policy::StoredKeys> Bookkeeping::keys() const {
    const std::scoped_lock lock{mutex_};
    return keys_;
}

void Bookkeeping::note_uses(const std::vector<policy::KeyUse>& uses) {
    const std::scoped_lock lock{mutex_};
    for (const policy::KeyUse& use : uses) {
        providers::WallTime& latest = new_uses_[use.digest];
        latest = std::max(latest, use.last_used);
    }
}

std::vector<policy::KeyUse> Bookkeeping::new_uses() const {
    const std::scoped_lock lock{mutex_};
    return list_of(new_uses_);
}

std::vector<policy::KeyUse> Bookkeeping::take_uses() {
    const std::scoped_lock lock{mutex_};
    return list_of(std::exchange(new_uses_, {}));
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
