// Counts the heap calls of the process that it is loaded into with LD_PRELOAD. The counts live in
// the file that BENCH_ALLOCATIONS names (three 64-bit numbers: allocating calls, bytes asked for,
// freeing calls), mapped, so that a reader needs neither a signal nor a stop of the process.
//
// operator new of libstdc++ and aligned_alloc of Asio arrive here too. A program that brings its
// own allocator does not, and its counts stay zero.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" {
// glibc's own entry points: to look them up with dlsym would allocate.
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void __libc_free(void* block);
}

namespace {

struct Counts {
    std::atomic<std::uint64_t> allocations;
    std::atomic<std::uint64_t> bytes;
    std::atomic<std::uint64_t> frees;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

constinit Counts before_main{};  // until the file is mapped, and without one
constinit std::atomic<Counts*> counts{&before_main};

void count_allocation(std::size_t bytes) {
    Counts* const now = counts.load(std::memory_order_relaxed);
    now->allocations.fetch_add(1, std::memory_order_relaxed);
    now->bytes.fetch_add(bytes, std::memory_order_relaxed);
}

[[gnu::constructor]] void map_counts() {
    const char* const path = std::getenv("BENCH_ALLOCATIONS");
    if (path == nullptr) {
        return;
    }
    const int file = ::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) {
        return;
    }
    if (::ftruncate(file, sizeof(Counts)) == 0) {
        void* const place =
            ::mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (place != MAP_FAILED) {
            counts.store(static_cast<Counts*>(place), std::memory_order_relaxed);
        }
    }
    ::close(file);
}

}  // namespace

extern "C" {

void* malloc(std::size_t size) {
    count_allocation(size);
    return __libc_malloc(size);
}

void* calloc(std::size_t count, std::size_t size) {
    count_allocation(count * size);
    return __libc_calloc(count, size);
}

void* realloc(void* block, std::size_t size) {
    count_allocation(size);
    return __libc_realloc(block, size);
}

void* memalign(std::size_t alignment, std::size_t size) {
    count_allocation(size);
    return __libc_memalign(alignment, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
    count_allocation(size);
    return __libc_memalign(alignment, size);
}

int posix_memalign(void** place, std::size_t alignment, std::size_t size) {
    if (alignment % sizeof(void*) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0) {
        return EINVAL;
    }
    count_allocation(size);
    void* const block = __libc_memalign(alignment, size);
    if (block == nullptr) {
        return ENOMEM;
    }
    *place = block;
    return 0;
}

void free(void* block) {
    if (block != nullptr) {
        counts.load(std::memory_order_relaxed)->frees.fetch_add(1, std::memory_order_relaxed);
    }
    __libc_free(block);
}
}
