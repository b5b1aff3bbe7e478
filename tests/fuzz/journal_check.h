#pragma once

#include "policy/store/journal/block_scan.h"
#include "policy/store/journal/layout.h"
#include "policy/store/journal/replay.h"
#include "tests/fuzz/oracle.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <string_view>

namespace headgate::fuzz {

/// What holds for the content of any block.
inline void check_block(std::string_view block) {
    using namespace policy::journal;
    const std::string copy{block};  // its end is the end of an allocation
    const BlockContent content = scan_block(copy);
    std::size_t bytes = sizeof(BlockHead);
    for (const std::string_view row : content.rows) {
        require(is_inside(row, copy), "a settled row is inside its block");
        bytes += row_bytes(row.size());
    }
    require(content.rows.empty() || bytes <= copy.size() + 7, "no byte is in two rows");
    require(content.released <= content.rows.size(), "only rows that are there are released");
    require(content.open.size() <= kSlots, "no more open rows than slots");
    for (const BlockContent::OpenRow& open : content.open) {
        require(is_inside(open.row, copy) && open.row.size() <= kMaxSlotRow,
                "an open row is inside its slot");
        require(open.sequence != 0, "an open row has a sequence");
    }
    require(content.rows.empty() || content.open.empty(), "a block is one thing at a time");
}

/// What holds for a file of these bytes.
inline void check_journal_file(std::string_view bytes) {
    const int file = ::memfd_create("journal", MFD_CLOEXEC);
    require(file >= 0, "memory for a file");
    const auto size = static_cast<ssize_t>(bytes.size());
    const bool is_written = ::write(file, bytes.data(), bytes.size()) == size;
    const policy::journal::FileContent first = policy::journal::read_journal(file);
    const policy::journal::FileContent again = policy::journal::read_journal(file);
    ::close(file);
    require(is_written, "a file that could be written");
    require(first.settled == again.settled && first.open == again.open &&
                first.damaged == again.damaged,
            "reading changes nothing");
    require(first.instance.empty() || first.instance.size() == policy::journal::kInstanceDigits,
            "an instance is whole or absent");
    require(!first.is_unreadable, "memory has no I/O errors");
    std::size_t before = 0;
    for (const auto& kept : first.kept) {
        require(kept.index < first.blocks && (before == 0 || kept.index >= before),
                "kept blocks ascend inside the file");
        before = kept.index + std::size_t{1};
    }
    require(!first.kept.empty() || (first.settled.empty() && first.open.empty()),
            "a block that gave rows is kept");
}

/// Makes the checksums of the heads in `block` right, as a hostile writer would: one record after
/// another from the begin, as their lengths say, and every slot.
inline void forge_checksums(std::string& block) {
    using namespace policy::journal;
    if (block.size() < sizeof(BlockHead)) {
        return;
    }
    BlockHead head{};
    std::memcpy(&head, block.data(), sizeof head);
    head.checksum = checksum_of(head);
    std::memcpy(block.data(), &head, sizeof head);
    const std::string_view all{block};
    const auto forge = [&](auto record, std::size_t at) {
        std::memcpy(&record, block.data() + at, sizeof record);
        record.generation = head.generation;
        record.checksum = checksum_of(record, all.substr(at + sizeof record, record.length));
        std::memcpy(block.data() + at, &record, sizeof record);
        return row_bytes(record.length);
    };
    if (head.magic == kSegmentMagic) {
        for (std::size_t at = sizeof(BlockHead); at + sizeof(RowHead) <= block.size();) {
            at += forge(RowHead{}, at);
        }
    } else {
        for (std::size_t slot = 0; slot_offset(slot) + sizeof(SlotHead) <= block.size(); ++slot) {
            forge(SlotHead{}, slot_offset(slot));
        }
    }
}

/// The first byte says what the rest is: a file, a block, a block whose checksums are made right,
/// or the latter behind the head of a file.
inline void check_journal(std::string_view input) {
    using namespace policy::journal;
    if (input.empty()) {
        check_journal_file(input);
        return;
    }
    const int kind = input.front() & 3;
    std::string block{input.substr(1)};
    if (kind == 0) {
        check_journal_file(block);
        return;
    }
    if (kind >= 2) {
        forge_checksums(block);
    }
    check_block(block);
    if (kind == 3) {
        FileHead head{.magic = kFileMagic,
                      .version = kFileVersion,
                      .checksum = 0,
                      .instance = {},
                      .blocks = seal(1)};
        head.instance.fill('a');
        head.checksum = checksum_of(head);
        std::string file(kHeadBytes, '\0');
        std::memcpy(file.data(), &head, sizeof head);
        check_journal_file(file + block);
    }
}

}  // namespace headgate::fuzz
