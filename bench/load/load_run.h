#pragma once

#include "bench/load/event_tally.h"
#include "bench/wire/descriptor.h"
#include "bench/wire/message_reader.h"

#include <netinet/in.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::bench {

struct LoadSettings {
    enum class Kind : std::uint8_t {
        streams,  // each connection reads one event stream to its end
        idle,     // each connection gets one plain answer and stays open until `release`
    };

    Kind kind = Kind::streams;
    sockaddr_in target{};
    std::string request;                  // head and body, the same on every connection
    std::size_t count = 1000;             // connections
    std::size_t at_once = 1000;           // connections that wait for their first byte of answer
    std::size_t words = 50;               // that a whole stream has
    std::chrono::microseconds spread{0};  // time over which the connections are begun
    std::chrono::microseconds limit{60'000'000};  // what is unfinished then has failed
    int release = -1;                             // a descriptor whose end of file ends `idle`
};

struct LoadResult {
    std::size_t complete = 0;  // answers with status 200 that came whole
    std::size_t failed = 0;
    std::size_t lost = 0;  // idle connections that the other side closed
    std::size_t events = 0;
    std::string first_failure;
    /// From the connect to the first event (idle: to the whole answer). Sorted.
    std::vector<std::chrono::microseconds> first;
    /// Between two reads of a stream that brought an event. Sorted.
    std::vector<std::chrono::microseconds> gaps;
};

/// Opens `count` connections from one thread and one epoll. Calls `on_live` once, when every
/// connection has its first event (idle: its whole answer) or has failed.
class LoadRun {
public:
    explicit LoadRun(LoadSettings settings);

    /// Throws std::system_error where the machine gives no sockets.
    LoadResult run(const std::function<void()>& on_live);

private:
    using Clock = std::chrono::steady_clock;

    struct Connection {
        Descriptor socket;
        MessageReader reader;
        EventTally tally;
        Clock::time_point began;
        Clock::time_point last_event;
        std::size_t sent = 0;
        bool has_first = false;  // its first event, or failed: no longer waited for
        bool is_over = false;
    };

    void begin_due(Clock::time_point now);
    void begin(std::size_t index, Clock::time_point now);
    void serve(std::size_t index, std::uint32_t events);
    void send_request(std::size_t index);
    void receive(std::size_t index);
    void read(Connection& connection, std::string_view bytes);
    void mark_first(Connection& connection);
    void mark_events(Connection& connection);
    void end(Connection& connection);
    void fail(Connection& connection, std::string_view why);
    std::chrono::milliseconds until_next(Clock::time_point now) const;
    void fail_unfinished();

    LoadSettings settings_;
    LoadResult result_;
    Descriptor epoll_;
    Clock::time_point started_;
    std::vector<Connection> connections_;
    std::vector<char> input_;
    std::string body_;
    std::size_t begun_ = 0;
    std::size_t waiting_ = 0;  // begun, without a first event
    std::size_t over_ = 0;
    bool is_released_ = false;
};

}  // namespace headgate::bench
