#pragma once

#include "proxy/net/egress.h"
#include "proxy/net/resolver.h"
#include "proxy/net/socket.h"
#include "proxy/net/task.h"
#include "proxy/net/tls.h"

#include <cstddef>
#include <cstdint>
#include <deque>
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
    std::size_t max_connections = 65'536;
    /// Opens a connection inside this process instead (the built-in simulator): gives a descriptor.
    std::function<int()> open_internal;
};

/// Why no connection came. `saturated`: max_connections were in use until the deadline, which says
/// nothing about the provider.
struct ConnectFailure {
    enum class Kind : std::uint8_t { refused, timeout, saturated, interrupted };

    Kind kind = Kind::refused;
    std::string problem;  // for the operator's log, never for a client
};

/// The connections to one provider of one worker: opens them, and keeps those that wait. Lives in a
/// shared_ptr: a policy that leaves the provider as it is takes it over.
/// Not thread-safe: a worker has its own.
class Upstream : public std::enable_shared_from_this<Upstream> {
public:
    static constexpr std::size_t kMaxIdle = 1024;
    /// Shorter than what providers and load balancers keep (60 s and more).
    static constexpr std::chrono::seconds kIdleTime{55};

    Upstream(Reactor& reactor, Resolver& resolver, UpstreamSettings settings);

    /// False: max_connections are in use, and one has to wait_for_room().
    bool has_room() const { return waiting_.empty() && has_place(); }
    /// Waits, first come first served, until there is room; then take_idle() or connect() without a
    /// suspension in between.
    Task<std::expected<void, ConnectFailure>> wait_for_room(Flow& flow, Tick until, Interest also);

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
    std::size_t open() const { return open_.count; }

private:
    struct Idle {
        std::unique_ptr<Socket> socket;
        Tick until = 0;
    };
    using Connected = std::expected<std::unique_ptr<Socket>, ConnectFailure>;

    bool has_place() const { return !idle_.empty() || open_.count < settings_.max_connections; }
    void wake_waiting();
    Task<Connected> connect_to_addresses(Flow& flow, Tick until, Interest also);
    Task<Connected> try_address(Flow& flow,
                                const SocketAddress& address,
                                Tick until,
                                Interest also);
    Task<Connected> secure(Flow& flow, std::unique_ptr<Socket> socket, Tick until, Interest also);

    Reactor& reactor_;
    Resolver& resolver_;
    UpstreamSettings settings_;
    SocketTally open_;
    std::deque<Flow*> waiting_;  // for room
    std::vector<Idle> idle_;
};

}  // namespace headgate::proxy
