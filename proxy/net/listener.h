#pragma once

#include "policy/config/snapshot.h"
#include "proxy/net/reactor.h"
#include "proxy/net/socket.h"
#include "proxy/net/task.h"

#include <atomic>
#include <cstdint>
#include <expected>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace headgate::proxy {

/// An address that this process serves: one descriptor a worker (SO_REUSEPORT), or one for all
/// where it is a unix socket.
struct BoundAddress {
    std::vector<int> fds;  // owned by the listeners that are made of them
    std::string name;      // with the port that was taken, as the ready line tells it
    bool is_unix = false;
};

/// Whether other processes of the policy may serve the same address (`listen_shared`).
enum class Sharing : std::uint8_t { alone, shared };

/// Binds and listens. Alone: first without SO_REUSEPORT, so that a port that another process serves
/// is an error and never shared silently. Shared: a unix socket's path leads to the latest process.
/// The error is one clear line.
std::expected<BoundAddress, std::string> bind_address(const policy::ListenAddress& address,
                                                      std::size_t workers,
                                                      Sharing sharing);

/// How many connections there are, in the whole process and from one address. Thread-safe.
class ConnectionCounts {
public:
    /// What is open above new limits stays open. Before the first call nothing may be added.
    void set_limits(std::size_t max_total, std::size_t max_per_address);
    bool try_add(const std::string& address);
    void remove(const std::string& address);

private:
    std::mutex mutex_;
    std::size_t max_total_ = 0;
    std::size_t max_per_address_ = 0;
    std::size_t total_ = 0;
    std::unordered_map<std::string, std::size_t> by_address_;
};

/// Accepts on one descriptor of one worker. Out of descriptors it pauses for a tick and goes on.
class Listener {
public:
    /// `serve` takes the connection and the peer's address ("unix" for a unix socket).
    using Serve = std::function<void(int fd, std::string peer)>;

    Listener(Reactor& reactor, int fd, bool is_unix, Serve serve);

    /// Accepts what waits in the kernel's queue now.
    void accept_waiting();

    /// Of an address that other processes serve as well: new clients are left to them, by dropping
    /// their first packet, which TCP sends again after a second. Who is already on the way still
    /// gets through.
    void leave_new_clients_to_others();

    /// Stops accepting; connections that wait in the kernel's queue are refused with it.
    ~Listener() { flow_.cancel(); }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

private:
    Task<void> accept_connections();
    enum class Accepted : std::uint8_t { one, none, out_of_descriptors };
    Accepted accept_one();

    Flow flow_;
    Socket socket_;
    bool is_unix_;
    Serve serve_;
};

}  // namespace headgate::proxy
