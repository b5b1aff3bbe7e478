#include "policy/store/journal/block_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <stdexcept>
#include <utility>

namespace headgate::policy::journal {
namespace {

/// 0, or errno. A file size limit is looked at first: running into it raises SIGXFSZ, which kills.
int set_aside(int file, std::size_t offset, std::size_t bytes) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        offset + bytes > limit.rlim_cur) {
        return EFBIG;
    }
    int code = EINTR;
    while (code == EINTR) {
        code = ::posix_fallocate(file, static_cast<off_t>(offset), static_cast<off_t>(bytes));
    }
    return code;
}

/// Shortens the file to `bytes` where it is longer; 0, or errno.
int shorten(int file, std::size_t bytes) {
    struct stat status{};
    if (::fstat(file, &status) != 0) {
        return errno;
    }
    const bool is_longer = std::cmp_greater(status.st_size, bytes);
    return is_longer && ::ftruncate(file, static_cast<off_t>(bytes)) != 0 ? errno : 0;
}

}  // namespace

std::expected<std::unique_ptr<BlockFile>, std::string> BlockFile::map(LockedFile held,
                                                                      std::uint32_t most_blocks,
                                                                      std::uint32_t kept_blocks,
                                                                      std::string_view instance) {
    const int file = held.file();
    const std::string path = held.path();
    if (::fchmod(file, 0600) != 0) {
        return std::unexpected{io_problem("cannot protect", path, errno)};
    }
    if (const int code = set_aside(file, 0, kHeadBytes); code != 0) {
        return std::unexpected{io_problem("no room in", path, code)};
    }
    const std::size_t bytes = kHeadBytes + most_blocks * kBlockBytes;
    void* const memory =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file, 0);
    if (memory == MAP_FAILED) {
        return std::unexpected{io_problem("cannot map", path, errno)};
    }
    std::unique_ptr<BlockFile> mapped{
        new BlockFile{std::move(held), static_cast<char*>(memory), bytes}};
    if (mapped->instance() != instance || mapped->head().magic != kFileMagic) {
        mapped->write_head(instance);
    }
    // Before the file gets shorter: a process that dies between the two has lost no block.
    std::atomic_ref{mapped->head().blocks}.store(seal(kept_blocks), std::memory_order_release);
    if (const int code = shorten(file, kHeadBytes + kept_blocks * kBlockBytes); code != 0) {
        return std::unexpected{io_problem("cannot shorten", path, code)};
    }
    return mapped;
}

BlockFile::BlockFile(LockedFile held, char* memory, std::size_t bytes)
    : held_{std::move(held)}, memory_{memory}, bytes_{bytes} {}

BlockFile::~BlockFile() {
    ::munmap(memory_, bytes_);
}

std::string_view BlockFile::instance() const {
    return {head().instance.data(), head().instance.size()};
}

void BlockFile::write_head(std::string_view instance) {
    FileHead& to = head();
    std::atomic_ref{to.magic}.store(0, std::memory_order_release);
    to.version = kFileVersion;
    std::ranges::copy(instance.substr(0, kInstanceDigits), to.instance.begin());
    to.checksum = checksum_of(to);
    std::atomic_ref{to.magic}.store(kFileMagic, std::memory_order_release);
}

int BlockFile::back(std::uint32_t index) const {
    const int code = set_aside(held_.file(), kHeadBytes + index * kBlockBytes, kBlockBytes);
    if (code != 0) {
        return code;
    }
    const std::atomic_ref blocks{head().blocks};
    std::uint64_t sealed = blocks.load(std::memory_order_relaxed);
    while (unseal(sealed).value_or(0) <= index &&
           !blocks.compare_exchange_weak(sealed, seal(index + 1), std::memory_order_release)) {
    }
    return 0;
}

bool BlockFile::discard(std::uint32_t index) const {
    return ::fallocate(held_.file(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                       static_cast<off_t>(kHeadBytes + index * kBlockBytes),
                       static_cast<off_t>(kBlockBytes)) == 0;
}

std::string make_instance() {
    std::uint64_t random = 0;
    ssize_t got = 0;
    do {
        got = ::getrandom(&random, sizeof random, 0);
    } while (got < 0 && errno == EINTR);
    if (got != sizeof random) {
        throw std::runtime_error("getrandom gave nothing");
    }
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string digits;
    for (std::size_t i = 0; i < kInstanceDigits; ++i) {
        digits += kHex[(random >> (4 * i)) & 15];
    }
    return digits;
}

}  // namespace headgate::policy::journal
