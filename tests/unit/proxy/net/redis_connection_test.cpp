#include "proxy/net/redis_connection.h"

#include "tests/support/redis_server.h"
#include "tests/support/scripted_server.h"
#include "tests/unit/proxy/net/redis_client.h"

#include <sys/socket.h>

#include <string>
#include <vector>

namespace headgate::proxy {
namespace {

using namespace std::chrono_literals;
using providers::Secret;
using Kind = RedisFailure::Kind;
using test_support::read_to_end;
using test_support::read_until;
using test_support::ScriptedServer;
using test_support::send_all;

policy::RedisAddress address_of(const ScriptedServer& server) {
    policy::RedisAddress address;
    address.host = "127.0.0.1";
    address.port = server.port();
    return address;
}

constexpr std::string_view kPing = "*1\r\n$4\r\nPING\r\n";

/// Shakes hands with a client that has neither a password nor a database.
void greet(int fd) {
    read_until(fd, kPing);
    send_all(fd, "+OK\r\n+PONG\r\n");
}

Task<void> ask_for_a_key(Client& client) {
    co_await ask(client, {"GET", "key"});
}

TEST(RedisConnection, ShakesHandsAsItsAddressAsks) {
    std::string greeting;
    ScriptedServer server{[&](int fd) {
        greeting = read_until(fd, kPing);
        send_all(fd, "+OK\r\n+OK\r\n+OK\r\n+PONG\r\n");
        read_to_end(fd);
    }};
    policy::RedisAddress address = address_of(server);
    address.user = "gateway";
    address.password = Secret{"opensesame"};
    address.database = 3;
    Client client{address};

    client.run(look_at_it);

    EXPECT_TRUE(client.opened);
    EXPECT_TRUE(client.was_open);
    EXPECT_EQ(greeting,
              "*3\r\n$4\r\nAUTH\r\n$7\r\ngateway\r\n$10\r\nopensesame\r\n"
              "*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n"
              "*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$8\r\nheadgate\r\n" +
                  std::string{kPing});
}

struct Objection {
    std::string replies;  // to AUTH, SELECT, CLIENT SETNAME, PING
    Kind kind;
    std::string problem;
};

TEST(RedisConnection, TellsWhyAServerDoesNotTakeIt) {
    const std::vector<Objection> table{
        {"-WRONGPASS invalid opensesame\r\n", Kind::auth, "wrong user or password (WRONGPASS)"},
        {"-opensesame is wrong\r\n", Kind::auth, "the server does not take the user or password"},
        {"-DENIED protected mode\r\n", Kind::refused,
         "protected mode: no connections from here (DENIED)"},
        {"+OK\r\n-ERR DB index is out of range\r\n", Kind::refused, "no database 3 there"},
        {"+OK\r\n-NOAUTH Authentication required.\r\n", Kind::auth,
         "the server asks for a password (NOAUTH)"},
        {"+OK\r\n+OK\r\n+OK\r\n-LOADING Redis is loading\r\n", Kind::refused,
         "LOADING Redis is loading"},
        {"+OK\r\n+OK\r\n+OK\r\n-MASTERDOWN opensesame\r\n", Kind::refused,
         "the server takes no commands"},
        {"+OK\r\n:1\r\n", Kind::malformed, "the handshake was answered by no Redis"},
        {"HTTP/1.1 400 Bad Request\r\n\r\n", Kind::malformed,
         "what the server sent is no Redis reply"},
        {"", Kind::broken, "the connection ended"},
    };
    for (const Objection& row : table) {
        ScriptedServer server{[&](int fd) {
            read_until(fd, kPing);
            send_all(fd, row.replies);
        }};
        policy::RedisAddress address = address_of(server);
        address.password = Secret{"opensesame"};
        address.database = 3;
        Client client{address};

        client.run(look_at_it);

        ASSERT_FALSE(client.opened) << row.replies;
        EXPECT_EQ(client.opened.error().kind, row.kind) << row.replies;
        EXPECT_EQ(client.opened.error().problem, row.problem);
    }
}

TEST(RedisConnection, DoesWithoutWhatAnAclForbids) {
    ScriptedServer server{[](int fd) {
        read_until(fd, kPing);
        send_all(fd, "-NOPERM no client|setname\r\n-NOPERM no ping\r\n");
        read_to_end(fd);
    }};
    Client client{address_of(server)};

    client.run(look_at_it);

    EXPECT_TRUE(client.opened);
}

TEST(RedisConnection, GivesAReplyThatComesInPieces) {
    ScriptedServer server{[](int fd) {
        greet(fd);
        read_until(fd, "key\r\n");
        for (const char byte : std::string_view{"$5\r\nvalue\r\n"}) {
            send_all(fd, {&byte, 1});
        }
        read_to_end(fd);
    }};
    Client client{address_of(server)};

    client.run(ask_for_a_key);

    EXPECT_EQ(client.text(), "value");
    EXPECT_TRUE(client.was_open);
}

TEST(RedisConnection, GivesAnErrorOfRedisAsAReply) {
    ScriptedServer server{[](int fd) {
        greet(fd);
        read_until(fd, "key\r\n");
        send_all(fd, "-MOVED 3999 127.0.0.1:6381\r\n");
        read_to_end(fd);
    }};
    Client client{address_of(server)};

    client.run(ask_for_a_key);

    ASSERT_TRUE(client.reply);
    EXPECT_TRUE(client.reply->is_error("MOVED"));
    EXPECT_TRUE(client.was_open);
}

Task<void> ask_with_little_time(Client& client) {
    const std::string bytes = policy::resp_command(std::array<std::string_view, 2>{"GET", "key"});
    client.reply = co_await client.connection.call(bytes, *client.flow, 20ms);
    client.was_open = client.connection.is_open();
}

TEST(RedisConnection, ClosesWhereNoReplyComesInTime) {
    ScriptedServer server{[](int fd) {
        greet(fd);
        read_to_end(fd);
    }};
    Client client{address_of(server)};

    client.run(ask_with_little_time);

    ASSERT_FALSE(client.reply);
    EXPECT_EQ(client.reply.error().kind, Kind::timeout);
    EXPECT_FALSE(client.was_open);
}

TEST(RedisConnection, ClosesWhereAReplyNeverEnds) {
    ScriptedServer server{[](int fd) {
        greet(fd);
        std::string part;
        for (int i = 0; i < 16'384; ++i) {
            part += ":1\r\n";
        }
        send_all(fd, "*16000000\r\n");
        while (::send(fd, part.data(), part.size(), MSG_NOSIGNAL) > 0) {
        }
    }};
    Client client{address_of(server)};

    client.run(ask_with_little_time);

    EXPECT_FALSE(client.reply);
    EXPECT_FALSE(client.was_open);
}

TEST(RedisConnection, TellsThatTheServerClosed) {
    ScriptedServer server{[](int fd) {
        greet(fd);
        read_until(fd, "key\r\n");
    }};
    Client client{address_of(server)};

    client.run(ask_for_a_key);

    ASSERT_FALSE(client.reply);
    EXPECT_EQ(client.reply.error().kind, Kind::broken);
}

Task<void> wait_for_news(Client& client) {
    co_await client.flow->wait(client.connection.news(), kNever);
    client.was_open = client.connection.is_open();
}

TEST(RedisConnection, NoticesThatTheServerClosesWhileNothingIsAsked) {
    ScriptedServer server{greet};
    Client client{address_of(server)};

    client.run(wait_for_news);

    EXPECT_FALSE(client.was_open);
}

TEST(RedisConnection, TakesNoReplyToWhatWasNotAsked) {
    ScriptedServer server{[](int fd) {
        read_until(fd, kPing);
        send_all(fd, "+OK\r\n+PONG\r\n+what?\r\n");
        read_to_end(fd);
    }};
    Client client{address_of(server)};

    client.run(ask_for_a_key);

    EXPECT_FALSE(client.reply);
    EXPECT_FALSE(client.was_open);
}

Task<void> be_cancelled(Client& client) {
    client.reactor.post([&client] { client.flow->cancel(); });
    co_await ask_for_a_key(client);
}

TEST(RedisConnection, GivesUpWhereItsFlowIsCancelled) {
    ScriptedServer server{[](int fd) {
        greet(fd);
        read_to_end(fd);
    }};
    Client client{address_of(server)};

    client.run(be_cancelled);

    ASSERT_FALSE(client.reply);
    EXPECT_EQ(client.reply.error().kind, Kind::broken);
}

TEST(RedisConnection, IsRefusedWhereNobodyListens) {
    policy::RedisAddress tcp;
    tcp.host = "127.0.0.1";
    tcp.port = test_support::free_port();
    policy::RedisAddress unix_socket;
    unix_socket.unix_path = "/nowhere/redis.sock";
    policy::RedisAddress long_path;
    long_path.unix_path = "/" + std::string(200, 'x');
    policy::RedisAddress no_trust = tcp;
    no_trust.is_tls = true;
    for (const policy::RedisAddress& address : {tcp, unix_socket, long_path, no_trust}) {
        Client client{address};

        client.run(look_at_it);

        ASSERT_FALSE(client.opened);
        EXPECT_EQ(client.opened.error().kind, Kind::refused) << client.opened.error().problem;
    }
}

}  // namespace
}  // namespace headgate::proxy
