#pragma once

#include "policy/store/journal/block_pool.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace headgate::policy::journal {

/// One worker's open reservations. A slot's number stays while its row is replaced: the new row is
/// written to a place of its own first, so that a process that dies in between has one of the two.
class OpenTable {
public:
    OpenTable(BlockFile& file, BlockPool& pool) : file_{file}, pool_{pool} {}

    /// True where a slot is free, or a block could be had for more; else why not: 0 or errno.
    std::expected<void, int> make_room();
    /// Needs room. Rows are at most kMaxSlotRow bytes.
    std::uint32_t open(std::string_view row);
    void replace(std::uint32_t slot, std::string_view row);
    void clear(std::uint32_t slot);

    std::size_t size() const { return places_.size() - free_.size(); }
    /// Of open slots; any thread.
    std::size_t bytes() const { return open_.load(std::memory_order_relaxed) * kSlotBytes; }

private:
    struct Place {
        std::uint32_t block = 0;
        std::uint32_t slot = 0;
    };

    void add_block(std::uint32_t block);
    SlotHead& head_at(Place place) const;
    void write(Place place, std::string_view row);
    static void erase(SlotHead& head);

    BlockFile& file_;
    BlockPool& pool_;
    std::vector<Place> places_;        // where the slot of this number lies
    std::vector<std::uint32_t> free_;  // slots; used last at the end
    Place spare_;                      // for the next replacement
    std::uint64_t sequence_ = 0;
    std::atomic<std::size_t> open_ = 0;
};

}  // namespace headgate::policy::journal
