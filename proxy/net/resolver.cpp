#include "proxy/net/resolver.h"

#include <netdb.h>

#include <atomic>
#include <cstring>

namespace headgate::proxy {
namespace {

constexpr std::size_t kMaxQueue = 1024;

std::vector<SocketAddress> look_up(const std::string& host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo* found = nullptr;
    std::vector<SocketAddress> addresses;
    if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
        return addresses;
    }
    for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
        if (entry->ai_addrlen <= sizeof(sockaddr_storage)) {
            SocketAddress& address = addresses.emplace_back();
            std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
            address.size = entry->ai_addrlen;
        }
    }
    ::freeaddrinfo(found);
    return addresses;
}

}  // namespace

/// Shared by the flow that waits and the thread that works. `flow` belongs to the reactor's thread
/// and is null once nobody waits; `addresses` is handed over by the post.
struct Resolver::Query {
    std::string host;
    std::uint16_t port = 0;
    Reactor* reactor = nullptr;
    Flow* flow = nullptr;
    std::vector<SocketAddress> addresses;
    bool is_done = false;
    std::atomic<bool> is_abandoned = false;
};

Resolver::Resolver(std::size_t threads) {
    for (std::size_t i = 0; i < threads; ++i) {
        threads_.emplace_back([this] { serve(); });
    }
}

Resolver::~Resolver() {
    stop();
}

void Resolver::stop() {
    {
        const std::scoped_lock lock{mutex_};
        is_stopping_ = true;
        queue_.clear();
    }
    has_work_.notify_all();
    for (std::thread& thread : threads_) {
        thread.join();
    }
    threads_.clear();
}

void Resolver::serve() {
    for (;;) {
        std::shared_ptr<Query> query;
        {
            std::unique_lock lock{mutex_};
            has_work_.wait(lock, [this] { return is_stopping_ || !queue_.empty(); });
            if (is_stopping_) {
                return;
            }
            query = std::move(queue_.front());
            queue_.pop_front();
        }
        if (query->is_abandoned) {
            continue;
        }
        auto addresses = look_up(query->host, query->port);
        Reactor& reactor = *query->reactor;
        reactor.post([query = std::move(query), addresses = std::move(addresses)]() mutable {
            query->addresses = std::move(addresses);
            query->is_done = true;
            if (query->flow != nullptr) {
                query->flow->wake();
            }
        });
    }
}

Task<std::vector<SocketAddress>> Resolver::resolve(
    Flow& flow, std::string host, std::uint16_t port, Tick until, Interest also) {
    SocketAddress literal;
    if (parse_address(host, port, literal)) {
        co_return std::vector{literal};
    }
    auto query = std::make_shared<Query>();
    query->host = std::move(host);
    query->port = port;
    query->reactor = &flow.reactor();
    query->flow = &flow;
    {
        const std::scoped_lock lock{mutex_};
        if (queue_.size() >= kMaxQueue || is_stopping_) {
            co_return std::vector<SocketAddress>{};
        }
        queue_.push_back(query);
    }
    has_work_.notify_one();
    co_await flow.wait(also, until);  // or the post's wake
    query->flow = nullptr;
    query->is_abandoned = true;
    co_return query->is_done ? std::move(query->addresses) : std::vector<SocketAddress>{};
}

}  // namespace headgate::proxy
