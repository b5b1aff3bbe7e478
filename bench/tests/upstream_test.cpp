#include "bench/load/load_run.h"
#include "bench/upstream/server.h"
#include "bench/wire/sockets.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <string>
#include <string_view>
#include <thread>

namespace headgate::bench {
namespace {

/// An upstream on a thread of its own, for as long as the object lives.
class RunningUpstream {
public:
    explicit RunningUpstream(UpstreamSettings settings) : server_(on_loopback(settings)) {
        thread_ = std::thread([this] {
            while (!is_ending_) {
                server_.run_once(std::chrono::milliseconds(5));
            }
        });
    }
    ~RunningUpstream() {
        is_ending_ = true;
        thread_.join();
    }

    sockaddr_in address() const {
        return parse_address("127.0.0.1:" + std::to_string(server_.port()));
    }

private:
    static UpstreamSettings on_loopback(UpstreamSettings settings) {
        settings.listen = parse_address("127.0.0.1:0");
        return settings;
    }

    UpstreamServer server_;
    std::atomic<bool> is_ending_ = false;
    std::thread thread_;
};

std::string post(std::string_view body) {
    return "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

TEST(Upstream, StreamsAllEventsToManyAtOnce) {
    UpstreamSettings upstream;
    upstream.interval = std::chrono::milliseconds(2);
    upstream.words = 7;
    const RunningUpstream running(upstream);
    LoadSettings load;
    load.target = running.address();
    load.request = post(R"({"model":"gpt-4o-mini","stream" : true})");
    load.count = load.at_once = 200;
    load.words = 7;

    const LoadResult result = LoadRun(load).run([] {});

    EXPECT_EQ(result.complete, 200U) << result.first_failure;
    EXPECT_EQ(result.events, 200U * (7 + 4));
    EXPECT_EQ(result.first.size(), 200U);
    ASSERT_FALSE(result.gaps.empty());
    EXPECT_LE(result.gaps.size(), 200U * 8);
}

LoadSettings five_streams_to(const RunningUpstream& running) {
    LoadSettings load;
    load.target = running.address();
    load.request = post(R"({"model":"gpt-4o-mini","stream":true})");
    load.count = load.at_once = 5;
    load.words = 1;
    return load;
}

TEST(Upstream, WaitsForItsDelayBeforeTheFirstByte) {
    UpstreamSettings upstream;
    upstream.delay = std::chrono::milliseconds(20);
    upstream.interval = std::chrono::microseconds(0);
    upstream.words = 1;
    const RunningUpstream running(upstream);

    const LoadResult result = LoadRun(five_streams_to(running)).run([] {});

    ASSERT_EQ(result.complete, 5U) << result.first_failure;
    EXPECT_GE(result.first.front(), upstream.delay);
}

TEST(LoadRun, FailsWhatIsUnfinishedAtTheTimeLimit) {
    UpstreamSettings upstream;
    upstream.delay = std::chrono::seconds(30);
    const RunningUpstream running(upstream);
    LoadSettings load = five_streams_to(running);
    load.limit = std::chrono::milliseconds(10);

    const LoadResult result = LoadRun(load).run([] {});

    EXPECT_EQ(result.failed, 5U);
    EXPECT_EQ(result.first_failure, "unfinished at the time limit");
}

TEST(LoadRun, HoldsIdleConnectionsUntilItIsReleased) {
    const RunningUpstream running(UpstreamSettings{});
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const Descriptor release(ends[0]);
    Descriptor hold(ends[1]);
    LoadSettings load = five_streams_to(running);
    load.kind = LoadSettings::Kind::idle;
    load.request = post("{}");
    load.at_once = 2;
    load.release = release.number();

    const LoadResult result = LoadRun(load).run([&] { hold.close(); });

    EXPECT_EQ(result.complete, 5U) << result.first_failure;
    EXPECT_EQ(result.failed, 0U);
    EXPECT_EQ(result.lost, 0U);
}

TEST(Upstream, AnswersPipelinedRequestsOneAfterTheOther) {
    UpstreamSettings upstream;
    upstream.delay = std::chrono::milliseconds(1);
    const RunningUpstream running(upstream);
    const Descriptor client = connect_to(running.address());
    pollfd waited{client.number(), POLLOUT, 0};
    ASSERT_EQ(::poll(&waited, 1, 5000), 1);
    const std::string requests = post("{}") + post("{}") + "GET /stats HTTP/1.1\r\n\r\n";
    ASSERT_EQ(::send(client.number(), requests.data(), requests.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(requests.size()));

    MessageReader reader;
    std::string body;
    int answers = 0;
    while (answers < 3) {
        waited.events = POLLIN;
        ASSERT_EQ(::poll(&waited, 1, 5000), 1);
        char input[4096];
        const ssize_t size = ::recv(client.number(), input, sizeof input, 0);
        ASSERT_GT(size, 0);
        std::string_view bytes(input, static_cast<std::size_t>(size));
        while (!bytes.empty()) {
            if (reader.feed(bytes, body) == MessageReader::State::complete) {
                ++answers;
                reader.next_message();
            }
        }
    }

    EXPECT_NE(body.find(R"({"requests":2,"streams":0,"pieces":0,"connections":1})"),
              std::string::npos)
        << body;
}

TEST(Answers, TellsAStreamFromAPlainRequest) {
    EXPECT_TRUE(asks_for_stream(R"({"stream":true})"));
    EXPECT_TRUE(asks_for_stream("{\"stream\" :\n true}"));
    EXPECT_FALSE(asks_for_stream(R"({"stream":false})"));
    EXPECT_FALSE(asks_for_stream(R"({"content":"\"stream\"", "stream_options":true})"));
    EXPECT_FALSE(asks_for_stream(R"({"stream")"));
}

}  // namespace
}  // namespace headgate::bench
