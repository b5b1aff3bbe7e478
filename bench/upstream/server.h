#pragma once

#include "bench/upstream/answers.h"
#include "bench/wire/descriptor.h"
#include "bench/wire/message_reader.h"

#include <netinet/in.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::bench {

struct UpstreamSettings {
    sockaddr_in listen{};
    std::chrono::microseconds delay{0};           // before each answer's first byte
    std::chrono::microseconds interval{100'000};  // between the pieces of a stream
    std::size_t words = 50;                       // of a stream
    bool is_out_of_order = false;                 // answers every request with a 503
};

/// What the upstream has done since it started. `pieces` counts the sends of streams that are not
/// their start: one a word, and one for the three closing events together.
struct UpstreamCounts {
    std::uint64_t requests = 0;
    std::uint64_t streams = 0;
    std::uint64_t pieces = 0;
    std::uint64_t connections = 0;  // accepted
};

/// A provider that costs as little as it can: one thread, level-triggered epoll, every answer
/// rendered beforehand. Serves POST /v1/chat/completions (as JSON, or as a stream where the body
/// says so) and GET /stats (its counts as JSON).
///
/// Time: a delay and an interval are constant, so what becomes due is always queued in the order
/// in which it becomes due; two queues take the place of a heap.
class UpstreamServer {
public:
    /// Listens; throws std::system_error where that fails.
    explicit UpstreamServer(const UpstreamSettings& settings);

    /// Serves until the process is ended. Throws std::system_error where epoll fails.
    void run();
    /// One round: waits for events or what is due, at most `most`, and serves it.
    void run_once(std::chrono::microseconds most);

    std::uint16_t port() const;
    const UpstreamCounts& counts() const { return counts_; }

private:
    using Clock = std::chrono::steady_clock;

    struct Connection {
        Descriptor socket;
        MessageReader reader;
        std::string body;
        std::string early;             // bytes that came while an answer was due
        std::string unsent;            // bytes that the socket did not take
        std::uint32_t generation = 0;  // tells a descriptor number's owners apart
        std::size_t words_sent = 0;
        bool is_busy = false;  // an answer is due or under way
    };

    struct Due {
        Clock::time_point at;
        int fd;
        std::uint32_t generation;
    };

    void accept_all();
    void receive(Connection& connection);
    void take(Connection& connection, std::string_view bytes);
    void answer(Connection& connection);
    void begin_answer(Connection& connection);
    void send_piece(Connection& connection, Clock::time_point at);
    void end_answer(Connection& connection);
    void send(Connection& connection, std::string_view bytes);
    void send_unsent(Connection& connection);
    void drop(Connection& connection);
    void serve_due();
    Connection* owner(const Due& due);
    std::chrono::nanoseconds until_due(std::chrono::microseconds most) const;
    std::string stats() const;

    UpstreamSettings settings_;
    Answers answers_;
    UpstreamCounts counts_;
    Descriptor epoll_;
    Descriptor listener_;
    std::vector<Connection> connections_;  // by descriptor number
    std::deque<Due> delayed_;              // answers to begin
    std::deque<Due> paced_;                // stream pieces to send
    std::vector<char> input_;
};

}  // namespace headgate::bench
