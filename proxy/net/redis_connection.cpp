#include "proxy/net/redis_connection.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace headgate::proxy {
namespace {

using Kind = RedisFailure::Kind;
using policy::RespValue;

constexpr std::size_t kMaxProblem = 200;

std::unexpected<RedisFailure> failure(Kind kind, std::string problem) {
    return std::unexpected{RedisFailure{kind, std::move(problem)}};
}

Kind kind_of(ConnectFailure::Kind kind) {
    switch (kind) {
        case ConnectFailure::Kind::timeout:
            return Kind::timeout;
        case ConnectFailure::Kind::interrupted:
            return Kind::broken;
        default:
            return Kind::refused;
    }
}

/// The commands of a handshake, in their order.
enum class Step : std::uint8_t { auth, select, name, ping };

void append_command(std::string& bytes, std::initializer_list<std::string_view> words) {
    bytes += policy::resp_command({words.begin(), words.size()});
}

std::vector<Step> greeting(const policy::RedisAddress& address, std::string& bytes) {
    std::vector<Step> steps;
    if (!address.user.empty()) {
        steps.push_back(Step::auth);
        append_command(bytes, {"AUTH", address.user, address.password.reveal()});
    } else if (!address.password.empty()) {
        steps.push_back(Step::auth);
        append_command(bytes, {"AUTH", address.password.reveal()});
    }
    if (address.database != 0) {
        steps.push_back(Step::select);
        append_command(bytes, {"SELECT", std::to_string(address.database)});
    }
    steps.push_back(Step::name);
    append_command(bytes, {"CLIENT", "SETNAME", "headgate"});
    steps.push_back(Step::ping);
    append_command(bytes, {"PING"});
    return steps;
}

/// The server's own words are never told of AUTH: they could repeat the credential.
std::optional<RedisFailure> objection_to_auth(const RespValue& reply) {
    if (reply.is_error("WRONGPASS")) {
        return RedisFailure{Kind::auth, "wrong user or password (WRONGPASS)"};
    }
    if (reply.is_error("DENIED")) {
        return RedisFailure{Kind::refused, "protected mode: no connections from here (DENIED)"};
    }
    return RedisFailure{Kind::auth, "the server does not take the user or password"};
}

/// Why the handshake ends here; nullopt: it goes on.
std::optional<RedisFailure> objection(Step step,
                                      const RespValue& reply,
                                      const policy::RedisAddress& address) {
    if (reply.kind == RespValue::Kind::text) {
        return std::nullopt;
    }
    if (reply.kind != RespValue::Kind::error) {
        return RedisFailure{Kind::malformed, "the handshake was answered by no Redis"};
    }
    if (step == Step::auth) {
        return objection_to_auth(reply);
    }
    if (reply.is_error("NOAUTH")) {
        return RedisFailure{Kind::auth, "the server asks for a password (NOAUTH)"};
    }
    // An ACL may forbid these two; the connection works without them.
    if (reply.is_error("NOPERM") && step != Step::select) {
        return std::nullopt;
    }
    if (step == Step::select) {
        return RedisFailure{Kind::refused,
                            "no database " + std::to_string(address.database) + " there"};
    }
    if (step == Step::name && !reply.is_error("DENIED")) {
        return std::nullopt;  // older than the command
    }
    const std::string_view secret = address.password.reveal();
    const bool repeats_it = !secret.empty() && reply.text.find(secret) != std::string::npos;
    return RedisFailure{Kind::refused,
                        repeats_it ? "the server takes no commands" : printable(reply.text)};
}

}  // namespace

std::string printable(std::string_view text) {
    std::string line{text.substr(0, kMaxProblem)};
    std::ranges::replace_if(line, [](char c) { return c < ' ' || c > '~'; }, '?');
    return line;
}

RedisConnection::RedisConnection(Reactor& reactor,
                                 Resolver& resolver,
                                 policy::RedisAddress address,
                                 std::shared_ptr<const TlsTrust> trust)
    : reactor_{reactor}, address_{std::move(address)} {
    if (address_.host.empty() || (address_.is_tls && trust == nullptr)) {
        return;
    }
    UpstreamSettings settings;
    settings.host = address_.host;
    settings.port = address_.port;
    settings.egress = {.allow_private = true};
    if (address_.is_tls) {
        settings.tls = std::make_unique<ClientTls>(std::move(trust));
    }
    tcp_ = std::make_shared<Upstream>(reactor, resolver, std::move(settings));
}

Task<RedisResult<void>> RedisConnection::open(Flow& flow, std::chrono::milliseconds deadline) {
    close();
    const Time until = std::chrono::steady_clock::now() + deadline;
    Connected connected = co_await connect(flow, deadline);
    if (!connected) {
        co_return std::unexpected{std::move(connected.error())};
    }
    socket_ = std::move(*connected);
    socket_->attach(&flow);
    reader_ = std::make_unique<policy::RespReader>();
    queue_ = {};
    RedisResult<void> greeted = co_await greet(flow, until);
    if (!greeted) {
        close();
    }
    co_return greeted;
}

Task<RedisConnection::Connected> RedisConnection::connect(Flow& flow,
                                                          std::chrono::milliseconds deadline) {
    if (address_.host.empty()) {
        co_return connect_unix();
    }
    if (!tcp_) {
        co_return failure(Kind::refused, "TLS: no certificate authorities to trust");
    }
    auto connected = co_await tcp_->connect(flow, reactor_.tick_after(deadline), {});
    if (!connected) {
        co_return failure(kind_of(connected.error().kind), std::move(connected.error().problem));
    }
    co_return std::move(*connected);
}

/// A unix socket connects at once or not at all.
RedisConnection::Connected RedisConnection::connect_unix() {
    sockaddr_un address{};
    if (address_.unix_path.empty() || address_.unix_path.size() >= sizeof address.sun_path) {
        return failure(Kind::refused, "connect: no usable path of a unix socket");
    }
    address.sun_family = AF_UNIX;
    std::ranges::copy(address_.unix_path, address.sun_path);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return failure(Kind::refused, "connect: " + std::generic_category().message(errno));
    }
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        const int error = errno;
        ::close(fd);
        return failure(Kind::refused, "connect: " + std::generic_category().message(error));
    }
    return std::make_unique<Socket>(reactor_, fd);
}

Task<RedisResult<void>> RedisConnection::greet(Flow& flow, Time until) {
    std::string bytes;
    const std::vector<Step> steps = greeting(address_, bytes);
    const std::string_view piece = bytes;
    if (!queue_.send(*socket_, {&piece, 1})) {
        co_return failure(Kind::broken, "the connection ended");
    }
    for (const Step step : steps) {
        RedisResult<RespValue> reply = co_await receive(flow, until);
        if (!reply) {
            co_return std::unexpected{std::move(reply.error())};
        }
        if (std::optional<RedisFailure> problem = objection(step, *reply, address_)) {
            co_return std::unexpected{std::move(*problem)};
        }
    }
    co_return RedisResult<void>{};
}

Task<RedisResult<RespValue>> RedisConnection::call(std::string_view bytes,
                                                   Flow& flow,
                                                   std::chrono::milliseconds deadline) {
    const Time until = std::chrono::steady_clock::now() + deadline;
    RedisResult<RespValue> reply = co_await ask(bytes, flow, until);
    if (!reply) {
        close();
    }
    co_return reply;
}

Task<RedisResult<RespValue>> RedisConnection::ask(std::string_view bytes, Flow& flow, Time until) {
    if (!socket_) {
        co_return failure(Kind::broken, "not connected");
    }
    if (reader_->next()) {
        co_return failure(Kind::malformed, "a reply to nothing that was asked");
    }
    socket_->attach(&flow);
    if (!queue_.send(*socket_, {&bytes, 1})) {
        co_return failure(Kind::broken, "the connection ended");
    }
    co_return co_await receive(flow, until);
}

Task<RedisResult<RespValue>> RedisConnection::receive(Flow& flow, Time until) {
    for (;;) {
        if (std::optional<RespValue> reply = reader_->next()) {
            co_return std::move(*reply);
        }
        if (reader_->is_broken()) {
            co_return failure(Kind::malformed, "what the server sent is no Redis reply");
        }
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        if (left.count() <= 0) {
            co_return failure(Kind::timeout, "no reply in time");
        }
        if (!socket_->is_ready(kReadable)) {
            const std::uint8_t bits = queue_.empty() ? kReadable : kReadable | kWritable;
            if (co_await flow.sleep(left, {socket_.get(), bits}) == Wake::stopped) {
                co_return failure(Kind::broken, "given up");
            }
        }
        if (RedisResult<void> read = read_more(); !read) {
            co_return std::unexpected{std::move(read.error())};
        }
    }
}

/// Moves what goes without waiting, both ways.
RedisResult<void> RedisConnection::read_more() {
    if (!queue_.flush(*socket_)) {
        return failure(Kind::broken, "the connection ended");
    }
    if (!socket_->is_ready(kReadable)) {
        return {};
    }
    const IoResult got = socket_->read_some(buffer_.data(), buffer_.size());
    if (got.status == IoStatus::done) {
        reader_->feed({buffer_.data(), got.bytes});
    } else if (got.status != IoStatus::would_block) {
        return failure(Kind::broken, "the connection ended");
    }
    return {};
}

}  // namespace headgate::proxy
