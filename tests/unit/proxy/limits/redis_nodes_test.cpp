#include "proxy/limits/redis_nodes.h"

#include "tests/support/redis_server.h"
#include "tests/support/scripted_server.h"

#include <array>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace headgate::proxy {
namespace {

using policy::RespValue;
using test_support::ScriptedServer;

constexpr std::chrono::seconds kPatience{20};

struct Spelled {
    std::string text;
    bool is_address;
    std::string host;
    std::uint16_t port;
};

TEST(NodeAddress, IsReadAsRedirectionsSpellIt) {
    policy::RedisAddress like;
    like.host = "home.example";
    like.user = "gateway";
    const std::vector<Spelled> table{
        {"127.0.0.1:6381", true, "127.0.0.1", 6381},
        {"redis-2.internal:65535", true, "redis-2.internal", 65535},
        {"2001:db8::1:6379", true, "2001:db8::1", 6379},
        {"[2001:db8::1]:6379", true, "2001:db8::1", 6379},
        {":6382", true, "home.example", 6382},
        {"127.0.0.1", false, "", 0},
        {"127.0.0.1:", false, "", 0},
        {"127.0.0.1:0", false, "", 0},
        {"127.0.0.1:65536", false, "", 0},
        {"127.0.0.1:63x", false, "", 0},
        {"a host:6379", false, "", 0},
        {std::string(300, 'a') + ":6379", false, "", 0},
        {"", false, "", 0},
    };
    for (const Spelled& row : table) {
        policy::RedisAddress address;

        const bool is_address = parse_node_address(row.text, like, address);

        EXPECT_EQ(is_address, row.is_address) << row.text;
        if (row.is_address) {
            EXPECT_EQ(address.host, row.host);
            EXPECT_EQ(address.port, row.port);
            EXPECT_EQ(address.user, "gateway");
        }
    }
}

/// A server that answers commands by their first argument and remembers what it was asked.
class Node {
public:
    explicit Node(std::map<std::string, std::string> answers)
        : answers_{std::move(answers)}, server_{[this](int fd) { serve(fd); }} {}

    std::string address() const { return "127.0.0.1:" + std::to_string(server_.port()); }
    std::uint16_t port() const { return server_.port(); }
    std::vector<std::string> asked() const {
        const std::scoped_lock lock{mutex_};
        return asked_;
    }
    void answer(const std::string& name, std::string answer) {
        const std::scoped_lock lock{mutex_};
        answers_[name] = std::move(answer);
    }

private:
    void serve(int fd) {
        for (;;) {
            const std::string count = test_support::read_until(fd, "\r\n");
            if (!count.starts_with("*")) {
                return;
            }
            std::string name;
            for (int i = std::stoi(count.substr(1)); i > 0; --i) {
                test_support::read_until(fd, "\r\n");
                const std::string word = test_support::read_until(fd, "\r\n");
                if (name.empty()) {
                    name = word.substr(0, word.size() - 2);
                }
            }
            test_support::send_all(fd, answer_to(name));
        }
    }

    std::string answer_to(const std::string& name) {
        const std::scoped_lock lock{mutex_};
        if (name == "CLIENT" || name == "PING") {
            return "+OK\r\n";
        }
        const auto found = answers_.find(name);
        if (name != "CLUSTER") {
            asked_.push_back(name);
        }
        return found == answers_.end() ? "-ERR unknown\r\n" : found->second;
    }

    mutable std::mutex mutex_;
    std::map<std::string, std::string> answers_;
    std::vector<std::string> asked_;
    ScriptedServer server_;
};

policy::RedisAddress address_of(std::uint16_t port) {
    policy::RedisAddress address;
    address.host = "127.0.0.1";
    address.port = port;
    return address;
}

struct Client {
    explicit Client(std::uint16_t port) : nodes{reactor, resolver, address_of(port), nullptr} {}

    /// Connects, and asks `times` times for the same key.
    void ask(int times) {
        start(run(*this, times));
        reactor.stop();
        reactor.run();
    }
    static Task<void> run(Client& client, int times) {
        Flow flow{client.reactor};
        client.connected = co_await client.nodes.connect(flow);
        const policy::RedisLimits::Call call{
            policy::resp_command(std::array<std::string_view, 2>{"EVAL", "key"}), "key"};
        for (int i = 0; i < times; ++i) {
            client.reply = co_await client.nodes.ask_following(call, flow, kPatience);
        }
        client.nodes.close();
    }

    Reactor reactor;
    Resolver resolver{1};
    RedisNodes nodes;
    RedisResult<void> connected;
    RedisResult<RespValue> reply;
};

using Asked = std::vector<std::string>;

TEST(RedisNodes, GoToTheNodeThatAKeyHasMovedToAndRememberIt) {
    Node there{{{"EVAL", ":1\r\n"}}};
    Node home{{{"EVAL", "-MOVED 3999 " + there.address() + "\r\n"}}};
    Client client{home.port()};

    client.ask(2);

    ASSERT_TRUE(client.reply);
    EXPECT_EQ(client.reply->number, 1);
    EXPECT_EQ(home.asked(), Asked{"EVAL"});
    EXPECT_EQ(there.asked(), (Asked{"EVAL", "EVAL"}));
}

TEST(RedisNodes, AskTheOtherNodeOnceWhereAKeyIsOnItsWay) {
    Node there{{{"EVAL", ":1\r\n"}, {"ASKING", "+OK\r\n"}}};
    Node home{{{"EVAL", "-ASK 3999 " + there.address() + "\r\n"}}};
    Client client{home.port()};

    client.ask(2);

    ASSERT_TRUE(client.reply);
    EXPECT_EQ(client.reply->number, 1);
    EXPECT_EQ(home.asked(), (Asked{"EVAL", "EVAL"}));
    EXPECT_EQ(there.asked(), (Asked{"ASKING", "EVAL", "ASKING", "EVAL"}));
}

TEST(RedisNodes, DoNotFollowRedirectionsForEver) {
    Node there{{}};
    there.answer("EVAL", "-MOVED 3999 " + there.address() + "\r\n");
    Node home{{{"EVAL", "-MOVED 3999 " + there.address() + "\r\n"}}};
    Client client{home.port()};

    client.ask(1);

    ASSERT_FALSE(client.reply);
    EXPECT_EQ(client.reply.error().kind, RedisFailure::Kind::malformed);
}

TEST(RedisNodes, DoNotFollowARedirectionToNowhere) {
    Node home{{{"EVAL", "-MOVED 3999 nowhere\r\n"}}};
    Client client{home.port()};

    client.ask(1);

    ASSERT_FALSE(client.reply);
    EXPECT_EQ(client.reply.error().kind, RedisFailure::Kind::malformed);
}

TEST(RedisNodes, ConnectToAnotherNodeThatTheyKnowWhereHomeIsAway) {
    Node there{{{"EVAL", ":1\r\n"}}};
    auto home = std::make_unique<Node>(std::map<std::string, std::string>{});
    const std::string port = std::to_string(there.port());
    home->answer("CLUSTER",
                 "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:" + port + "\r\n");
    Client client{home->port()};
    client.ask(0);
    ASSERT_TRUE(client.connected);
    home.reset();

    client.ask(1);

    EXPECT_TRUE(client.connected);
    ASSERT_TRUE(client.reply);
    EXPECT_EQ(client.reply->number, 1);
}

}  // namespace
}  // namespace headgate::proxy
