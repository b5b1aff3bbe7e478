#include "proxy/net/task.h"

#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <vector>

namespace headgate::proxy {
namespace {

constexpr std::size_t kStep = 64;
constexpr std::size_t kLargest = 4096;

// A sanitizer must see every use of a dead frame: there nothing is recycled.
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer) || \
    __has_feature(thread_sanitizer)
constexpr bool kRecycles = false;
#else
constexpr bool kRecycles = true;
#endif

struct FreeFrame {
    FreeFrame* next;
};

/// The memory of one thread's frames: lists of free ones by size, and the slab that new ones are
/// cut from. A slab a dozen frames, since a thread's heap grows by a system call an allocation.
class FreeLists {
public:
    FreeFrame*& of(std::size_t bytes) { return lists_[(bytes - 1) / kStep]; }

    /// `bytes` is a multiple of kStep.
    void* cut(std::size_t bytes) {
        if (left_ < bytes) {
            slabs_.push_back(std::make_unique_for_overwrite<Slab>());
            left_ = kSlab;
        }
        left_ -= bytes;
        return slabs_.back()->bytes + left_;
    }

private:
    static constexpr std::size_t kSlab = std::size_t{64} << 10;
    struct alignas(kStep) Slab {
        std::byte bytes[kSlab];
    };

    std::array<FreeFrame*, kLargest / kStep> lists_{};
    std::vector<std::unique_ptr<Slab>> slabs_;  // freed when the thread ends: no frame outlives it
    std::size_t left_ = 0;
};

thread_local FreeLists free_lists;

}  // namespace

void* FrameMemory::allocate(std::size_t bytes) {
    if (!kRecycles || bytes > kLargest) {
        return ::operator new(bytes);
    }
    FreeFrame*& head = free_lists.of(bytes);
    if (head != nullptr) {
        FreeFrame* frame = head;
        head = frame->next;
        return frame;
    }
    return free_lists.cut((bytes + kStep - 1) / kStep * kStep);
}

void FrameMemory::release(void* frame, std::size_t bytes) noexcept {
    if (!kRecycles || bytes > kLargest) {
        ::operator delete(frame);
        return;
    }
    FreeFrame*& head = free_lists.of(bytes);
    auto* freed = ::new (frame) FreeFrame{head};
    head = freed;
}

}  // namespace headgate::proxy
