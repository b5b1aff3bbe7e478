#pragma once

#include "proxy/net/reactor.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

using SSL = struct ssl_st;

namespace headgate::proxy {

enum class IoStatus : std::uint8_t { done, would_block, closed, failed };

struct IoResult {
    IoStatus status = IoStatus::done;
    std::size_t bytes = 0;
};

/// How many sockets of a kind there are, and who wants to know when one goes.
struct SocketTally {
    std::size_t count = 0;
    std::function<void()> on_close;  // from a destructor: it must not resume a flow
};

/// A non-blocking stream socket, connected or listening, of one reactor, plain or with TLS on it.
/// Owns the descriptor. Never blocks; the calls tell `would_block` and the flow waits.
class Socket {
public:
    /// Takes over `fd`, which is non-blocking, and registers it.
    Socket(Reactor& reactor, int fd);
    ~Socket();
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    int fd() const { return fd_; }

    /// The flow that events wake; null while the connection lies in a pool.
    void attach(Flow* flow) { flow_ = flow; }
    bool is_ready(std::uint8_t bits) const { return (ready_ & bits) != 0; }
    /// Counts this connection in `tally` as long as it lives; `tally` must outlive it.
    void count_in(SocketTally& tally) {
        tally_ = &tally;
        ++tally.count;
    }
    /// True where an idle connection has neither bytes nor an end to tell: it may be used again.
    bool is_quiet();

    /// Puts TLS on the connection; the handshake is driven by handshake().
    void use_tls(SSL* ssl);
    SSL* tls() const { return ssl_; }
    /// `done`, `would_block` (wait for readable or writable) or `failed`.
    IoStatus handshake();

    IoResult read_some(char* to, std::size_t room);
    /// Sends the pieces in one call as far as the socket takes them.
    IoResult write_some(std::span<const std::string_view> pieces);
    /// Forgets that the socket was readable: the next wait needs a new event.
    void clear_ready(std::uint8_t bits) { ready_ &= static_cast<std::uint8_t>(~bits); }

private:
    friend class Reactor;
    friend class Flow;

    void on_events(std::uint32_t events);
    IoResult tls_read(char* to, std::size_t room);
    IoResult tls_write(std::span<const std::string_view> pieces);
    IoResult tls_failure(int result);

    Reactor& reactor_;
    int fd_;
    std::uint8_t ready_ = kWritable;
    std::uint8_t interest_ = kNothing;
    std::uint64_t key_ = 0;
    Flow* flow_ = nullptr;
    SSL* ssl_ = nullptr;
    SocketTally* tally_ = nullptr;
};

/// What a socket did not take at once. The rest is copied: senders may use worker scratch.
class SendQueue {
public:
    /// Sends now what goes, keeps the rest. False when the connection is broken.
    bool send(Socket& socket, std::span<const std::string_view> pieces);
    /// Tries again. False when the connection is broken.
    bool flush(Socket& socket);
    bool empty() const { return at_ == rest_.size(); }
    std::size_t size() const { return rest_.size() - at_; }
    std::uint64_t bytes_sent() const { return sent_; }

private:
    std::string rest_;
    std::size_t at_ = 0;
    std::uint64_t sent_ = 0;
};

}  // namespace headgate::proxy
