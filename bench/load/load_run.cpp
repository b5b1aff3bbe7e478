#include "bench/load/load_run.h"

#include "bench/wire/sockets.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace headgate::bench {
namespace {

constexpr std::size_t kInput = 64 * 1024;
constexpr std::size_t kMostEvents = 512;
constexpr unsigned long kRelease = ~0UL;

}  // namespace

LoadRun::LoadRun(LoadSettings settings)
    : settings_(std::move(settings)),
      epoll_(make_epoll()),
      connections_(settings_.count),
      input_(kInput) {
    if (settings_.kind == LoadSettings::Kind::idle) {
        watch(epoll_, EPOLL_CTL_ADD, settings_.release, EPOLLIN, kRelease);
    }
}

LoadResult LoadRun::run(const std::function<void()>& on_live) {
    started_ = Clock::now();
    const bool is_idle = settings_.kind == LoadSettings::Kind::idle;
    bool is_live = false;
    std::array<epoll_event, kMostEvents> events{};
    while (!(is_idle ? is_released_ : over_ == settings_.count)) {
        const Clock::time_point now = Clock::now();
        if (now - started_ > settings_.limit) {
            break;
        }
        begin_due(now);
        if (!is_live && begun_ == settings_.count && waiting_ == 0) {
            is_live = true;
            on_live();
            continue;  // all may have failed, and then no event comes
        }
        const int ready = ::epoll_wait(epoll_.number(), events.data(), kMostEvents,
                                       static_cast<int>(until_next(now).count()));
        if (ready < 0 && errno != EINTR) {
            throw std::system_error(errno, std::generic_category(), "epoll_wait");
        }
        for (int i = 0; i < ready; ++i) {
            const epoll_event& event = events[static_cast<std::size_t>(i)];
            if (event.data.u64 == kRelease) {
                is_released_ = true;
            } else {
                serve(event.data.u64, event.events);
            }
        }
    }
    fail_unfinished();
    std::ranges::sort(result_.first);
    std::ranges::sort(result_.gaps);
    return std::move(result_);
}

void LoadRun::begin_due(Clock::time_point now) {
    while (begun_ < settings_.count && waiting_ < settings_.at_once) {
        const auto due = settings_.spread * begun_ / settings_.count;
        if (now - started_ < due) {
            return;
        }
        begin(begun_++, now);
    }
}

std::chrono::milliseconds LoadRun::until_next(Clock::time_point now) const {
    using std::chrono::milliseconds;
    if (begun_ == settings_.count || waiting_ >= settings_.at_once) {
        return milliseconds(100);
    }
    const auto due = started_ + settings_.spread * begun_ / settings_.count;
    const auto wait = std::chrono::ceil<milliseconds>(due - now);
    return std::clamp(wait, milliseconds(0), milliseconds(100));
}

void LoadRun::begin(std::size_t index, Clock::time_point now) {
    Connection& connection = connections_[index];
    connection.began = now;
    connection.socket = connect_to(settings_.target);
    ++waiting_;
    watch(epoll_, EPOLL_CTL_ADD, connection.socket.number(), EPOLLIN | EPOLLOUT, index);
}

void LoadRun::serve(std::size_t index, std::uint32_t events) {
    if ((events & EPOLLOUT) != 0 && !connections_[index].is_over) {
        send_request(index);
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && connections_[index].socket.is_open()) {
        receive(index);
    }
}

void LoadRun::send_request(std::size_t index) {
    Connection& connection = connections_[index];
    const std::string_view rest = std::string_view(settings_.request).substr(connection.sent);
    const ssize_t size = ::send(connection.socket.number(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (size < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            fail(connection, std::generic_category().message(errno));
        }
        return;
    }
    connection.sent += static_cast<std::size_t>(size);
    if (connection.sent == settings_.request.size()) {
        watch(epoll_, EPOLL_CTL_MOD, connection.socket.number(), EPOLLIN, index);
    }
}

void LoadRun::receive(std::size_t index) {
    Connection& connection = connections_[index];
    const ssize_t size = ::recv(connection.socket.number(), input_.data(), input_.size(), 0);
    if (size < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            fail(connection, std::generic_category().message(errno));
        }
    } else if (size > 0) {
        read(connection, {input_.data(), static_cast<std::size_t>(size)});
    } else if (connection.is_over) {  // an idle one
        ++result_.lost;
        connection.socket.close();
    } else {
        fail(connection, "closed before the answer's end");
    }
}

void LoadRun::read(Connection& connection, std::string_view bytes) {
    body_.clear();
    const MessageReader::State state = connection.reader.feed(bytes, body_);
    const bool is_idle = settings_.kind == LoadSettings::Kind::idle;
    if (state == MessageReader::State::failed || (connection.is_over && !bytes.empty())) {
        fail(connection, "not the HTTP/1.1 answer expected");
        return;
    }
    if (state != MessageReader::State::head &&
        !connection.reader.start_line().starts_with("HTTP/1.1 200")) {
        fail(connection, std::string(connection.reader.start_line()) + ": " + body_);
        return;
    }
    const bool is_whole = state == MessageReader::State::complete;
    if (!is_idle) {
        const std::size_t events = connection.tally.events();
        connection.tally.feed(body_);
        if (connection.tally.events() > events) {
            mark_events(connection);
        }
    } else if (is_whole) {
        mark_first(connection);
    }
    if (is_whole) {
        end(connection);
    }
}

void LoadRun::mark_first(Connection& connection) {
    if (!connection.has_first) {
        connection.has_first = true;
        --waiting_;
        result_.first.push_back(
            std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - connection.began));
    }
}

void LoadRun::mark_events(Connection& connection) {
    const Clock::time_point now = Clock::now();
    if (connection.has_first) {
        result_.gaps.push_back(
            std::chrono::duration_cast<std::chrono::microseconds>(now - connection.last_event));
    }
    connection.last_event = now;
    mark_first(connection);
}

void LoadRun::end(Connection& connection) {
    if (settings_.kind == LoadSettings::Kind::streams) {
        result_.events += connection.tally.events();
        if (!connection.tally.is_complete(settings_.words)) {
            fail(connection, "the stream's events are not complete, or not in order");
            return;
        }
        connection.socket.close();
    }
    connection.is_over = true;
    ++over_;
    ++result_.complete;
}

void LoadRun::fail(Connection& connection, std::string_view why) {
    if (result_.first_failure.empty()) {
        result_.first_failure = std::string(why.substr(0, 300));
    }
    ++result_.failed;
    if (connection.is_over) {  // it was counted as complete
        --result_.complete;
    } else {
        ++over_;
        connection.is_over = true;
    }
    if (!connection.has_first) {
        connection.has_first = true;
        --waiting_;
    }
    connection.socket.close();
}

void LoadRun::fail_unfinished() {
    for (std::size_t i = 0; i < begun_; ++i) {
        if (!connections_[i].is_over) {
            fail(connections_[i], "unfinished at the time limit");
        }
    }
    result_.failed += settings_.count - begun_;
}

}  // namespace headgate::bench
