#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace headgate::policy::journal {

/// What the checksums of one block prove. The views look into the bytes that were scanned.
struct BlockContent {
    struct OpenRow {
        std::uint64_t sequence = 0;
        std::string_view row;
    };

    bool is_segment = false;             // else a table, or nothing
    std::uint64_t generation = 0;        // 0: nothing is known of the block
    std::vector<std::string_view> rows;  // settled, in order
    std::size_t released = 0;            // so many of them, the first, are in the record store
    std::vector<OpenRow> open;
    std::size_t damaged = 0;  // records that are lost, and heads

    /// Something that the record store may not have.
    bool is_wanted() const { return rows.size() > released || !open.empty() || damaged > 0; }
};

/// Reads a block that may be anything, cut short as well. A damaged row costs only itself: the scan
/// goes on at the next record that is whole. A damaged head costs nothing but the knowledge of
/// which rows are stored already.
BlockContent scan_block(std::string_view block);

}  // namespace headgate::policy::journal
