#include "policy/store/journal/block_pool.h"

#include <cstring>

namespace headgate::policy::journal {
namespace {

/// So many free blocks keep their disk space; that of the others is given back.
constexpr std::size_t kKeptBacked = 16;

}  // namespace

BlockPool::BlockPool(BlockFile& file, Limits limits, Former former)
    : file_{file},
      limits_{limits},
      generation_{former.generation},
      top_{former.blocks},
      segments_{former.segments} {
    // give_back() and forget() must not fail.
    backed_.reserve(limits.blocks);
    holes_.reserve(limits.blocks);
}

std::expected<std::uint32_t, int> BlockPool::take_segment() {
    Lock lock{mutex_};
    if (segments_ >= limits_.segments) {
        return std::unexpected{0};
    }
    ++segments_;
    if (!backed_.empty()) {
        const std::uint32_t block = backed_.back();
        backed_.pop_back();
        return block;
    }
    const std::expected<std::uint32_t, int> block = take_hole(lock);
    segments_ -= block ? 0 : 1;
    return block;
}

std::expected<std::uint32_t, int> BlockPool::take_table() {
    Lock lock{mutex_};
    std::expected<std::uint32_t, int> block = take_hole(lock);
    if (!block && !backed_.empty()) {
        block = backed_.back();
        backed_.pop_back();
        lock.unlock();
        // The head stays `free` until the table is made, so that no half of it is ever read.
        std::memset(file_.block(*block) + sizeof(BlockHead), 0, kBlockBytes - sizeof(BlockHead));
    }
    return block;
}

void BlockPool::prepare(std::size_t ready) {
    Lock lock{mutex_};
    if (backed_.size() >= ready || segments_ + backed_.size() >= limits_.segments) {
        return;
    }
    if (const std::expected<std::uint32_t, int> block = take_hole(lock)) {
        backed_.push_back(*block);
    }
}

void BlockPool::give_back(std::uint32_t segment) {
    Lock lock{mutex_};
    --segments_;
    free_block(lock, segment);
}

void BlockPool::forget(std::uint32_t block, bool is_segment) {
    const bool is_hole = file_.discard(block);
    // Where it is none it may have holes: a damaged file's block.
    const bool is_backed = !is_hole && file_.back(block) == 0;
    Lock lock{mutex_};
    segments_ -= is_segment ? 1 : 0;
    if (is_hole) {
        holes_.push_back(block);
    } else if (is_backed) {
        free_block(lock, block);
    }
}

std::expected<std::uint32_t, int> BlockPool::take_hole(Lock& lock) {
    if (holes_.empty()) {
        if (top_ >= limits_.blocks) {
            return std::unexpected{0};
        }
        holes_.push_back(top_++);
    }
    const std::uint32_t block = holes_.back();
    holes_.pop_back();
    lock.unlock();
    const int code = file_.back(block);
    lock.lock();
    if (code != 0) {
        holes_.push_back(block);
        return std::unexpected{code};
    }
    return block;
}

void BlockPool::free_block(Lock& lock, std::uint32_t block) {
    auto& head = *reinterpret_cast<BlockHead*>(file_.block(block));
    std::atomic_ref{head.magic}.store(kFreeMagic, std::memory_order_release);
    if (backed_.size() < kKeptBacked) {
        backed_.push_back(block);
        return;
    }
    lock.unlock();
    const bool is_hole = file_.discard(block);
    lock.lock();
    (is_hole ? holes_ : backed_).push_back(block);
}

}  // namespace headgate::policy::journal
