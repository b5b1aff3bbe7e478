#include "tests/support/redis_server.h"
#include "tests/unit/proxy/net/redis_client.h"

#include <array>
#include <string>
#include <vector>

namespace headgate::proxy {
namespace {

using providers::Secret;
using Kind = RedisFailure::Kind;
using test_support::RedisServer;

policy::RedisAddress tcp_address(const RedisServer& server) {
    policy::RedisAddress address;
    address.host = "localhost";
    address.port = server.port();
    return address;
}

Task<void> echo_a_large_text(Client& client) {
    const std::string text(std::size_t{8} << 20, 'x');
    co_await ask(client, {"ECHO", text});
}

TEST(RedisConnectionToAServer, CarriesMoreThanTheSocketsHold) {
    RedisServer server;
    if (!server.is_running()) {
        GTEST_SKIP() << "no redis-server";
    }
    policy::RedisAddress address;
    address.unix_path = server.unix_path();
    Client client{address};

    client.run(echo_a_large_text);

    EXPECT_EQ(client.text().size(), std::size_t{8} << 20);
}

Task<void> ask_who_it_is(Client& client) {
    co_await ask(client, {"CLIENT", "INFO"});
}

TEST(RedisConnectionToAServer, IsTheUserAndInTheDatabaseOfItsAddress) {
    RedisServer server{
        {"--user", "gateway", "on", ">opensesame", "~*", "+@all", "--requirepass", "other"}};
    if (!server.is_running()) {
        GTEST_SKIP() << "no redis-server";
    }
    policy::RedisAddress address = tcp_address(server);
    address.user = "gateway";
    address.password = Secret{"opensesame"};
    address.database = 5;
    Client client{address};

    client.run(ask_who_it_is);

    ASSERT_TRUE(client.opened) << client.opened.error().problem;
    EXPECT_NE(client.text().find(" name=headgate "), std::string::npos) << client.text();
    EXPECT_NE(client.text().find(" db=5 "), std::string::npos);
    EXPECT_NE(client.text().find(" user=gateway"), std::string::npos);
}

TEST(RedisConnectionToAServer, IsNotTakenWithAnotherCredential) {
    RedisServer server{{"--requirepass", "opensesame"}};
    if (!server.is_running()) {
        GTEST_SKIP() << "no redis-server";
    }
    policy::RedisAddress none = tcp_address(server);
    policy::RedisAddress wrong = none;
    wrong.password = Secret{"guess"};
    policy::RedisAddress stranger = wrong;
    stranger.user = "stranger";
    for (const policy::RedisAddress& address : {none, wrong, stranger}) {
        Client client{address};

        client.run(look_at_it);

        ASSERT_FALSE(client.opened);
        EXPECT_EQ(client.opened.error().kind, Kind::auth);
        EXPECT_EQ(client.opened.error().problem.find("guess"), std::string::npos);
    }
}

/// The server's certificate for `host`, self-signed, in the folder: tls.crt and tls.key.
bool make_certificate(const test_support::ScratchFolder& folder, const std::string& host) {
    return test_support::run_command(
        {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-subj", "/CN=redis", "-days", "2", "-addext", "subjectAltName=DNS:" + host,
         "-keyout", folder.file("tls.key"), "-out", folder.file("tls.crt")});
}

RedisServer tls_server(const test_support::ScratchFolder& folder, std::uint16_t port) {
    return RedisServer{{"--tls-port", std::to_string(port), "--tls-cert-file",
                        folder.file("tls.crt"), "--tls-key-file", folder.file("tls.key"),
                        "--tls-auth-clients", "no", "--requirepass", "opensesame"}};
}

TEST(RedisConnectionToAServer, SpeaksTlsWithTheHostThatTheCertificateNames) {
    for (const bool is_named : {true, false}) {
        const test_support::ScratchFolder folder;
        ASSERT_TRUE(make_certificate(folder, is_named ? "localhost" : "elsewhere.example"));
        policy::RedisAddress address;
        address.host = "localhost";
        address.port = test_support::free_port();
        address.password = Secret{"opensesame"};
        address.is_tls = true;
        const RedisServer server = tls_server(folder, address.port);
        if (!server.is_running()) {
            GTEST_SKIP() << "no redis-server";
        }
        const auto trust = TlsTrust::load({.ca_file = folder.file("tls.crt")});
        ASSERT_TRUE(trust);
        Client client{address, *trust};

        client.run(ask_who_it_is);

        ASSERT_EQ(client.opened.has_value(), is_named);
        if (is_named) {
            EXPECT_NE(client.text().find(" name=headgate "), std::string::npos) << client.text();
        } else {
            EXPECT_EQ(client.opened.error().kind, Kind::refused);
            EXPECT_NE(client.opened.error().problem.find("ostname mismatch"), std::string::npos)
                << client.opened.error().problem;
        }
    }
}

}  // namespace
}  // namespace headgate::proxy
