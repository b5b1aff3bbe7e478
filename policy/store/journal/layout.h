#pragma once

#include "policy/ledger/row_codec.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

// What lies in a journal's file. Numbers are little-endian.
//
//   first page   FileHead
//   then         blocks of 1 MiB, each as its BlockHead says:
//                  segment   settled rows, one behind another: RowHead, row, padding to 8 bytes
//                  table     places of 2 KiB for open reservations: SlotHead, row
//                  free      or all zero: nothing
//
// Invariants:
//  1. A block gets a generation each time it is taken, higher than all before it in this file. It
//     stands in each of its records, so that what is left of an earlier use never looks valid.
//  2. The word that makes a record valid (a row's generation, a slot's sequence, a block's magic)
//     is written last and taken away first: a process that dies between two writes leaves a record
//     that is there or not there.
//  3. A segment's `written` and `released` count its rows; those below `released` are in the record
//     store.
namespace headgate::policy::journal {

static_assert(std::endian::native == std::endian::little, "the file is memory as it is");

inline constexpr std::size_t kHeadBytes = 4096;
inline constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
/// No more of a file is ever read.
inline constexpr std::uint32_t kMostBlocks = 16 * 1024;

inline constexpr std::uint64_t kFileMagic = 0x4c4e524a45544748;     // "HGTEJRNL"
inline constexpr std::uint64_t kSegmentMagic = 0x53574f5245544748;  // "HGTEROWS"
inline constexpr std::uint64_t kTableMagic = 0x4e45504f45544748;    // "HGTEOPEN"
inline constexpr std::uint64_t kFreeMagic = 0x4545524645544748;     // "HGTEFREE"
inline constexpr std::uint32_t kFileVersion = 1;

inline constexpr std::size_t kInstanceDigits = 16;

struct FileHead {
    std::uint64_t magic;
    std::uint32_t version;
    std::uint32_t checksum;  // of version and instance
    std::array<char, kInstanceDigits> instance;
    std::uint64_t blocks;  // sealed: how many the file has had; a shorter file was cut
};

/// What different threads write has a cache line each.
struct BlockHead {
    std::uint64_t magic;
    std::uint64_t generation;
    std::uint32_t checksum;  // of the generation
    std::uint32_t unused;
    alignas(64) std::uint64_t written;   // sealed; by the worker
    alignas(64) std::uint64_t released;  // sealed; by the consumer
};

struct RowHead {
    std::uint64_t generation;  // the block's
    std::uint32_t checksum;    // of generation, length, index and the row
    std::uint32_t length;
    std::uint32_t index;  // in the block, from 0
    std::uint32_t unused;
};

struct SlotHead {
    std::uint64_t generation;  // the block's
    std::uint64_t sequence;    // 0: free; else the later of two with one id is the valid one
    std::uint32_t checksum;    // of generation, sequence, length and the row
    std::uint32_t length;
    std::uint64_t unused;
};

static_assert(std::is_trivially_copyable_v<FileHead> && sizeof(FileHead) <= kHeadBytes);
static_assert(sizeof(BlockHead) == 192 && sizeof(RowHead) == 24 && sizeof(SlotHead) == 32);

/// The bytes that a row takes in a segment.
constexpr std::size_t row_bytes(std::size_t length) {
    return sizeof(RowHead) + (length + 7) / 8 * 8;
}
inline constexpr std::size_t kMaxRowBytes = row_bytes(kMaxEncodedRow);
/// As many rows fit into an empty segment, however long they are.
inline constexpr std::size_t kSureRows = (kBlockBytes - sizeof(BlockHead)) / kMaxRowBytes;

inline constexpr std::size_t kSlotBytes = 2048;
/// The place of the first holds the BlockHead.
inline constexpr std::size_t kSlots = kBlockBytes / kSlotBytes - 1;
inline constexpr std::size_t kMaxSlotRow = kSlotBytes - sizeof(SlotHead);

constexpr std::size_t slot_offset(std::size_t slot) {
    return (slot + 1) * kSlotBytes;
}

/// A count that tells when it was damaged.
constexpr std::uint64_t seal(std::uint32_t count) {
    return count | (std::uint64_t{~count} << 32);
}
constexpr std::optional<std::uint32_t> unseal(std::uint64_t sealed) {
    const auto count = static_cast<std::uint32_t>(sealed);
    return seal(count) == sealed ? std::optional{count} : std::nullopt;
}

/// The checksums that the heads should have.
std::uint32_t checksum_of(const FileHead& head);
std::uint32_t checksum_of(const BlockHead& head);
std::uint32_t checksum_of(const RowHead& head, std::string_view row);
std::uint32_t checksum_of(const SlotHead& head, std::string_view row);

}  // namespace headgate::policy::journal
