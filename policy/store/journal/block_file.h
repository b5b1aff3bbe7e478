#pragma once

#include "policy/store/journal/layout.h"
#include "policy/store/journal/locked_file.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace headgate::policy::journal {

/// The process's own journal as memory: address space for all blocks that it may ever have, disk
/// space only for those that were backed. Memory of a block that is not backed must not be touched:
/// beyond the file's end, or on a full disk, that would be a SIGBUS.
class BlockFile {
public:
    /// Maps room for `most_blocks`. Of what is in the file the first `kept_blocks` stay; the head
    /// is written where `instance` is not the one that it has. The error is one line.
    static std::expected<std::unique_ptr<BlockFile>, std::string> map(LockedFile held,
                                                                      std::uint32_t most_blocks,
                                                                      std::uint32_t kept_blocks,
                                                                      std::string_view instance);
    ~BlockFile();
    BlockFile(const BlockFile&) = delete;
    BlockFile& operator=(const BlockFile&) = delete;

    std::string_view instance() const;
    char* block(std::uint32_t index) const { return memory_ + kHeadBytes + index * kBlockBytes; }

    /// Sets disk space aside for the block, so that writing to it never fails; 0, or errno. Of
    /// one block one thread at a time.
    int back(std::uint32_t index) const;
    /// Gives the block's disk space back; it reads as zero then. False where the file system cannot
    /// do that.
    bool discard(std::uint32_t index) const;

private:
    BlockFile(LockedFile held, char* memory, std::size_t bytes);

    FileHead& head() const { return *reinterpret_cast<FileHead*>(memory_); }
    void write_head(std::string_view instance);

    LockedFile held_;
    char* memory_;
    std::size_t bytes_;
};

/// 16 hex digits from the operating system's random source.
std::string make_instance();

}  // namespace headgate::policy::journal
