#pragma once

#include "policy/store/journal/block_pool.h"
#include "policy/store/journal/row_chain.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace headgate::policy::journal {

/// The consumer's place in one worker's rows.
class RowReader {
public:
    RowReader(BlockFile& file, BlockPool& pool, RowChain& chain)
        : file_{file}, pool_{pool}, chain_{chain} {}

    bool has_rows() const {
        return given_.row < chain_.published.rows.load(std::memory_order_seq_cst);
    }
    /// Adds rows that were not given yet until `rows` has `most`.
    void read(std::size_t most, std::vector<std::string_view>& rows);
    /// All that was given is stored.
    void release();
    /// What was given and not released is given again.
    void rewind() { given_ = released_; }

private:
    struct Cursor {
        std::uint64_t row = 0;      // of all
        std::uint64_t bytes = 0;    // of all
        std::uint64_t segment = 0;  // of the chain
        std::uint32_t index = 0;    // of the next row in it; 0: nothing of it was read
        std::uint32_t offset = sizeof(BlockHead);
    };

    bool is_at_end(const Cursor& cursor) const;
    static void pass_segment(Cursor& cursor);
    void free_segment();

    BlockFile& file_;
    BlockPool& pool_;
    RowChain& chain_;
    Cursor given_;
    Cursor released_;
};

}  // namespace headgate::policy::journal
