#include "proxy/admin/admin_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

namespace headgate::proxy {
namespace {

constexpr std::string_view kKey = "hga-0123456789abcdefghijklmnopqrstuvwxyz";
using ReloadDone = std::move_only_function<void(ReloadOutcome)>;

/// A connection to the admin listener.
class Client {
public:
    explicit Client(const AdminServer& server) : fd_{::socket(AF_INET, SOCK_STREAM, 0)} {
        const std::string& name = server.address();
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port =
            htons(static_cast<std::uint16_t>(std::stoi(name.substr(name.rfind(':') + 1))));
        ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
        EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    }
    ~Client() { ::close(fd_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void send(std::string_view bytes) {
        EXPECT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(bytes.size()));
    }
    /// All that comes until the server closes.
    std::string read_all() {
        std::string all;
        std::array<char, 4096> part{};
        for (ssize_t size = 0; (size = ::recv(fd_, part.data(), part.size(), 0)) > 0;) {
            all.append(part.data(), static_cast<std::size_t>(size));
        }
        return all;
    }

private:
    int fd_;
};

std::string request(std::string_view line, std::string_view key = {}) {
    std::string text{line};
    text += " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    if (!key.empty()) {
        text += "Authorization: Bearer " + std::string{key} + "\r\n";
    }
    return text + "\r\n";
}

std::string ask(const AdminServer& server, const std::string& text) {
    Client client{server};
    client.send(text);
    return client.read_all();
}

class AdminServerTest : public testing::Test {
protected:
    std::unique_ptr<AdminServer> start() {
        policy::KeyHasher hasher;
        const policy::AdminKey key{.name = "ops", .digest = hasher.digest(kKey)};
        AdminSources sources{
            .metrics = []() -> std::string { throw std::runtime_error{"no metrics today"}; },
            .readiness = [] { return Readiness{}; },
            .admin_keys = [key] { return std::vector{key}; },
            .targets = [](auto) { return std::vector<policy::TargetHealth::Report>{}; },
            .explain = [](const auto&) { return policy::Explanation{}; },
            .policy_json = [] { return std::string{"{}"}; },
            .projects = {},
            .budget = {},
            .limits = {},
            .ledger = {},
            .ledger_row = {},
            .audit = [this](std::string_view actor, std::string_view) { audited_ = actor; },
            .reload = [this](ReloadDone done) { reloads_.set_value(std::move(done)); },
            .log_error = [this](std::string_view line) { logged_ = line; }};
        auto server = AdminServer::start({.host = "127.0.0.1", .port = 0, .unix_path = {}},
                                         std::move(sources));
        EXPECT_TRUE(server.has_value());
        return std::move(*server);
    }

    std::promise<ReloadDone> reloads_;
    std::string logged_;
    std::string audited_;
};

TEST_F(AdminServerTest, AnswersSeveralRequestsOfOneConnection) {
    const auto server = start();
    Client client{*server};

    client.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.send(request("GET /headgate/v1/targets", kKey));
    const std::string answers = client.read_all();

    EXPECT_NE(answers.find(R"({"status":"ok"})"), std::string::npos) << answers;
    EXPECT_NE(answers.find(R"({"data":[]})"), std::string::npos) << answers;
}

TEST_F(AdminServerTest, RefusesAWrongKeyAndTwoRightOnes) {
    const auto server = start();
    std::string doubled = request("GET /headgate/v1/targets", kKey);
    doubled.insert(doubled.find("Authorization"),
                   "Authorization: Bearer " + std::string{kKey} + "\r\n");

    const std::string wrong = ask(*server, request("GET /headgate/v1/targets", "hg-client"));
    const std::string twice = ask(*server, doubled);

    EXPECT_TRUE(wrong.starts_with("HTTP/1.1 401 ")) << wrong;
    EXPECT_TRUE(twice.starts_with("HTTP/1.1 401 ")) << twice;
}

TEST_F(AdminServerTest, TellsTheMethodThatAPathTakes) {
    const auto server = start();

    const std::string answer = ask(*server, request("PUT /headgate/v1/reload", kKey));

    EXPECT_TRUE(answer.starts_with("HTTP/1.1 405 ")) << answer;
    EXPECT_NE(answer.find("Allow: POST\r\n"), std::string::npos) << answer;
}

TEST_F(AdminServerTest, RefusesWhatIsTooLargeOrNoHttp) {
    const auto server = start();
    const std::string large_head =
        "GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\nHost: localhost\r\n\r\n";

    const std::string head = ask(*server, large_head);
    const std::string body = ask(*server,
                                 "POST /headgate/v1/reload HTTP/1.1\r\nHost: localhost\r\n"
                                 "Content-Length: 1000000\r\n\r\n");
    const std::string noise = ask(*server, "what is this\r\n\r\n");

    EXPECT_TRUE(head.starts_with("HTTP/1.1 431 ")) << head;
    EXPECT_TRUE(body.starts_with("HTTP/1.1 413 ")) << body;
    EXPECT_TRUE(noise.starts_with("HTTP/1.1 400 ")) << noise;
}

TEST_F(AdminServerTest, AnswersABugWith500AndLogsIt) {
    auto server = start();

    const std::string answer = ask(*server, request("GET /metrics"));
    server.reset();

    EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 ")) << answer;
    EXPECT_EQ(answer.find("no metrics today"), std::string::npos);
    EXPECT_EQ(logged_, "admin listener: no metrics today");
}

TEST_F(AdminServerTest, AnswersOthersWhileAReloadRuns) {
    const auto server = start();
    Client operator_client{*server};

    operator_client.send(request("POST /headgate/v1/reload", kKey));
    ReloadDone done = reloads_.get_future().get();
    const std::string health = ask(*server, request("GET /healthz"));
    std::thread{[&done] { done({.is_loaded = true, .generation = 2, .problems = {}}); }}.join();
    const std::string answer = operator_client.read_all();

    EXPECT_TRUE(health.starts_with("HTTP/1.1 200 ")) << health;
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
    EXPECT_TRUE(answer.ends_with(R"({"generation":2})")) << answer;
}

TEST_F(AdminServerTest, MayEndBeforeAReloadDoes) {
    auto server = start();
    Client operator_client{*server};
    operator_client.send(request("POST /headgate/v1/reload", kKey));
    ReloadDone done = reloads_.get_future().get();

    server.reset();
    done({.is_loaded = true, .generation = 2, .problems = {}});
    done = nullptr;

    EXPECT_EQ(operator_client.read_all(), "");
}

TEST_F(AdminServerTest, ClosesAConnectionWhoseReloadIsNeverAnswered) {
    const auto server = start();
    Client operator_client{*server};
    operator_client.send(request("POST /headgate/v1/reload", kKey));

    reloads_.get_future().get() = nullptr;

    EXPECT_EQ(operator_client.read_all(), "");
    EXPECT_TRUE(ask(*server, request("GET /healthz")).starts_with("HTTP/1.1 200 "));
}

}  // namespace
}  // namespace headgate::proxy
