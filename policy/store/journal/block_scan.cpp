#include "policy/store/journal/block_scan.h"

#include "policy/store/journal/layout.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace headgate::policy::journal {
namespace {

constexpr std::size_t kRowsAtMost = kBlockBytes / sizeof(RowHead);
/// So many bytes of false records are checked before a block is given up: a hostile file could make
/// every place look like the begin of a long row.
constexpr std::size_t kFalseBytes = 4 * kBlockBytes;

template <class Head>
Head head_at(std::string_view block, std::size_t offset) {
    Head head{};
    std::memcpy(&head, block.data() + offset, sizeof head);
    return head;
}

struct FoundRow {
    RowHead head;
    std::string_view row;
};

/// Checks records against their checksums, as long as there is patience left.
class Checker {
public:
    explicit Checker(std::string_view block) : block_{block} {}

    /// The row that begins at `offset`; of `generation`, or of any where that is 0.
    std::optional<FoundRow> row_at(std::size_t offset, std::uint64_t generation) {
        if (block_.size() < sizeof(RowHead) || offset > block_.size() - sizeof(RowHead)) {
            return std::nullopt;
        }
        const auto head = head_at<RowHead>(block_, offset);
        const std::size_t begin = offset + sizeof head;
        const bool is_likely = head.generation != 0 &&
                               (generation == 0 || head.generation == generation) &&
                               head.length <= kMaxEncodedRow && head.index < kRowsAtMost &&
                               head.length <= block_.size() - begin;
        if (!is_likely || patience_ < head.length) {
            return std::nullopt;
        }
        const std::string_view row = block_.substr(begin, head.length);
        if (checksum_of(head, row) != head.checksum) {
            patience_ -= head.length;
            return std::nullopt;
        }
        return FoundRow{head, row};
    }

    /// Whether the slot's row is whole.
    bool is_whole(const SlotHead& head, std::size_t offset) const {
        const std::size_t begin = offset + sizeof head;
        return head.length <= kMaxSlotRow && head.length <= block_.size() - begin &&
               checksum_of(head, block_.substr(begin, head.length)) == head.checksum;
    }

    std::size_t size() const { return block_.size(); }

private:
    std::string_view block_;
    std::size_t patience_ = kFalseBytes;
};

/// The count that `sealed` holds, or nullopt and one damaged word.
std::optional<std::uint32_t> count_from(std::uint64_t sealed, std::size_t& damaged) {
    const std::optional<std::uint32_t> count = unseal(sealed);
    if (!count || *count > kRowsAtMost) {
        ++damaged;
        return std::nullopt;
    }
    return count;
}

void scan_segment(Checker& checker, const BlockHead& head, BlockContent& content) {
    const std::optional<std::uint32_t> written = count_from(head.written, content.damaged);
    const std::uint32_t released = count_from(head.released, content.damaged).value_or(0);
    std::uint32_t next = 0;  // the index that is expected
    const auto lose_until = [&](std::uint32_t index) {
        const std::uint32_t first = std::max(next, released);
        content.damaged += index > first ? index - first : 0;
    };
    std::size_t offset = sizeof(BlockHead);
    while (offset < checker.size()) {
        const auto found = checker.row_at(offset, head.generation);
        if (found && found->head.index >= next) {
            lose_until(found->head.index);
            content.rows.push_back(found->row);
            content.released += found->head.index < released ? 1 : 0;
            next = found->head.index + 1;
            offset += row_bytes(found->row.size());
        } else if (written && next >= *written) {
            break;
        } else {
            offset += sizeof(std::uint64_t);
        }
    }
    if (written) {
        lose_until(*written);
    }
}

void scan_table(const Checker& checker,
                std::string_view block,
                std::uint64_t generation,
                BlockContent& content) {
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
        const std::size_t offset = slot_offset(slot);
        if (block.size() < sizeof(SlotHead) || offset > block.size() - sizeof(SlotHead)) {
            return;
        }
        const auto head = head_at<SlotHead>(block, offset);
        if (head.sequence == 0) {
            continue;
        }
        if (head.generation == generation && checker.is_whole(head, offset)) {
            content.open.push_back(
                {head.sequence, block.substr(offset + sizeof head, head.length)});
        } else {
            ++content.damaged;
        }
    }
}

/// The rows of the latest generation of which there is one.
void salvage_rows(Checker& checker, BlockContent& content) {
    std::size_t offset = sizeof(BlockHead);
    while (offset < checker.size()) {
        const auto found = checker.row_at(offset, 0);
        if (!found) {
            offset += sizeof(std::uint64_t);
            continue;
        }
        if (found->head.generation > content.generation) {
            content.generation = found->head.generation;
            content.rows.clear();
        }
        if (found->head.generation == content.generation) {
            content.rows.push_back(found->row);
        }
        offset += row_bytes(found->row.size());
    }
    content.is_segment = !content.rows.empty();
}

/// The open rows, where a later generation than the settled rows' has them: a block is one thing at
/// a time.
void salvage_slots(const Checker& checker, std::string_view block, BlockContent& content) {
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
        const std::size_t offset = slot_offset(slot);
        if (block.size() < sizeof(SlotHead) || offset > block.size() - sizeof(SlotHead)) {
            return;
        }
        const auto head = head_at<SlotHead>(block, offset);
        if (head.sequence == 0 || head.generation < content.generation ||
            !checker.is_whole(head, offset)) {
            continue;
        }
        if (head.generation > content.generation) {
            content.generation = head.generation;
            content.is_segment = false;
            content.rows.clear();
            content.open.clear();
        }
        content.open.push_back({head.sequence, block.substr(offset + sizeof head, head.length)});
    }
}

}  // namespace

BlockContent scan_block(std::string_view block) {
    BlockContent content;
    if (block.size() < sizeof(BlockHead)) {
        content.damaged = block.find_first_not_of('\0') == std::string_view::npos ? 0 : 1;
        return content;
    }
    Checker checker{block};
    const auto head = head_at<BlockHead>(block, 0);
    if (head.magic == kFreeMagic) {
        content.generation = head.checksum == checksum_of(head) ? head.generation : 0;
        return content;
    }
    const bool is_known = (head.magic == kSegmentMagic || head.magic == kTableMagic) &&
                          head.generation != 0 && head.checksum == checksum_of(head);
    if (is_known) {
        content.generation = head.generation;
        content.is_segment = head.magic == kSegmentMagic;
        if (content.is_segment) {
            scan_segment(checker, head, content);
        } else {
            scan_table(checker, block, head.generation, content);
        }
        return content;
    }
    salvage_rows(checker, content);
    salvage_slots(checker, block, content);
    // A process that died as it took a fresh block leaves no magic, and no records.
    if (head.magic != 0 || !content.rows.empty() || !content.open.empty()) {
        ++content.damaged;
    }
    return content;
}

}  // namespace headgate::policy::journal
