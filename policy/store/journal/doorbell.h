#pragma once

#include <atomic>
#include <cstdint>

namespace headgate::policy::journal {

/// What one thread sleeps at until another rings. Ringing costs a system call only where it sleeps.
///
/// The sleeper: begin_wait(); then looks for work once more; then sleep() or stay_awake(). Who
/// makes work publishes it sequentially consistent and then rings: one of the two sees the other.
class Doorbell {
public:
    /// False: it was rung since the last wait, which ends this one.
    bool begin_wait();
    void stay_awake();
    void sleep(int milliseconds);

    /// Ends the wait, or the next one where nobody waits.
    void ring();
    /// Ends the wait, if there is one.
    void ring_if_asleep() {
        if (state_.load(std::memory_order_seq_cst) == kAsleep) {
            wake_sleeper();
        }
    }

private:
    static constexpr std::uint32_t kAwake = 0;
    static constexpr std::uint32_t kAsleep = 1;
    static constexpr std::uint32_t kRung = 2;

    void wake_sleeper();

    std::atomic<std::uint32_t> state_ = kAwake;
};

}  // namespace headgate::policy::journal
