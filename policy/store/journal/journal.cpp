#include "policy/store/journal/journal.h"

#include "policy/store/journal/block_file.h"
#include "policy/store/journal/block_pool.h"
#include "policy/store/journal/doorbell.h"
#include "policy/store/journal/former_lives.h"
#include "policy/store/journal/open_table.h"
#include "policy/store/journal/row_chain.h"
#include "policy/store/journal/row_reader.h"
#include "policy/store/journal/row_writer.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

namespace headgate::policy {

using journal::BlockFile;
using journal::BlockPool;
using journal::Doorbell;
using journal::FileContent;
using journal::FormerLives;
using journal::LockedFile;

static_assert(Journal::kMaxOpen == journal::kMaxSlotRow);

namespace {

constexpr std::size_t kMostSegments = std::size_t{8} * 1024;
constexpr std::size_t kReadySegments = 4;

/// As many segments as were asked for, one a worker at least; and tables for as many open
/// reservations as segments can take rows.
BlockPool::Limits limits_of(const Journal::Settings& settings, std::uint32_t former_blocks) {
    const std::size_t segments =
        std::clamp(settings.max_bytes / journal::kBlockBytes,
                   std::max<std::size_t>(settings.workers, 1), kMostSegments);
    const std::size_t tables =
        segments * journal::kSureRows / journal::kSlots + 2 * settings.workers + 1;
    const std::size_t blocks =
        std::min<std::size_t>(former_blocks + segments + tables, journal::kMostBlocks);
    return {.segments = static_cast<std::uint32_t>(segments),
            .blocks = static_cast<std::uint32_t>(blocks)};
}

void require_length(std::string_view row, std::size_t most) {
    if (row.size() > most) {
        throw std::length_error("a row is longer than the journal takes");
    }
}

}  // namespace

struct Journal::Writer::Impl {
    Impl(BlockFile& file, BlockPool& pool, Doorbell& consumer, std::size_t most_segments)
        : chain{most_segments}, table{file, pool}, rows{file, pool, chain}, bell{consumer} {}

    /// Room for one more row beside those that the open slots may still need.
    std::expected<void, int> make_room() { return rows.make_room(table.size() + 1); }

    journal::RowChain chain;
    journal::OpenTable table;
    journal::RowWriter rows;
    Doorbell& bell;
};

struct Journal::State {
    struct Worker {
        Worker(BlockFile& file, BlockPool& pool, Doorbell& bell, std::size_t most_segments)
            : impl{file, pool, bell, most_segments}, reader{file, pool, impl.chain} {
            writer.impl_ = &impl;
        }

        Writer::Impl impl;
        Writer writer;
        journal::RowReader reader;
    };

    State(std::unique_ptr<BlockFile> mapped,
          BlockPool::Limits limits,
          BlockPool::Former former,
          std::size_t count)
        : file{std::move(mapped)}, pool{*file, limits, former} {
        for (std::size_t i = 0; i < std::max<std::size_t>(count, 1); ++i) {
            workers.push_back(std::make_unique<Worker>(*file, pool, bell, limits.segments));
        }
    }

    std::unique_ptr<BlockFile> file;
    BlockPool pool;
    Doorbell bell;
    std::vector<std::unique_ptr<Worker>> workers;
    std::size_t next = 0;  // the worker whose rows are read first next time

    // Until forget_replayed():
    std::vector<FileContent::KeptBlock> kept;
    std::vector<LockedFile> others;
};

std::expected<std::unique_ptr<Journal>, std::string> Journal::open(const Settings& settings,
                                                                   JournalReplay& replay) {
    replay = {};
    std::expected<FormerLives, std::string> found =
        journal::find_former_lives(settings.directory, replay);
    if (!found) {
        return std::unexpected{found.error()};
    }
    FileContent& content = found->content;
    const std::uint32_t blocks = content.kept.empty() ? 0 : content.kept.back().index + 1;
    const auto segments = static_cast<std::uint32_t>(
        std::ranges::count(content.kept, true, &FileContent::KeptBlock::is_segment));
    const BlockPool::Limits limits = limits_of(settings, blocks);
    const std::string path = found->own.path();
    std::expected<std::unique_ptr<BlockFile>, std::string> file =
        BlockFile::map(std::move(found->own), limits.blocks, blocks,
                       content.instance.empty() ? journal::make_instance() : content.instance);
    if (!file) {
        return std::unexpected{file.error()};
    }
    const BlockPool::Former former{
        .blocks = blocks, .segments = segments, .generation = content.top_generation};
    auto state = std::make_unique<State>(std::move(*file), limits, former, settings.workers);
    for (std::uint32_t i = 0; i < blocks; ++i) {
        if (!std::ranges::binary_search(content.kept, i, {}, &FileContent::KeptBlock::index)) {
            state->pool.forget(i, false);
        }
    }
    state->kept = std::move(content.kept);
    state->others = std::move(found->others);

    // A full disk is told now, not to the first client; but rows that wait must get to their store.
    const bool has_replay = !replay.settled.empty() || !replay.open.empty();
    Writer::Impl& first = state->workers.front()->impl;
    for (const auto& room : std::array{first.make_room(), first.table.make_room()}) {
        if (!room && room.error() != 0 && !has_replay) {
            return std::unexpected{journal::io_problem("no room in", path, room.error())};
        }
    }
    return std::unique_ptr<Journal>{new Journal{std::move(state)}};
}

Journal::Journal(std::unique_ptr<State> state) : state_{std::move(state)} {}

Journal::~Journal() = default;

void Journal::forget_replayed() {
    for (LockedFile& other : state_->others) {
        other.remove();
    }
    state_->others.clear();
    for (const FileContent::KeptBlock& block : state_->kept) {
        state_->pool.forget(block.index, block.is_segment);
    }
    state_->kept.clear();
}

std::string_view Journal::instance() const {
    return state_->file->instance();
}

Journal::Writer& Journal::writer(std::size_t worker) {
    return state_->workers.at(worker)->writer;
}

std::optional<Journal::Slot> Journal::Writer::open(std::string_view row) {
    require_length(row, kMaxOpen);
    if (!impl_->make_room() || !impl_->table.make_room()) {
        impl_->bell.ring_if_asleep();  // it may have a segment that it can give back now
        return std::nullopt;
    }
    return Slot{impl_->table.open(row)};
}

void Journal::Writer::reopen(Slot slot, std::string_view row) {
    require_length(row, kMaxOpen);
    impl_->table.replace(static_cast<std::uint32_t>(slot), row);
}

void Journal::Writer::settle(Slot slot, std::string_view row) {
    require_length(row, kMaxEncodedRow);
    impl_->rows.write(row);
    withdraw(slot);
    impl_->bell.ring_if_asleep();
}

bool Journal::Writer::append(std::string_view row) {
    require_length(row, kMaxEncodedRow);
    const bool has_room = impl_->make_room().has_value();
    if (has_room) {
        impl_->rows.write(row);
    }
    impl_->bell.ring_if_asleep();
    return has_room;
}

void Journal::Writer::withdraw(Slot slot) {
    impl_->table.clear(static_cast<std::uint32_t>(slot));
    impl_->rows.shrink_room(impl_->table.size());
}

std::uint64_t Journal::Writer::released() const {
    return impl_->chain.released.rows.load(std::memory_order_acquire);
}

std::uint64_t Journal::Writer::published() const {
    return impl_->chain.published.rows.load(std::memory_order_acquire);
}

std::size_t Journal::read(std::size_t most, std::vector<std::string_view>& rows) {
    rows.clear();
    const std::size_t count = state_->workers.size();
    for (std::size_t i = 0; i < count; ++i) {
        state_->workers[(state_->next + i) % count]->reader.read(most, rows);
    }
    state_->next = (state_->next + 1) % count;
    state_->pool.prepare(std::min(count, kReadySegments));
    return rows.size();
}

void Journal::release() {
    for (const auto& worker : state_->workers) {
        worker->reader.release();
    }
}

void Journal::rewind() {
    for (const auto& worker : state_->workers) {
        worker->reader.rewind();
    }
}

void Journal::wait(int milliseconds) {
    if (!state_->bell.begin_wait()) {
        return;
    }
    const bool has_rows = std::ranges::any_of(
        state_->workers, [](const auto& worker) { return worker->reader.has_rows(); });
    if (has_rows) {
        state_->bell.stay_awake();
    } else {
        state_->bell.sleep(milliseconds);
    }
}

void Journal::wake() {
    state_->bell.ring();
}

Journal::Figures Journal::figures() const {
    Figures figures;
    for (const auto& worker : state_->workers) {
        const journal::RowChain& chain = worker->impl.chain;
        // First what is subtracted: it only grows, and never beyond the other.
        const std::uint64_t rows = chain.released.rows.load(std::memory_order_seq_cst);
        const std::uint64_t bytes = chain.released.bytes.load(std::memory_order_seq_cst);
        figures.open_bytes += worker->impl.table.bytes();
        figures.unstored_rows += chain.published.rows.load(std::memory_order_seq_cst) - rows;
        figures.unstored_bytes += chain.published.bytes.load(std::memory_order_seq_cst) - bytes;
    }
    return figures;
}

}  // namespace headgate::policy
