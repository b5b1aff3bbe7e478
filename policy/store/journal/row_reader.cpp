#include "policy/store/journal/row_reader.h"

#include <atomic>

namespace headgate::policy::journal {

void RowReader::read(std::size_t most, std::vector<std::string_view>& rows) {
    const std::uint64_t published = chain_.published.rows.load(std::memory_order_acquire);
    while (rows.size() < most && given_.row < published) {
        if (is_at_end(given_)) {
            pass_segment(given_);
        }
        const char* const at = file_.block(chain_.link(given_.segment).block) + given_.offset;
        const std::size_t length = reinterpret_cast<const RowHead*>(at)->length;
        rows.emplace_back(at + sizeof(RowHead), length);
        const std::size_t bytes = row_bytes(length);
        given_.offset += static_cast<std::uint32_t>(bytes);
        given_.bytes += bytes;
        ++given_.index;
        ++given_.row;
    }
    // A worker may have ended its segment after the last row was released.
    if (released_.row == given_.row && is_at_end(released_)) {
        free_segment();
        given_ = released_;
    }
}

void RowReader::release() {
    const std::uint64_t rows = given_.row - released_.row;
    const std::uint64_t bytes = given_.bytes - released_.bytes;
    while (released_.segment < given_.segment) {
        free_segment();
    }
    released_ = given_;
    if (released_.index > 0) {
        auto& head =
            *reinterpret_cast<BlockHead*>(file_.block(chain_.link(released_.segment).block));
        std::atomic_ref{head.released}.store(seal(released_.index), std::memory_order_release);
    }
    if (is_at_end(released_)) {
        free_segment();
        given_ = released_;
    }
    if (rows > 0) {
        chain_.released.add(rows, bytes);
    }
}

bool RowReader::is_at_end(const Cursor& cursor) const {
    return cursor.index > 0 &&
           cursor.offset == chain_.link(cursor.segment).end.load(std::memory_order_acquire);
}

void RowReader::pass_segment(Cursor& cursor) {
    ++cursor.segment;
    cursor.index = 0;
    cursor.offset = sizeof(BlockHead);
}

void RowReader::free_segment() {
    pool_.give_back(chain_.link(released_.segment).block);
    pass_segment(released_);
}

}  // namespace headgate::policy::journal
