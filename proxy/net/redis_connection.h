#pragma once

#include "policy/config/snapshot.h"
#include "policy/store/redis/resp.h"
#include "proxy/net/resolver.h"
#include "proxy/net/socket.h"
#include "proxy/net/task.h"
#include "proxy/net/tls.h"
#include "proxy/net/upstream.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace headgate::proxy {

/// Why a Redis did not do what it was asked.
struct RedisFailure {
    enum class Kind : std::uint8_t {
        refused,    // no connection, no TLS, or the server takes no commands now (it loads, …)
        timeout,    // nothing within the deadline
        broken,     // the connection ended, or the flow was cancelled
        auth,       // the server does not take the credential
        malformed,  // what came is no reply to what was asked
    };

    Kind kind = Kind::broken;
    std::string problem;  // for the operator's log: one line, never a credential
};

template <class T>
using RedisResult = std::expected<T, RedisFailure>;

/// What a server said, fit for a log: one line of printable characters, at most 200.
std::string printable(std::string_view text);

/// One connection of one worker to one Redis: TCP (the address checked as every outgoing one;
/// private and loopback ones are allowed, since the policy names the store), TLS on it where the
/// address says so (`trust`, the host's name is checked), or a unix socket.
///
/// One command at a time. A command that fails in whatever way closes the connection, because a
/// late reply would be taken for the next command's. Not thread-safe; must not outlive its reactor.
class RedisConnection {
public:
    RedisConnection(Reactor& reactor,
                    Resolver& resolver,
                    policy::RedisAddress address,
                    std::shared_ptr<const TlsTrust> trust);

    /// Connects anew and shakes hands: AUTH, SELECT and CLIENT SETNAME as the address asks, then a
    /// PING, so that a server that takes no commands counts as away. The part up to the first byte
    /// is precise to two Reactor ticks, the rest to a millisecond.
    Task<RedisResult<void>> open(Flow& flow, std::chrono::milliseconds deadline);

    /// Sends `bytes`, one command (resp_command), and gives its reply, which may be an error of
    /// Redis. `deadline` is precise to a millisecond. `bytes` may go once this has suspended.
    Task<RedisResult<policy::RespValue>> call(std::string_view bytes,
                                              Flow& flow,
                                              std::chrono::milliseconds deadline);

    /// False also where the server has closed the connection meanwhile, or has sent what nobody
    /// asked for.
    bool is_open() { return socket_ != nullptr && socket_->is_quiet(); }
    void close() { socket_.reset(); }

    /// Ready when is_open() may have changed.
    Interest news() const { return {socket_.get(), static_cast<std::uint8_t>(kReadable | kGone)}; }
    const policy::RedisAddress& address() const { return address_; }

private:
    using Time = std::chrono::steady_clock::time_point;
    using Connected = std::expected<std::unique_ptr<Socket>, RedisFailure>;

    Task<Connected> connect(Flow& flow, std::chrono::milliseconds deadline);
    Connected connect_unix();
    Task<RedisResult<void>> greet(Flow& flow, Time until);
    Task<RedisResult<policy::RespValue>> ask(std::string_view bytes, Flow& flow, Time until);
    Task<RedisResult<policy::RespValue>> receive(Flow& flow, Time until);
    RedisResult<void> read_more();

    Reactor& reactor_;
    policy::RedisAddress address_;
    std::shared_ptr<Upstream> tcp_;  // null: a unix socket, or TLS without a trust
    std::unique_ptr<Socket> socket_;
    std::unique_ptr<policy::RespReader> reader_;
    SendQueue queue_;
    std::array<char, std::size_t{16} << 10> buffer_{};
};

}  // namespace headgate::proxy
