#include "proxy/admin/admin_server.h"

#include "proxy/admin/admin_key.h"
#include "proxy/admin/admin_routes.h"
#include "proxy/net/listener.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <arpa/inet.h>

#include <array>
#include <chrono>
#include <cstring>
#include <optional>
#include <thread>
#include <utility>

namespace headgate::proxy {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

using Executor = asio::io_context::executor_type;
using Protocol = asio::generic::stream_protocol;
using Stream = beast::basic_stream<Protocol, Executor>;
using Acceptor = asio::basic_socket_acceptor<Protocol, Executor>;
using Socket = asio::basic_stream_socket<Protocol, Executor>;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>,
                                         Executor>;
using Parser = http::request_parser<http::string_body>;
using Answer = http::response<http::string_body>;
template <class T>
using AsioTask = asio::awaitable<T, Executor>;
constexpr auto kTuple = asio::as_tuple(asio::deferred);

constexpr std::chrono::seconds kTimeout{10};
constexpr std::chrono::milliseconds kPauseWithoutDescriptors{100};
constexpr std::size_t kMaxBody = std::size_t{64} << 10;
constexpr std::uint32_t kMaxHead = std::uint32_t{16} << 10;
constexpr std::size_t kMaxConnections = 256;

/// What the connections share. It belongs to them and the server together: one that waits for a
/// reload may outlive the server. Touched by the admin thread only.
struct Shared {
    AdminSources sources;
    std::weak_ptr<asio::io_context> context;  // weak: the context owns the connections
    policy::KeyHasher hasher;
    WrongKeyDelays delays;
    std::size_t connections = 0;
};

/// A place among kMaxConnections.
class Place {
public:
    explicit Place(std::shared_ptr<Shared> shared) : shared_{std::move(shared)} {
        ++shared_->connections;
    }
    Place(Place&&) = default;
    Place& operator=(Place&&) = delete;
    ~Place() {
        if (shared_) {
            --shared_->connections;
        }
    }

    Shared& shared() const { return *shared_; }

private:
    std::shared_ptr<Shared> shared_;
};

beast::string_view beast_view(std::string_view text) {
    return {text.data(), text.size()};
}

std::string_view std_view(beast::string_view text) {
    return {text.data(), text.size()};
}

std::string peer_of(const Socket& socket) {
    beast::error_code error;
    const auto endpoint = socket.remote_endpoint(error);
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (!error && endpoint.protocol().family() == AF_INET) {
        sockaddr_in address{};
        std::memcpy(&address, endpoint.data(), std::min(sizeof address, endpoint.size()));
        ::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
    } else if (!error && endpoint.protocol().family() == AF_INET6) {
        sockaddr_in6 address{};
        std::memcpy(&address, endpoint.data(), std::min(sizeof address, endpoint.size()));
        ::inet_ntop(AF_INET6, &address.sin6_addr, text.data(), text.size());
    }
    return text.front() == '\0' ? "unix" : text.data();
}

/// Several fields count as one list (RFC 9110 §5.3), which is no valid key.
std::string authorization_of(const Parser::value_type& request) {
    std::string joined;
    const auto [first, last] = request.equal_range(http::field::authorization);
    for (auto field = first; field != last; ++field) {
        joined += (joined.empty() ? "" : ", ") + std::string{std_view(field->value())};
    }
    return joined;
}

/// Reloads without holding up the admin thread. What is called elsewhere holds the context, so
/// that it may come after the server's end; nobody runs what it posts then.
AsioTask<ReloadOutcome> reload(Shared& shared) {
    const auto begin = [](auto handler, Shared* from) {
        from->sources.reload([context = from->context.lock(),
                              handler = std::move(handler)](ReloadOutcome outcome) mutable {
            asio::post(*context,
                       [handler = std::move(handler), outcome = std::move(outcome)]() mutable {
                           std::move(handler)(std::move(outcome));
                       });
        });
    };
    co_return co_await asio::async_initiate<const asio::deferred_t&, void(ReloadOutcome)>(
        begin, asio::deferred, &shared);
}

/// The one place where an exception of a source, which is a bug, ends: as a 500.
AsioTask<AdminAnswer> answer(Shared& shared, const Parser::value_type& request) {
    try {
        const std::string authorization = authorization_of(request);
        auto routed = route({.method = std_view(request.method_string()),
                             .target = std_view(request.target()),
                             .authorization = authorization,
                             .has_body = !request.body().empty(),
                             .now = std::chrono::steady_clock::now()},
                            shared.sources, shared.hasher);
        if (auto* known = std::get_if<AdminAnswer>(&routed)) {
            co_return std::move(*known);
        }
        co_return answer_from(co_await reload(shared));
    } catch (const std::exception& bug) {
        if (shared.sources.log_error) {
            shared.sources.log_error("admin listener: " + std::string{bug.what()});
        }
        co_return answer_from(
            providers::ApiError{.code = providers::ErrorCode::internal_error,
                                .message = "The gateway has made a mistake; its log tells which.",
                                .param = {},
                                .allow = {}});
    }
}

/// What a request deserves that could not be read; nullopt: nothing, the client has gone.
std::optional<AdminAnswer> answer_to(beast::error_code error) {
    using providers::ErrorCode;
    const auto refused = [](ErrorCode code, std::string message) {
        return answer_from(providers::ApiError{
            .code = code, .message = std::move(message), .param = {}, .allow = {}});
    };
    if (error == http::error::body_limit) {
        return refused(ErrorCode::request_too_large, "No path takes a body of that size.");
    }
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
        return refused(ErrorCode::headers_too_large, "The head is too large.");
    }
    const bool is_malformed =
        error.category() == make_error_code(http::error::bad_method).category() &&
        error != http::error::end_of_stream && error != http::error::partial_message;
    if (is_malformed) {
        return refused(ErrorCode::invalid_request, "The request is no well-formed HTTP/1.1.");
    }
    return std::nullopt;
}

Answer message_from(AdminAnswer answer, unsigned version, bool keep_alive) {
    Answer message{http::int_to_status(static_cast<unsigned>(answer.status)), version};
    message.set(http::field::content_type, beast_view(answer.content_type));
    message.set(http::field::cache_control, "no-store");
    if (!answer.allow.empty()) {
        message.set(http::field::allow, beast_view(answer.allow));
    }
    message.keep_alive(keep_alive);
    message.body() = std::move(answer.body);
    message.prepare_payload();
    return message;
}

/// One request and its answer; false: the connection is at its end.
AsioTask<bool> exchange(Stream& stream, beast::flat_buffer& buffer, Shared& shared) {
    Parser parser;
    parser.body_limit(kMaxBody);
    parser.header_limit(kMaxHead);
    stream.expires_after(kTimeout);
    auto [read_error, size] = co_await http::async_read(stream, buffer, parser, kTuple);
    std::optional<AdminAnswer> reply = answer_to(read_error);
    if (read_error && !reply) {
        co_return false;
    }
    if (!reply) {
        reply = co_await answer(shared, parser.get());
    }
    if (reply->is_wrong_key) {
        const auto now = std::chrono::steady_clock::now();
        Timer pause{stream.get_executor(), shared.delays.next(peer_of(stream.socket()), now)};
        co_await pause.async_wait(kTuple);
    }
    Answer message = message_from(std::move(*reply), read_error ? 11 : parser.get().version(),
                                  !read_error && parser.get().keep_alive());
    stream.expires_after(kTimeout);
    auto [write_error, sent] = co_await http::async_write(stream, message, kTuple);
    co_return !write_error && message.keep_alive();
}

AsioTask<void> serve(Stream stream, Place place) {
    beast::flat_buffer buffer{std::size_t{128} << 10};
    while (co_await exchange(stream, buffer, place.shared())) {
    }
    beast::error_code ignored;  // the client may have closed it already
    stream.socket().shutdown(Protocol::socket::shutdown_send, ignored);
}

AsioTask<void> accept(Acceptor& acceptor, std::shared_ptr<Shared> shared) {
    for (;;) {
        auto [error, socket] = co_await acceptor.async_accept(kTuple);
        if (error == asio::error::operation_aborted) {
            co_return;
        }
        if (!error && shared->connections < kMaxConnections) {
            asio::co_spawn(acceptor.get_executor(), serve(Stream{std::move(socket)}, Place{shared}),
                           asio::detached);
        } else if (error) {
            // Out of descriptors: a moment later some may be free.
            Timer pause{acceptor.get_executor(), kPauseWithoutDescriptors};
            co_await pause.async_wait(kTuple);
        }
    }
}

}  // namespace

struct AdminServer::Impl {
    Impl(AdminSources sources, std::string bound, int fd, int family)
        : name{std::move(bound)},
          shared{std::make_shared<Shared>(std::move(sources), context)},
          acceptor{context->get_executor()} {
        acceptor.assign(Protocol{family, SOCK_STREAM}, fd);
    }

    std::string name;
    std::shared_ptr<asio::io_context> context = std::make_shared<asio::io_context>(1);
    std::shared_ptr<Shared> shared;
    Acceptor acceptor;
    std::thread thread;
};

std::expected<std::unique_ptr<AdminServer>, std::string> AdminServer::start(
    const policy::ListenAddress& address, AdminSources sources) {
    auto bound = bind_address(address, 1, Sharing::alone);
    if (!bound) {
        return std::unexpected{bound.error()};
    }
    sockaddr_storage local{};
    socklen_t size = sizeof local;
    ::getsockname(bound->fds.front(), reinterpret_cast<sockaddr*>(&local), &size);
    auto impl = std::make_unique<Impl>(std::move(sources), bound->name, bound->fds.front(),
                                       local.ss_family);
    asio::co_spawn(*impl->context, accept(impl->acceptor, impl->shared), asio::detached);
    impl->thread = std::thread{[context = impl->context.get()] { context->run(); }};
    return std::unique_ptr<AdminServer>{new AdminServer{std::move(impl)}};
}

AdminServer::AdminServer(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}

AdminServer::~AdminServer() {
    impl_->context->stop();
    impl_->thread.join();
}

const std::string& AdminServer::address() const {
    return impl_->name;
}

}  // namespace headgate::proxy
