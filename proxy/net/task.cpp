#include "proxy/net/task.h"

#include <array>
#include <new>

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

/// The free lists of one thread, given back when it ends.
class FreeLists {
public:
    FreeLists() = default;
    FreeLists(const FreeLists&) = delete;
    FreeLists& operator=(const FreeLists&) = delete;
    ~FreeLists() {
        for (FreeFrame* head : lists_) {
            while (head != nullptr) {
                FreeFrame* next = head->next;
                ::operator delete(head);
                head = next;
            }
        }
    }

    FreeFrame*& of(std::size_t bytes) { return lists_[(bytes - 1) / kStep]; }

private:
    std::array<FreeFrame*, kLargest / kStep> lists_{};
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
    return ::operator new((bytes + kStep - 1) / kStep * kStep);
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
