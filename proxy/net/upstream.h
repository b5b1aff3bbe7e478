#pragma once

#include "proxy/net/egress.h"
#include "proxy/net/resolver.h"
#include "proxy/net/socket.h"
#include "proxy/net/task.h"
#include "proxy/net/tls.h"

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace headgate::proxy {

/// Where the connections of one provider lead.
struct UpstreamSettings {
    std::string host;
    std::uint16_t port = 0;
    EgressRule egress;
    std::unique_ptr<ClientTls> tls;  // null: plain
    /// Opens a connection inside this process instead (the built-in simulator): gives a descriptor.
    std::function<int()> open_internal;
};

/// Why no connection came.
struct ConnectFailure {
    enum class Kind : std::uint8_t { refused, timeout, interrupted };

    Kind kind = Kind::refused;
    std::string problem;  // for the operator's log, never for a client
};

/// The connections to one provider of one worker: opens them, and keeps those that wait.
/// Not thread-safe: a worker has its own.
class Upstream {
public:
    static constexpr std::size_t kMaxIdle = 1024;
    /// Shorter than what providers and load balancers keep (60 s and more).
    static constexpr std::chrono::seconds kIdleTime{55};

    Upstream(Reactor& reactor, Resolver& resolver, UpstreamSettings settings);

    /// A connection that waits and shows no sign of an end, the youngest first; or null.
    std::unique_ptr<Socket> take_idle();

    /// A new connection, TLS included: all addresses are tried until `until`. Ends early with
    /// `interrupted` when `also` becomes ready or the flow is cancelled.
    Task<std::expected<std::unique_ptr<Socket>, ConnectFailure>> connect(Flow& flow,
                                                                         Tick until,
                                                                         Interest also);

    /// Keeps a connection whose last answer was read whole.
    void give_back(std::unique_ptr<Socket> socket);
    /// Closes what has waited too long or was closed by the provider. Once a tick.
    void sweep();
    void close_idle() { idle_.clear(); }

    /// Connections that are open now, in use or waiting.
    std::size_t open() const { return open_; }

private:
    struct Idle {
        std::unique_ptr<Socket> socket;
        Tick until = 0;
    };
    using Connected = std::expected<std::unique_ptr<Socket>, ConnectFailure>;

    Task<Connected> try_address(Flow& flow,
                                const SocketAddress& address,
                                Tick until,
                                Interest also);
    Task<Connected> secure(Flow& flow, std::unique_ptr<Socket> socket, Tick until, Interest also);

    Reactor& reactor_;
    Resolver& resolver_;
    UpstreamSettings settings_;
    std::size_t open_ = 0;
    std::vector<Idle> idle_;
};

}  // namespace headgate::proxy
