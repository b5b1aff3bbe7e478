#pragma once

#include "policy/store/journal/block_pool.h"
#include "policy/store/journal/row_chain.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>
#include <vector>

namespace headgate::policy::journal {

/// Writes one worker's settled rows. Room is counted in rows of the greatest length: what the open
/// segment takes of them for sure, and segments that were taken beforehand. A shorter row never
/// lowers that count by more than one, so that room for n rows is room for n rows in any order.
class RowWriter {
public:
    RowWriter(BlockFile& file, BlockPool& pool, RowChain& chain)
        : file_{file}, pool_{pool}, chain_{chain} {}

    /// Makes room for `rows` in all; else why not: 0 at the limit of segments, or errno. A system
    /// call and a lock only where a further segment is needed.
    std::expected<void, int> make_room(std::size_t rows) {
        return room() >= rows ? std::expected<void, int>{} : take_segments(rows);
    }
    /// Needs room for one. Publishes the row.
    void write(std::string_view row);
    /// Gives back a segment that is far from being needed for `rows`.
    void shrink_room(std::size_t rows) {
        if (room() > rows + 2 * kSureRows && !ahead_.empty()) {
            give_back_segment();
        }
    }

private:
    std::size_t room() const {
        return (kBlockBytes - offset_) / kMaxRowBytes + ahead_.size() * kSureRows;
    }
    std::expected<void, int> take_segments(std::size_t rows);
    void give_back_segment();
    void begin_segment();
    void end_segment();

    BlockFile& file_;
    BlockPool& pool_;
    RowChain& chain_;
    std::vector<std::uint32_t> ahead_;  // backed, not begun
    char* segment_ = nullptr;
    std::size_t offset_ = kBlockBytes;  // in it; at its end nothing fits
    std::uint64_t generation_ = 0;
    std::uint32_t index_ = 0;  // of the next row in it
    std::uint64_t begun_ = 0;  // segments
};

}  // namespace headgate::policy::journal
