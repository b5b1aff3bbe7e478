#include "proxy/net/reactor.h"

#include "proxy/net/socket.h"
#include "proxy/net/task.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

namespace headgate::proxy {
namespace {

using namespace std::chrono_literals;

std::array<int, 2> socket_pair() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    return ends;
}

/// A flow with one socket, as every test here needs.
struct Line {
    Line(Reactor& reactor, int fd) : flow{reactor}, socket{reactor, fd} { socket.attach(&flow); }
    Flow flow;
    Socket socket;
};

Task<int> nested(int depth) {
    if (depth == 0) {
        co_return 0;
    }
    co_return 1 + co_await nested(depth - 1);
}

Task<void> failing() {
    throw std::runtime_error("as intended");
    co_return;
}

TEST(Task, GivesTheValueOfADeepChain) {
    int depth = -1;
    const auto run = [](int& result) -> Task<void> { result = co_await nested(1000); };

    start(run(depth));

    EXPECT_EQ(depth, 1000);
}

TEST(Task, PassesAnExceptionToItsAwaiter) {
    std::string caught;
    const auto run = [](std::string& text) -> Task<void> {
        try {
            co_await failing();
        } catch (const std::runtime_error& error) {
            text = error.what();
        }
    };

    start(run(caught));

    EXPECT_EQ(caught, "as intended");
}

Task<void> echo_until_closed(Reactor& reactor, int fd, std::string& seen) {
    Line line{reactor, fd};
    std::array<char, 16> buffer{};
    for (;;) {
        const IoResult got = line.socket.read_some(buffer.data(), buffer.size());
        if (got.status == IoStatus::done) {
            seen.append(buffer.data(), got.bytes);
        } else if (got.status == IoStatus::would_block) {
            co_await line.flow.wait({&line.socket, kReadable}, kNever);
        } else {
            break;
        }
    }
    reactor.stop();
}

TEST(Reactor, WakesAFlowForEveryEdgeAndForTheEnd) {
    Reactor reactor;
    const auto ends = socket_pair();
    std::string seen;
    start(echo_until_closed(reactor, ends[0], seen));
    reactor.post([&] {
        ASSERT_EQ(::send(ends[1], "first", 5, 0), 5);
        reactor.post([&] {
            ASSERT_EQ(::send(ends[1], " and a longer second", 20, 0), 20);
            ::close(ends[1]);
        });
    });

    reactor.run();

    EXPECT_EQ(seen, "first and a longer second");
    EXPECT_EQ(reactor.flows(), 0U);
}

Task<void> wait_once(Reactor& reactor, int fd, Tick until, Wake& wake) {
    Line line{reactor, fd};
    wake = co_await line.flow.wait({&line.socket, kReadable}, until);
    reactor.stop();
}

TEST(Reactor, TellsThatADeadlineHasPassed) {
    Reactor reactor;
    const auto ends = socket_pair();
    Wake wake = Wake::ready;
    start(wait_once(reactor, ends[0], reactor.tick_after(1ms), wake));

    reactor.run();

    EXPECT_EQ(wake, Wake::deadline);
    ::close(ends[1]);
}

TEST(Reactor, TellsThatAFlowWasCancelled) {
    Reactor reactor;
    const auto ends = socket_pair();
    Wake wake = Wake::ready;
    start(wait_once(reactor, ends[0], kNever, wake));
    reactor.post([&] { reactor.cancel_all(); });

    reactor.run();

    EXPECT_EQ(wake, Wake::stopped);
    ::close(ends[1]);
}

Task<void> watch_peer(Reactor& reactor, int fd, bool& is_gone) {
    Line line{reactor, fd};
    co_await line.flow.wait({&line.socket, kGone}, kNever);
    is_gone = line.socket.is_ready(kGone);
    reactor.stop();
}

TEST(Reactor, TellsThatThePeerHasGoneWithoutReading) {
    Reactor reactor;
    const auto ends = socket_pair();
    bool is_gone = false;
    start(watch_peer(reactor, ends[0], is_gone));
    reactor.post([&] {
        ASSERT_EQ(::send(ends[1], "unread", 6, 0), 6);
        ::close(ends[1]);
    });

    reactor.run();

    EXPECT_TRUE(is_gone);
}

Task<void> nap(Reactor& reactor,
               std::chrono::milliseconds time,
               std::string name,
               std::vector<std::string>& order) {
    Flow flow{reactor};
    EXPECT_EQ(co_await flow.sleep(time), Wake::deadline);
    order.push_back(name);
}

TEST(Reactor, FiresAlarmsInTheirOrder) {
    Reactor reactor;
    std::vector<std::string> order;
    start(nap(reactor, 30ms, "third", order));
    start(nap(reactor, 10ms, "second", order));
    start(nap(reactor, 0ms, "first", order));
    reactor.stop();

    reactor.run();

    EXPECT_EQ(order, (std::vector<std::string>{"first", "second", "third"}));
}

TEST(SendQueue, KeepsWhatTheSocketDoesNotTakeAndSendsItLater) {
    Reactor reactor;
    const auto ends = socket_pair();
    Socket socket{reactor, ends[0]};
    SendQueue queue;
    const std::string large(8 << 20, 'x');
    const std::array<std::string_view, 3> pieces{"head ", large, " tail"};

    ASSERT_TRUE(queue.send(socket, pieces));
    const bool was_kept = !queue.empty();
    std::string received;
    std::array<char, 65536> buffer{};
    while (received.size() < large.size() + 10) {
        const ssize_t got = ::recv(ends[1], buffer.data(), buffer.size(), 0);
        if (got > 0) {
            received.append(buffer.data(), static_cast<std::size_t>(got));
        }
        ASSERT_TRUE(queue.flush(socket));
    }

    EXPECT_TRUE(was_kept);
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(received, "head " + large + " tail");
    EXPECT_EQ(queue.bytes_sent(), received.size());
    ::close(ends[1]);
}

TEST(SendQueue, TellsThatThePeerHasGone) {
    Reactor reactor;
    const auto ends = socket_pair();
    Socket socket{reactor, ends[0]};
    SendQueue queue;
    ::close(ends[1]);

    EXPECT_FALSE(queue.send(socket, {{"lost"}}));
}

TEST(Socket, IsQuietUntilThePeerSendsOrCloses) {
    Reactor reactor;
    const auto ends = socket_pair();
    Socket socket{reactor, ends[0]};
    EXPECT_TRUE(socket.is_quiet());
    ASSERT_EQ(::send(ends[1], "!", 1, 0), 1);
    reactor.post([&] { reactor.stop(); });
    reactor.run();

    EXPECT_FALSE(socket.is_quiet());
    ::close(ends[1]);
}

}  // namespace
}  // namespace headgate::proxy
