#pragma once

#include "policy/store/journal/block_file.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <mutex>
#include <vector>

namespace headgate::policy::journal {

/// Which blocks of the file are whose. Workers take from it when they need a further block, the
/// consumer gives segments back; all rare, under a lock that nobody holds during a system call.
class BlockPool {
public:
    struct Limits {
        std::uint32_t segments = 1;  // in use at a time
        std::uint32_t blocks = 2;    // in the file
    };

    /// Blocks below `blocks` are in use until forget(); of them `segments` count against the limit.
    /// Generations go on after `generation`.
    struct Former {
        std::uint32_t blocks = 0;
        std::uint32_t segments = 0;
        std::uint64_t generation = 0;
    };

    BlockPool(BlockFile& file, Limits limits, Former former);

    /// A block for settled rows, backed; or why there is none: 0 at the limit, else errno.
    std::expected<std::uint32_t, int> take_segment();
    /// A block for open reservations, backed and zero.
    std::expected<std::uint32_t, int> take_table();
    /// Backs a further segment where fewer than `ready` wait, so that a worker that takes one need
    /// not. For the consumer, which has the time.
    void prepare(std::size_t ready);
    /// Nobody has rows in the segment any more.
    void give_back(std::uint32_t segment);
    /// Nobody needs a former life's block any more, whatever is in it.
    void forget(std::uint32_t block, bool is_segment);

    std::uint64_t next_generation() {
        return generation_.fetch_add(1, std::memory_order_relaxed) + 1;
    }

private:
    using Lock = std::unique_lock<std::mutex>;

    /// A block that was not backed, and is now. Lets go of the lock meanwhile.
    std::expected<std::uint32_t, int> take_hole(Lock& lock);
    void free_block(Lock& lock, std::uint32_t block);

    BlockFile& file_;
    const Limits limits_;
    std::atomic<std::uint64_t> generation_;

    std::mutex mutex_;  // of all below
    std::uint32_t top_;
    std::uint32_t segments_;
    std::vector<std::uint32_t> backed_;  // used last at the end: its pages are in memory
    std::vector<std::uint32_t> holes_;
};

}  // namespace headgate::policy::journal
