#include "policy/ledger/record_store.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

namespace headgate::policy {
namespace {

using std::chrono::milliseconds;

/// A loopback port behind which stands no PostgreSQL.
class Listener {
public:
    explicit Listener(bool is_listening) : socket_{::socket(AF_INET, SOCK_STREAM, 0)} {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        EXPECT_EQ(bind(socket_, generic, size), 0);
        EXPECT_EQ(getsockname(socket_, generic, &size), 0);
        EXPECT_TRUE(!is_listening || listen(socket_, 8) == 0);
        port_ = ntohs(address.sin_port);
    }
    ~Listener() { close(socket_); }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

    /// Reads what the first client says, answers `bytes` and closes.
    void answer(std::string_view bytes) const {
        const int client = accept(socket_, nullptr, nullptr);
        char request[1024];
        EXPECT_GT(read(client, request, sizeof request), 0);
        EXPECT_EQ(write(client, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
        close(client);
    }

private:
    int socket_;
    int port_ = 0;
};

StoreError error_of(const std::string& uri, milliseconds wait) {
    const auto store = open_postgresql(uri, false, wait);
    EXPECT_FALSE(store);
    return store ? StoreError{} : store.error();
}

TEST(OpenPostgresql, IsAwayWhereNobodyListens) {
    const Listener nobody{false};

    const StoreError error =
        error_of("postgresql://user:HUSH@" + nobody.address() + "/records", milliseconds{2000});

    EXPECT_EQ(error.kind, StoreError::Kind::away);
    EXPECT_NE(error.text.find("127.0.0.1"), std::string::npos) << error.text;
    EXPECT_EQ(error.text.find("HUSH"), std::string::npos) << error.text;
}

TEST(OpenPostgresql, GivesUpOnAServerThatNeverAnswers) {
    const Listener silent{true};

    const StoreError error =
        error_of("postgresql://user:HUSH@" + silent.address() + "/records", milliseconds{50});

    EXPECT_EQ(error.kind, StoreError::Kind::away);
    EXPECT_NE(error.text.find("no answer in time"), std::string::npos) << error.text;
    EXPECT_EQ(error.text.find("HUSH"), std::string::npos) << error.text;
}

TEST(OpenPostgresql, TriesTheNextHostWhereOneNeverAnswers) {
    const Listener silent{true};
    const Listener nobody{false};

    const StoreError error =
        error_of("postgresql://" + silent.address() + "," + nobody.address() + "/records",
                 milliseconds{200});

    EXPECT_EQ(error.kind, StoreError::Kind::away);
    EXPECT_NE(error.text.find("refused"), std::string::npos) << error.text;  // the second's
}

TEST(OpenPostgresql, IsAwayWhereAnotherProtocolAnswers) {
    for (const std::string_view bytes :
         {std::string_view{"HTTP/1.1 400 Bad Request\r\n\r\n"},
          std::string_view{"E\xff\xff\xff\xff"},
          std::string_view{"R\0\0\0\x08\0\0\0\0Z\0\0\0\5Q", 15}, std::string_view{"N"}}) {
        const Listener listener{true};
        std::thread server{[&] { listener.answer(bytes); }};

        const StoreError error =
            error_of("postgresql://user:HUSH@" + listener.address() + "/records?sslmode=disable",
                     milliseconds{2000});

        server.join();
        EXPECT_EQ(error.kind, StoreError::Kind::away);
        EXPECT_FALSE(error.text.empty());
        EXPECT_EQ(error.text.find("HUSH"), std::string::npos) << error.text;
    }
}

TEST(OpenPostgresql, RefusesWhatIsNoUri) {
    const StoreError error = error_of("postgresql://user:HUSH/x@db/records", milliseconds{50});

    EXPECT_EQ(error.kind, StoreError::Kind::refused);
    EXPECT_EQ(error.text.find("HUSH"), std::string::npos) << error.text;
}

}  // namespace
}  // namespace headgate::policy
