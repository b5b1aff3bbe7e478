#include "proxy/net/reactor.h"

#include "proxy/net/socket.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <limits>
#include <system_error>

namespace headgate::proxy {
namespace {

constexpr std::uint64_t kWakeupKey = ~std::uint64_t{0};
constexpr std::size_t kBatch = 256;
/// How many waits of one flow may be ready at once before the others get their turn.
constexpr int kTurns = 64;

std::uint64_t key_of(std::uint32_t index, std::uint32_t generation) {
    return (std::uint64_t{generation} << 32) | index;
}

}  // namespace

Reactor::Reactor()
    : epoll_{::epoll_create1(EPOLL_CLOEXEC)},
      wakeup_{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)},
      now_{std::chrono::steady_clock::now()},
      next_tick_{now_ + kTick} {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = kWakeupKey;
    if (epoll_ < 0 || wakeup_ < 0 || ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wakeup_, &event) != 0) {
        throw std::system_error(errno, std::generic_category(), "Reactor");
    }
}

Reactor::~Reactor() {
    ::close(wakeup_);
    ::close(epoll_);
}

void Reactor::run() {
    std::array<epoll_event, kBatch> events{};
    while (!is_stopping_ || !flows_.empty()) {
        const int count =
            ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), poll_timeout());
        now_ = std::chrono::steady_clock::now();
        for (int i = 0; i < count; ++i) {
            const epoll_event& event = events[static_cast<std::size_t>(i)];
            if (event.data.u64 == kWakeupKey) {
                run_posted();
            } else {
                dispatch(event.data.u64, event.events);
            }
        }
        if (!yielded_.empty()) {
            resume_yielded();
        }
        if (!alarms_.empty()) {
            fire_alarms();
        }
        if (now_ >= next_tick_) {
            expire_deadlines();
        }
    }
}

int Reactor::poll_timeout() const {
    if (!yielded_.empty()) {
        return 0;
    }
    if (flows_.empty() && sweeps_.empty()) {
        return -1;
    }
    auto next = next_tick_;
    if (!alarms_.empty() && alarms_.begin()->first < next) {
        next = alarms_.begin()->first;
    }
    const auto now = std::chrono::steady_clock::now();
    if (next <= now) {
        return 0;
    }
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(next - now).count());
}

void Reactor::stop() {
    post([this] { is_stopping_ = true; });
}

void Reactor::post(std::move_only_function<void()> work) {
    bool is_first = false;
    {
        const std::scoped_lock lock{mutex_};
        is_first = posted_.empty();
        posted_.push_back(std::move(work));
    }
    if (is_first) {
        const std::uint64_t one = 1;
        // The counter cannot overflow: it is read to zero before the list is taken.
        [[maybe_unused]] const ssize_t written = ::write(wakeup_, &one, sizeof one);
    }
}

void Reactor::run_posted() {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t bytes = ::read(wakeup_, &count, sizeof count);
    std::vector<std::move_only_function<void()>> batch;
    {
        const std::scoped_lock lock{mutex_};
        batch.swap(posted_);
    }
    for (auto& work : batch) {
        work();
    }
}

Tick Reactor::tick_after(std::chrono::milliseconds wait) const {
    // One more than the quotient: the tick that runs now may be nearly over.
    const auto ticks = wait.count() / kTick.count() + 2;
    const auto room = std::int64_t{kNever} - 1 - tick_;
    return tick_ + static_cast<Tick>(ticks < room ? ticks : room);
}

std::uint64_t Reactor::add(Socket& socket, int fd) {
    std::uint32_t index = 0;
    if (free_slots_.empty()) {
        index = static_cast<std::uint32_t>(slots_.size());
        slots_.emplace_back();
    } else {
        index = free_slots_.back();
        free_slots_.pop_back();
    }
    slots_[index].socket = &socket;
    const std::uint64_t key = key_of(index, slots_[index].generation);
    epoll_event event{};
    event.events = std::uint32_t{EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET};
    event.data.u64 = key;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) {
        const int error = errno;
        remove(key);
        throw std::system_error(error, std::generic_category(), "epoll_ctl");
    }
    return key;
}

void Reactor::remove(std::uint64_t key) {
    const auto index = static_cast<std::uint32_t>(key);
    slots_[index].socket = nullptr;
    ++slots_[index].generation;  // events of this round that still name it are stale
    free_slots_.push_back(index);
}

void Reactor::dispatch(std::uint64_t key, std::uint32_t events) {
    const Slot& slot = slots_[static_cast<std::uint32_t>(key)];
    if (slot.socket != nullptr && slot.generation == static_cast<std::uint32_t>(key >> 32)) {
        slot.socket->on_events(events);
    }
}

void Reactor::add(Flow& flow) {
    flow.index_ = flows_.size();
    flows_.push_back(&flow);
    deadlines_.push_back(kNever);
}

void Reactor::remove(Flow& flow) {
    const std::size_t index = flow.index_;
    flows_[index] = flows_.back();
    deadlines_[index] = deadlines_.back();
    flows_[index]->index_ = index;
    flows_.pop_back();
    deadlines_.pop_back();
}

void Reactor::expire_deadlines() {
    while (now_ >= next_tick_) {
        ++tick_;
        next_tick_ += kTick;
    }
    // Backwards: a flow that ends moves the last one, which has been seen, into its place.
    for (std::size_t i = flows_.size(); i-- > 0;) {
        if (i < flows_.size() && deadlines_[i] <= tick_) {
            deadlines_[i] = kNever;
            flows_[i]->resume(Wake::deadline);
        }
    }
    for (const auto& sweep : sweeps_) {
        sweep();
    }
}

void Reactor::fire_alarms() {
    while (!alarms_.empty() && alarms_.begin()->first <= now_) {
        Flow* flow = alarms_.begin()->second;
        flow->clear_alarm();
        flow->resume(Wake::deadline);
    }
}

void Reactor::resume_yielded() {
    for (std::size_t left = yielded_.size(); left > 0 && !yielded_.empty(); --left) {
        yielded_.front()->resume(Wake::ready);  // takes itself off the list
    }
}

void Reactor::cancel_all() {
    // Backwards, as in expire_deadlines: a flow that ends gives its place to one that was
    // cancelled.
    for (std::size_t i = flows_.size(); i-- > 0;) {
        if (i < flows_.size()) {
            flows_[i]->cancel();
        }
    }
}

Flow::Flow(Reactor& reactor) : reactor_{reactor} {
    reactor_.add(*this);
}

Flow::~Flow() {
    clear_alarm();
    reactor_.remove(*this);
}

void Flow::cancel() {
    is_cancelled_ = true;
    resume(Wake::stopped);
}

void Flow::resume(Wake wake) {
    if (is_yielded_) {
        is_yielded_ = false;
        std::erase(reactor_.yielded_, this);
    }
    if (suspended_) {
        wake_ = wake;
        std::exchange(suspended_, {}).resume();
    }
}

void Flow::set_alarm(std::chrono::milliseconds time) {
    clear_alarm();
    alarm_ = reactor_.alarms_.emplace(std::chrono::steady_clock::now() + time, this);
    has_alarm_ = true;
}

void Flow::clear_alarm() {
    if (has_alarm_) {
        reactor_.alarms_.erase(alarm_);
        has_alarm_ = false;
    }
}

bool Flow::Awaiter::await_ready() const {
    if (flow.is_cancelled_) {
        return true;
    }
    return is_ready() && ++flow.turns_ < kTurns;
}

bool Flow::Awaiter::is_ready() const {
    return (a.socket != nullptr && a.socket->is_ready(a.bits)) ||
           (b.socket != nullptr && b.socket->is_ready(b.bits));
}

void Flow::Awaiter::await_suspend(std::coroutine_handle<> handle) {
    flow.suspended_ = handle;
    flow.wake_ = Wake::ready;
    flow.turns_ = 0;
    if (is_ready()) {
        flow.is_yielded_ = true;
        flow.reactor_.yielded_.push_back(&flow);
    }
    flow.reactor_.deadlines_[flow.index_] = until;
    if (a.socket != nullptr) {
        a.socket->interest_ = a.bits;
    }
    if (b.socket != nullptr) {
        b.socket->interest_ = b.bits;
    }
}

Wake Flow::Awaiter::await_resume() {
    flow.reactor_.deadlines_[flow.index_] = kNever;
    flow.clear_alarm();
    if (a.socket != nullptr) {
        a.socket->interest_ = kNothing;
    }
    if (b.socket != nullptr) {
        b.socket->interest_ = kNothing;
    }
    if (flow.is_cancelled_) {
        return Wake::stopped;
    }
    return std::exchange(flow.wake_, Wake::ready);
}

}  // namespace headgate::proxy
