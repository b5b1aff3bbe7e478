#include "proxy/admin/admin_server.h"

#include "providers/contract/api_error.h"
#include "proxy/net/listener.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <chrono>
#include <thread>

namespace headgate::proxy {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

using Executor = asio::io_context::executor_type;
using Protocol = asio::generic::stream_protocol;
using Stream = beast::basic_stream<Protocol, Executor>;
using Acceptor = asio::basic_socket_acceptor<Protocol, Executor>;
using Request = http::request<http::string_body>;
using Answer = http::response<http::string_body>;
template <class T>
using AsioTask = asio::awaitable<T, Executor>;
constexpr auto kTuple = asio::as_tuple(asio::deferred);

constexpr std::chrono::seconds kTimeout{10};
constexpr std::size_t kMaxBody = std::size_t{64} << 10;

Answer make_answer(const Request& request,
                   http::status status,
                   std::string_view type,
                   std::string body) {
    Answer answer{status, request.version()};
    answer.set(http::field::content_type, beast::string_view{type.data(), type.size()});
    answer.set(http::field::cache_control, "no-store");
    answer.keep_alive(request.keep_alive());
    answer.body() = std::move(body);
    answer.prepare_payload();
    return answer;
}

Answer make_error(const Request& request, providers::ErrorCode code, std::string message) {
    return make_answer(request,
                       http::int_to_status(static_cast<unsigned>(providers::traits(code).status)),
                       "application/json", providers::to_json({code, std::move(message), {}, {}}));
}

Answer answer_readiness(const Request& request, const AdminSources& sources) {
    const bool is_ready = !sources.is_draining();
    std::string body = R"({"ready":)";
    body += is_ready ? R"(true,"warnings":[],"reasons":[])"
                     : R"(false,"warnings":[],"reasons":["draining"])";
    body += R"(,"generation":)" + std::to_string(sources.generation) + "}";
    return make_answer(request, is_ready ? http::status::ok : http::status::service_unavailable,
                       "application/json", std::move(body));
}

Answer answer(const Request& request, const AdminSources& sources) {
    const std::string_view target{request.target().data(), request.target().size()};
    const std::string_view path = target.substr(0, target.find('?'));
    const bool is_known = path == "/healthz" || path == "/readyz" || path == "/metrics";
    if (!is_known) {
        // Without an admin key in the policy nothing else answers, and it does not tell what
        // exists.
        return make_error(request, providers::ErrorCode::invalid_api_key,
                          "This path needs an admin key, and the policy has none.");
    }
    if (request.method() != http::verb::get) {
        Answer refused =
            make_error(request, providers::ErrorCode::method_not_allowed, "This path takes GET.");
        refused.set(http::field::allow, "GET");
        return refused;
    }
    if (path == "/healthz") {
        return make_answer(request, http::status::ok, "application/json", R"({"status":"ok"})");
    }
    if (path == "/readyz") {
        return answer_readiness(request, sources);
    }
    return make_answer(request, http::status::ok, "text/plain; version=0.0.4; charset=utf-8",
                       sources.metrics());
}

AsioTask<void> serve(Stream stream, const AdminSources& sources) {
    beast::flat_buffer buffer{std::size_t{128} << 10};
    for (;;) {
        http::request_parser<http::string_body> parser;
        parser.body_limit(kMaxBody);
        stream.expires_after(kTimeout);
        auto [read_error, size] = co_await http::async_read(stream, buffer, parser, kTuple);
        if (read_error) {
            break;
        }
        Answer reply = answer(parser.get(), sources);
        stream.expires_after(kTimeout);
        auto [write_error, sent] = co_await http::async_write(stream, reply, kTuple);
        if (write_error || !reply.keep_alive()) {
            break;
        }
    }
    beast::error_code ignored;
    stream.socket().shutdown(Protocol::socket::shutdown_send, ignored);
}

AsioTask<void> accept(Acceptor& acceptor, const AdminSources& sources) {
    for (;;) {
        auto [error, socket] = co_await acceptor.async_accept(kTuple);
        if (error == asio::error::operation_aborted) {
            co_return;
        }
        if (!error) {
            asio::co_spawn(acceptor.get_executor(), serve(Stream{std::move(socket)}, sources),
                           asio::detached);
            continue;
        }
        // Out of descriptors: a moment later some may be free.
        asio::basic_waitable_timer<std::chrono::steady_clock,
                                   asio::wait_traits<std::chrono::steady_clock>, Executor>
            pause{acceptor.get_executor(), std::chrono::milliseconds{100}};
        co_await pause.async_wait(kTuple);
    }
}

}  // namespace

struct AdminServer::Impl {
    Impl(AdminSources from, std::string bound, int fd, int family)
        : sources{std::move(from)}, name{std::move(bound)}, acceptor{context.get_executor()} {
        acceptor.assign(Protocol{family, SOCK_STREAM}, fd);
    }

    AdminSources sources;
    std::string name;
    asio::io_context context{1};
    Acceptor acceptor;
    std::thread thread;
};

std::expected<std::unique_ptr<AdminServer>, std::string> AdminServer::start(
    const policy::ListenAddress& address, AdminSources sources) {
    auto bound = bind_address(address, 1);
    if (!bound) {
        return std::unexpected{bound.error()};
    }
    sockaddr_storage local{};
    socklen_t size = sizeof local;
    ::getsockname(bound->fds.front(), reinterpret_cast<sockaddr*>(&local), &size);
    auto impl = std::make_unique<Impl>(std::move(sources), bound->name, bound->fds.front(),
                                       local.ss_family);
    asio::co_spawn(impl->context, accept(impl->acceptor, impl->sources), asio::detached);
    impl->thread = std::thread{[context = &impl->context] { context->run(); }};
    return std::unique_ptr<AdminServer>{new AdminServer{std::move(impl)}};
}

AdminServer::AdminServer(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}

AdminServer::~AdminServer() {
    impl_->context.stop();
    impl_->thread.join();
}

const std::string& AdminServer::address() const {
    return impl_->name;
}

}  // namespace headgate::proxy
