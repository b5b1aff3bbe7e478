#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace headgate::proxy {

class Socket;
class Flow;

/// Time in steps of Reactor::kTick since the reactor began: what a deadline is compared with.
using Tick = std::uint32_t;
inline constexpr Tick kNever = ~Tick{0};

/// Why a suspended flow goes on.
enum class Wake : std::uint8_t {
    ready,     // a socket of the wait, or wake()
    deadline,  // its deadline passed
    stopped,   // cancel(): the exchange must end now
};

/// What a socket can be waited for.
enum SocketReadiness : std::uint8_t {
    kNothing = 0,
    kReadable = 1,  // bytes, or the end
    kWritable = 2,
    kGone = 4,  // the peer has closed its side or the connection broke
};

struct Interest {
    Socket* socket = nullptr;
    std::uint8_t bits = kNothing;
};

/// One epoll loop on one thread: a worker's heart.
///
/// Sockets register once, edge-triggered, for everything; readiness is remembered in the Socket, so
/// that a request costs no epoll_ctl. Deadlines are numbers that one walk every kTick compares.
/// Only post() and stop() may be called from other threads.
class Reactor {
public:
    static constexpr std::chrono::milliseconds kTick{100};

    Reactor();
    ~Reactor();
    Reactor(const Reactor&) = delete;
    Reactor& operator=(const Reactor&) = delete;

    /// Runs until stop() was called and no flow is left.
    void run();
    /// Makes run() return once every flow has ended. Thread-safe.
    void stop();
    /// Runs `work` on the reactor's thread. Thread-safe; wakes the loop only for the first of a
    /// batch.
    void post(std::move_only_function<void()> work);

    /// The loop's time: read once a round.
    std::chrono::steady_clock::time_point now() const { return now_; }
    Tick tick() const { return tick_; }
    /// The first tick at which `wait` has surely passed.
    Tick tick_after(std::chrono::milliseconds wait) const;

    /// Called once a tick, while a flow lives: sweeps of pools and buffers.
    void on_tick(std::function<void()> sweep) { sweeps_.push_back(std::move(sweep)); }

    std::size_t flows() const { return flows_.size(); }
    /// cancel()s every flow that lives now.
    void cancel_all();

private:
    friend class Socket;
    friend class Flow;

    struct Slot {
        Socket* socket = nullptr;
        std::uint32_t generation = 0;
    };

    std::uint64_t add(Socket& socket, int fd);
    void remove(std::uint64_t key);
    void add(Flow& flow);
    void remove(Flow& flow);
    int poll_timeout() const;
    void dispatch(std::uint64_t key, std::uint32_t events);
    void run_posted();
    void expire_deadlines();
    void resume_yielded();
    void fire_alarms();

    int epoll_ = -1;
    int wakeup_ = -1;
    std::chrono::steady_clock::time_point now_;
    std::chrono::steady_clock::time_point next_tick_;
    Tick tick_ = 0;
    bool is_stopping_ = false;

    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_slots_;

    // Side by side, so that the walk over deadlines reads memory in order.
    std::vector<Tick> deadlines_;
    std::vector<Flow*> flows_;
    std::multimap<std::chrono::steady_clock::time_point, Flow*> alarms_;
    std::vector<Flow*> yielded_;  // gave way to others; go on in the next round
    std::vector<std::function<void()>> sweeps_;

    std::mutex mutex_;
    std::vector<std::move_only_function<void()>> posted_;
};

/// One line of control: what suspends and is resumed. A client connection with its exchange is one
/// flow. Invariants: 1. at most one coroutine of a flow is suspended in it; 2. after cancel() every
/// wait gives `stopped` at once. 3. A flow whose sockets are always ready still gives way to the
/// others after a while.
class Flow {
public:
    explicit Flow(Reactor& reactor);
    ~Flow();
    Flow(const Flow&) = delete;
    Flow& operator=(const Flow&) = delete;

    Reactor& reactor() { return reactor_; }

    /// Suspends until one of the sockets is ready for its bits, or `until` has come.
    auto wait(Interest a, Interest b, Tick until) { return Awaiter{*this, a, b, until}; }
    auto wait(Interest a, Tick until) { return Awaiter{*this, a, {}, until}; }
    /// Sleeps with the loop's precision of a millisecond; `also` ends it early with `ready`.
    auto sleep(std::chrono::milliseconds time, Interest also = {}) {
        set_alarm(time);
        return Awaiter{*this, also, {}, kNever};
    }

    /// Resumes the flow with `ready` if it is suspended.
    void wake() { resume(Wake::ready); }
    /// Ends the flow's waits for good, with `stopped`.
    void cancel();
    bool is_cancelled() const { return is_cancelled_; }

private:
    friend class Reactor;
    friend class Socket;

    struct Awaiter {
        Flow& flow;
        Interest a;
        Interest b;
        Tick until = kNever;

        bool await_ready() const;
        bool is_ready() const;
        void await_suspend(std::coroutine_handle<> handle);
        Wake await_resume();
    };

    void resume(Wake wake);
    void set_alarm(std::chrono::milliseconds time);
    void clear_alarm();

    Reactor& reactor_;
    std::coroutine_handle<> suspended_;
    std::size_t index_ = 0;  // in the reactor's lists
    std::multimap<std::chrono::steady_clock::time_point, Flow*>::iterator alarm_;
    int turns_ = 0;  // waits in a row that were ready at once
    bool has_alarm_ = false;
    bool is_yielded_ = false;
    bool is_cancelled_ = false;
    Wake wake_ = Wake::ready;
};

}  // namespace headgate::proxy
