#pragma once

#include "proxy/net/egress.h"
#include "proxy/net/reactor.h"
#include "proxy/net/task.h"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace headgate::proxy {

/// Looks names up with getaddrinfo on threads of its own, so that no worker ever waits for a
/// resolver. Shared by all workers; thread-safe. Literals are answered without a thread.
class Resolver {
public:
    explicit Resolver(std::size_t threads = 4);
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    /// Ends the threads. Must come before the reactors of flows that asked are destroyed.
    void stop();

    /// All addresses of `host`, in the system's order; empty where there is none, or where `until`
    /// or `also` came first. Queue bounded: beyond 1,024 waiting look-ups it fails at once.
    Task<std::vector<SocketAddress>> resolve(
        Flow& flow, std::string host, std::uint16_t port, Tick until, Interest also);

private:
    struct Query;

    void serve();

    std::mutex mutex_;
    std::condition_variable has_work_;
    std::deque<std::shared_ptr<Query>> queue_;
    bool is_stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace headgate::proxy
