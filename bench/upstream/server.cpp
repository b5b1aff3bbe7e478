#include "bench/upstream/server.h"

#include "bench/wire/sockets.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <system_error>

namespace headgate::bench {
namespace {

constexpr std::size_t kInput = 64 * 1024;
constexpr std::size_t kMostHeld = std::size_t{1} << 20;  // a connection, either direction
constexpr std::size_t kMostIdleBody = 16 * 1024;         // kept for the next request
constexpr std::size_t kMostEvents = 512;

}  // namespace

UpstreamServer::UpstreamServer(const UpstreamSettings& settings)
    : settings_(settings),
      answers_(make_answers(settings.words)),
      epoll_(make_epoll()),
      listener_(listen_on(settings.listen)),
      input_(kInput) {
    watch(epoll_, EPOLL_CTL_ADD, listener_.number(), EPOLLIN,
          static_cast<unsigned long>(listener_.number()));
}

std::uint16_t UpstreamServer::port() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    if (::getsockname(listener_.number(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        throw std::system_error(errno, std::generic_category(), "getsockname");
    }
    return ntohs(address.sin_port);
}

void UpstreamServer::run() {
    for (;;) {
        run_once(std::chrono::seconds(1));
    }
}

void UpstreamServer::run_once(std::chrono::microseconds most) {
    std::array<epoll_event, kMostEvents> events{};
    const timespec wait{0, static_cast<long>(until_due(most).count())};
    // Milliseconds would be too coarse for the pace of a thousand streams.
    const int count = ::epoll_pwait2(epoll_.number(), events.data(), kMostEvents, &wait, nullptr);
    if (count < 0 && errno != EINTR) {
        throw std::system_error(errno, std::generic_category(), "epoll_pwait2");
    }
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        const auto fd = static_cast<std::size_t>(event.data.u64);
        if (fd == static_cast<std::size_t>(listener_.number())) {
            accept_all();
            continue;
        }
        Connection& connection = connections_[fd];
        if ((event.events & EPOLLOUT) != 0) {
            send_unsent(connection);
        }
        if ((event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && connection.socket.is_open()) {
            receive(connection);
        }
    }
    serve_due();
}

/// Always below a second, as timespec's nanoseconds want.
std::chrono::nanoseconds UpstreamServer::until_due(std::chrono::microseconds most) const {
    constexpr std::chrono::nanoseconds kLongest{999'999'999};
    std::chrono::nanoseconds wait = std::min<std::chrono::nanoseconds>(most, kLongest);
    const Clock::time_point now = Clock::now();
    for (const std::deque<Due>* queue : {&delayed_, &paced_}) {
        if (!queue->empty()) {
            wait = std::min<std::chrono::nanoseconds>(wait, queue->front().at - now);
        }
    }
    return std::max(wait, std::chrono::nanoseconds(0));
}

void UpstreamServer::accept_all() {
    for (;;) {
        Descriptor accepted = accept_from(listener_);
        if (!accepted.is_open()) {
            return;
        }
        const auto fd = static_cast<std::size_t>(accepted.number());
        if (fd >= connections_.size()) {
            connections_.resize(fd + 1);
        }
        const std::uint32_t generation = connections_[fd].generation + 1;
        connections_[fd] = Connection{};
        connections_[fd].generation = generation;
        connections_[fd].socket = std::move(accepted);
        watch(epoll_, EPOLL_CTL_ADD, static_cast<int>(fd), EPOLLIN, fd);
        ++counts_.connections;
    }
}

void UpstreamServer::receive(Connection& connection) {
    const ssize_t size = ::recv(connection.socket.number(), input_.data(), input_.size(), 0);
    if (size > 0) {
        take(connection, {input_.data(), static_cast<std::size_t>(size)});
    } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
        drop(connection);
    }
}

void UpstreamServer::take(Connection& connection, std::string_view bytes) {
    while (!bytes.empty() && connection.socket.is_open()) {
        if (connection.is_busy) {
            connection.early.append(bytes);
            if (connection.early.size() > kMostHeld) {
                drop(connection);
            }
            return;
        }
        const MessageReader::State state = connection.reader.feed(bytes, connection.body);
        if (state == MessageReader::State::failed) {
            send(connection, error_answer("400 Bad Request", "not an HTTP/1.1 request"));
            drop(connection);
            return;
        }
        if (state == MessageReader::State::complete) {
            answer(connection);
        }
    }
}

void UpstreamServer::answer(Connection& connection) {
    connection.is_busy = true;
    const std::string_view line = connection.reader.start_line();
    if (line.starts_with("POST /v1/chat/completions ")) {
        ++counts_.requests;
        if (settings_.delay.count() == 0) {
            begin_answer(connection);
        } else {
            delayed_.push_back({Clock::now() + settings_.delay, connection.socket.number(),
                                connection.generation});
        }
        return;
    }
    send(connection, line.starts_with("GET /stats ")
                         ? json_answer(stats())
                         : error_answer("404 Not Found", "no such URL"));
    end_answer(connection);
}

void UpstreamServer::begin_answer(Connection& connection) {
    if (settings_.is_out_of_order || !asks_for_stream(connection.body)) {
        send(connection, settings_.is_out_of_order
                             ? error_answer("503 Service Unavailable", "out of order")
                             : answers_.completion);
        end_answer(connection);
        return;
    }
    ++counts_.streams;
    connection.words_sent = 0;
    send(connection, answers_.stream_start);
    paced_.push_back(
        {Clock::now() + settings_.interval, connection.socket.number(), connection.generation});
}

void UpstreamServer::send_piece(Connection& connection, Clock::time_point at) {
    ++counts_.pieces;
    if (connection.words_sent < answers_.words.size()) {
        send(connection, answers_.words[connection.words_sent++]);
        paced_.push_back(
            {at + settings_.interval, connection.socket.number(), connection.generation});
        return;
    }
    send(connection, answers_.stream_end);
    end_answer(connection);
}

/// Makes the connection ready for the next request, which may have come already.
void UpstreamServer::end_answer(Connection& connection) {
    if (!connection.socket.is_open()) {
        return;
    }
    if (!connection.reader.keeps_alive()) {
        drop(connection);
        return;
    }
    connection.is_busy = false;
    connection.reader.next_message();
    connection.body.clear();
    if (connection.body.capacity() > kMostIdleBody) {
        connection.body.shrink_to_fit();
    }
    if (!connection.early.empty()) {
        const std::string early = std::exchange(connection.early, {});
        take(connection, early);
    }
}

void UpstreamServer::send(Connection& connection, std::string_view bytes) {
    if (!connection.socket.is_open()) {
        return;
    }
    std::size_t sent = 0;
    if (connection.unsent.empty()) {
        const ssize_t size =
            ::send(connection.socket.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (size < 0 && errno != EAGAIN && errno != EINTR) {
            drop(connection);
            return;
        }
        sent = static_cast<std::size_t>(std::max<ssize_t>(size, 0));
        if (sent == bytes.size()) {
            return;
        }
        const int fd = connection.socket.number();
        watch(epoll_, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLOUT, static_cast<unsigned long>(fd));
    }
    connection.unsent.append(bytes.substr(sent));
    if (connection.unsent.size() > kMostHeld) {
        drop(connection);
    }
}

void UpstreamServer::send_unsent(Connection& connection) {
    if (!connection.socket.is_open()) {
        return;
    }
    const int fd = connection.socket.number();
    const ssize_t size =
        ::send(fd, connection.unsent.data(), connection.unsent.size(), MSG_NOSIGNAL);
    if (size < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            drop(connection);
        }
        return;
    }
    connection.unsent.erase(0, static_cast<std::size_t>(size));
    if (connection.unsent.empty()) {
        watch(epoll_, EPOLL_CTL_MOD, fd, EPOLLIN, static_cast<unsigned long>(fd));
    }
}

/// Closes the socket; what is still due for it is recognised by its older generation.
void UpstreamServer::drop(Connection& connection) {
    connection.socket.close();
    ++connection.generation;
}

void UpstreamServer::serve_due() {
    const Clock::time_point now = Clock::now();
    while (!delayed_.empty() && delayed_.front().at <= now) {
        const Due due = delayed_.front();
        delayed_.pop_front();
        if (Connection* connection = owner(due)) {
            begin_answer(*connection);
        }
    }
    while (!paced_.empty() && paced_.front().at <= now) {
        const Due due = paced_.front();
        paced_.pop_front();
        if (Connection* connection = owner(due)) {
            send_piece(*connection, due.at);
        }
    }
}

UpstreamServer::Connection* UpstreamServer::owner(const Due& due) {
    Connection& connection = connections_[static_cast<std::size_t>(due.fd)];
    return connection.generation == due.generation ? &connection : nullptr;
}

std::string UpstreamServer::stats() const {
    return R"({"requests":)" + std::to_string(counts_.requests) + R"(,"streams":)" +
           std::to_string(counts_.streams) + R"(,"pieces":)" + std::to_string(counts_.pieces) +
           R"(,"connections":)" + std::to_string(counts_.connections) + "}";
}

}  // namespace headgate::bench
