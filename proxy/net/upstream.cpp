#include "proxy/net/upstream.h"

#include <sys/socket.h>

#include <system_error>

namespace headgate::proxy {
namespace {

using Kind = ConnectFailure::Kind;

std::unexpected<ConnectFailure> failure(Kind kind, std::string problem) {
    return std::unexpected{ConnectFailure{kind, std::move(problem)}};
}

/// What a wait that did not bring readiness means.
std::unexpected<ConnectFailure> failure_of(Wake wake) {
    return wake == Wake::deadline ? failure(Kind::timeout, "connect timed out")
                                  : failure(Kind::interrupted, "given up");
}

bool is_ready(Interest interest) {
    return interest.socket != nullptr && interest.socket->is_ready(interest.bits);
}

}  // namespace

Upstream::Upstream(Reactor& reactor, Resolver& resolver, UpstreamSettings settings)
    : reactor_{reactor}, resolver_{resolver}, settings_{std::move(settings)} {
    open_.on_close = [this] { wake_waiting(); };
}

/// Posted, because it is called where a connection is being given up: another flow must not run in
/// the middle of that.
void Upstream::wake_waiting() {
    if (waiting_.empty()) {
        return;
    }
    reactor_.post([weak = weak_from_this()] {
        const std::shared_ptr<Upstream> self = weak.lock();
        if (self && !self->waiting_.empty() && self->has_place()) {
            self->waiting_.front()->wake();
        }
    });
}

Task<std::expected<void, ConnectFailure>> Upstream::wait_for_room(Flow& flow,
                                                                  Tick until,
                                                                  Interest also) {
    const std::shared_ptr<Upstream> self = shared_from_this();
    waiting_.push_back(&flow);
    Wake wake = Wake::ready;
    while (wake == Wake::ready && !is_ready(also) && !(waiting_.front() == &flow && has_place())) {
        wake = co_await flow.wait(also, until);
    }
    std::erase(waiting_, &flow);
    wake_waiting();  // there may be room for the next one too
    if (wake == Wake::deadline) {
        co_return failure(Kind::saturated, "all of its max_connections are in use");
    }
    if (wake == Wake::stopped || is_ready(also)) {
        co_return failure(Kind::interrupted, "given up");
    }
    co_return std::expected<void, ConnectFailure>{};
}

std::unique_ptr<Socket> Upstream::take_idle() {
    while (!idle_.empty()) {
        std::unique_ptr<Socket> socket = std::move(idle_.back().socket);
        idle_.pop_back();
        if (socket->is_quiet()) {
            return socket;
        }
    }
    return nullptr;
}

void Upstream::give_back(std::unique_ptr<Socket> socket) {
    socket->attach(nullptr);
    if (idle_.size() < kMaxIdle && socket->is_quiet()) {
        idle_.push_back({std::move(socket), reactor_.tick_after(kIdleTime)});
        wake_waiting();
    }
}

void Upstream::sweep() {
    std::erase_if(idle_, [this](const Idle& idle) {
        return idle.until <= reactor_.tick() || idle.socket->is_ready(kGone) ||
               (idle.socket->is_ready(kReadable) && !idle.socket->is_quiet());
    });
}

Task<Upstream::Connected> Upstream::connect(Flow& flow, Tick until, Interest also) {
    if (settings_.open_internal) {
        const int fd = settings_.open_internal();
        if (fd < 0) {
            co_return failure(Kind::refused, "out of descriptors");
        }
        auto socket = std::make_unique<Socket>(reactor_, fd);
        socket->count_in(open_);
        co_return socket;
    }
    // Holds its place while there is no socket yet that would.
    ++open_.count;
    Connected connected = co_await connect_to_addresses(flow, until, also);
    --open_.count;
    wake_waiting();
    co_return connected;
}

Task<Upstream::Connected> Upstream::connect_to_addresses(Flow& flow, Tick until, Interest also) {
    const std::vector<SocketAddress> addresses =
        co_await resolver_.resolve(flow, settings_.host, settings_.port, until, also);
    if (flow.is_cancelled() || is_ready(also)) {
        co_return failure_of(Wake::stopped);
    }
    if (addresses.empty()) {
        co_return failure(Kind::refused, "no address for " + settings_.host);
    }
    Connected last = failure(Kind::refused, "no address tried");
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        // Each address gets its share of the time that is left.
        const Tick now = reactor_.tick();
        const auto left = static_cast<Tick>(addresses.size() - i);
        const Tick share = until > now ? now + (until - now + left - 1) / left : now;
        last = co_await try_address(flow, addresses[i], share, also);
        if (last || last.error().kind == Kind::interrupted) {
            break;
        }
    }
    co_return last;
}

Task<Upstream::Connected> Upstream::try_address(Flow& flow,
                                                const SocketAddress& address,
                                                Tick until,
                                                Interest also) {
    const auto fd = open_connection(address, settings_.egress);
    if (!fd) {
        co_return failure(Kind::refused, std::string{fd.error()} + ": " + address.host());
    }
    auto socket = std::make_unique<Socket>(reactor_, *fd);
    socket->count_in(open_);
    socket->clear_ready(kWritable);
    socket->attach(&flow);
    while (!socket->is_ready(kWritable)) {
        const Wake wake = co_await flow.wait({socket.get(), kWritable}, also, until);
        if (wake != Wake::ready || is_ready(also)) {
            co_return failure_of(wake);
        }
    }
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket->fd(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
        co_return failure(Kind::refused, "connect: " + std::generic_category().message(error));
    }
    if (!settings_.tls) {
        co_return socket;
    }
    co_return co_await secure(flow, std::move(socket), until, also);
}

Task<Upstream::Connected> Upstream::secure(Flow& flow,
                                           std::unique_ptr<Socket> socket,
                                           Tick until,
                                           Interest also) {
    SSL* ssl = settings_.tls->open(settings_.host);
    if (ssl == nullptr) {
        co_return failure(Kind::refused, "TLS: out of memory");
    }
    socket->use_tls(ssl);
    for (;;) {
        const IoStatus status = socket->handshake();
        if (status == IoStatus::done) {
            co_return socket;
        }
        if (status != IoStatus::would_block) {
            co_return failure(Kind::refused, "TLS: " + handshake_problem(ssl));
        }
        const std::uint8_t bits = socket->is_ready(kWritable) ? kReadable : kWritable;
        const Wake wake = co_await flow.wait({socket.get(), bits}, also, until);
        if (wake != Wake::ready || is_ready(also)) {
            co_return failure_of(wake);
        }
    }
}

}  // namespace headgate::proxy
