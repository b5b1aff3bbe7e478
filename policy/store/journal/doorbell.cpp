#include "policy/store/journal/doorbell.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

namespace headgate::policy::journal {
namespace {

static_assert(std::atomic<std::uint32_t>::is_always_lock_free &&
              sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));

/// False when `deadline` (of the monotonic clock) has passed.
bool wait_on(std::atomic<std::uint32_t>& word, std::uint32_t value, const timespec& deadline) {
    const long code = ::syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, value,
                                &deadline, nullptr, FUTEX_BITSET_MATCH_ANY);
    return code == 0 || errno != ETIMEDOUT;
}

void wake_one(std::atomic<std::uint32_t>& word) {
    ::syscall(SYS_futex, &word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, nullptr, nullptr, 0);
}

timespec deadline_in(int milliseconds) {
    constexpr long kNanosASecond = 1'000'000'000;
    timespec moment{};
    ::clock_gettime(CLOCK_MONOTONIC, &moment);
    moment.tv_sec += milliseconds / 1000;
    moment.tv_nsec += milliseconds % 1000 * 1'000'000L;
    moment.tv_sec += moment.tv_nsec / kNanosASecond;
    moment.tv_nsec %= kNanosASecond;
    return moment;
}

}  // namespace

bool Doorbell::begin_wait() {
    std::uint32_t was = kAwake;
    if (state_.compare_exchange_strong(was, kAsleep, std::memory_order_seq_cst)) {
        return true;
    }
    stay_awake();
    return false;
}

void Doorbell::stay_awake() {
    state_.exchange(kAwake, std::memory_order_seq_cst);
}

void Doorbell::sleep(int milliseconds) {
    const timespec deadline = deadline_in(std::max(milliseconds, 0));
    while (state_.load(std::memory_order_acquire) == kAsleep &&
           wait_on(state_, kAsleep, deadline)) {
    }
    stay_awake();
}

void Doorbell::ring() {
    if (state_.exchange(kRung, std::memory_order_seq_cst) == kAsleep) {
        wake_one(state_);
    }
}

void Doorbell::wake_sleeper() {
    std::uint32_t was = kAsleep;
    if (state_.compare_exchange_strong(was, kAwake, std::memory_order_seq_cst)) {
        wake_one(state_);
    }
}

}  // namespace headgate::policy::journal
