#include "policy/store/journal/open_table.h"

#include <utility>

namespace headgate::policy::journal {

std::expected<void, int> OpenTable::make_room() {
    if (!free_.empty()) {
        return {};
    }
    const std::expected<std::uint32_t, int> block = pool_.take_table();
    if (!block) {
        return std::unexpected{block.error()};
    }
    add_block(*block);
    return {};
}

void OpenTable::add_block(std::uint32_t block) {
    auto& head = *reinterpret_cast<BlockHead*>(file_.block(block));
    head.generation = pool_.next_generation();
    head.checksum = checksum_of(head);
    std::atomic_ref{head.magic}.store(kTableMagic, std::memory_order_release);

    std::uint32_t slot = 0;
    if (places_.empty()) {
        spare_ = {block, slot++};
    }
    places_.reserve(places_.size() + kSlots);
    free_.reserve(places_.size() + kSlots);  // clear() must not fail
    const std::size_t first = places_.size();
    for (; slot < kSlots; ++slot) {
        places_.push_back({block, slot});
    }
    for (std::size_t number = places_.size(); number > first; --number) {
        free_.push_back(static_cast<std::uint32_t>(number - 1));
    }
}

std::uint32_t OpenTable::open(std::string_view row) {
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    write(places_[slot], row);
    open_.store(size(), std::memory_order_relaxed);
    return slot;
}

void OpenTable::replace(std::uint32_t slot, std::string_view row) {
    write(spare_, row);
    erase(head_at(places_[slot]));
    std::swap(spare_, places_[slot]);
}

void OpenTable::clear(std::uint32_t slot) {
    erase(head_at(places_[slot]));
    free_.push_back(slot);
    open_.store(size(), std::memory_order_relaxed);
}

SlotHead& OpenTable::head_at(Place place) const {
    return *reinterpret_cast<SlotHead*>(file_.block(place.block) + slot_offset(place.slot));
}

void OpenTable::write(Place place, std::string_view row) {
    SlotHead& head = head_at(place);
    row.copy(reinterpret_cast<char*>(&head) + sizeof head, row.size());
    SlotHead made{
        .generation = reinterpret_cast<const BlockHead*>(file_.block(place.block))->generation,
        .sequence = ++sequence_,
        .checksum = 0,
        .length = static_cast<std::uint32_t>(row.size()),
        .unused = 0};
    head.generation = made.generation;
    head.checksum = checksum_of(made, row);
    head.length = made.length;
    std::atomic_ref{head.sequence}.store(made.sequence, std::memory_order_release);
}

void OpenTable::erase(SlotHead& head) {
    std::atomic_ref{head.sequence}.store(0, std::memory_order_release);
}

}  // namespace headgate::policy::journal
