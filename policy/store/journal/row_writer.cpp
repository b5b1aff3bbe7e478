#include "policy/store/journal/row_writer.h"

#include <atomic>

namespace headgate::policy::journal {

std::expected<void, int> RowWriter::take_segments(std::size_t rows) {
    while (room() < rows) {
        const std::expected<std::uint32_t, int> block = pool_.take_segment();
        if (!block) {
            // A segment that takes no row for sure any more is of no use: once its rows are stored
            // it may be ours again.
            if (kBlockBytes - offset_ < kMaxRowBytes) {
                end_segment();
            }
            return std::unexpected{block.error()};
        }
        ahead_.push_back(*block);
    }
    return {};
}

void RowWriter::give_back_segment() {
    const std::uint32_t block = ahead_.back();
    ahead_.pop_back();
    pool_.give_back(block);
}

void RowWriter::begin_segment() {
    end_segment();
    const std::uint32_t block = ahead_.back();
    ahead_.pop_back();
    segment_ = file_.block(block);
    offset_ = sizeof(BlockHead);
    index_ = 0;
    generation_ = pool_.next_generation();

    auto& head = *reinterpret_cast<BlockHead*>(segment_);
    head.generation = generation_;
    head.checksum = checksum_of(head);
    head.written = seal(0);
    head.released = seal(0);
    std::atomic_ref{head.magic}.store(kSegmentMagic, std::memory_order_release);

    RowChain::Link& link = chain_.link(begun_++);
    link.block = block;
    link.end.store(0, std::memory_order_relaxed);
}

void RowWriter::end_segment() {
    if (segment_ != nullptr) {
        chain_.link(begun_ - 1)
            .end.store(static_cast<std::uint32_t>(offset_), std::memory_order_release);
    }
    segment_ = nullptr;
    offset_ = kBlockBytes;
}

void RowWriter::write(std::string_view row) {
    const std::size_t bytes = row_bytes(row.size());
    if (kBlockBytes - offset_ < bytes) {
        begin_segment();
    }
    char* const at = segment_ + offset_;
    row.copy(at + sizeof(RowHead), row.size());
    auto& head = *reinterpret_cast<RowHead*>(at);
    RowHead made{.generation = generation_,
                 .checksum = 0,
                 .length = static_cast<std::uint32_t>(row.size()),
                 .index = index_,
                 .unused = 0};
    head.length = made.length;
    head.index = made.index;
    head.checksum = checksum_of(made, row);
    std::atomic_ref{head.generation}.store(generation_, std::memory_order_release);

    offset_ += bytes;
    ++index_;
    auto& block = *reinterpret_cast<BlockHead*>(segment_);
    std::atomic_ref{block.written}.store(seal(index_), std::memory_order_release);
    chain_.published.add(1, bytes);
}

}  // namespace headgate::policy::journal
