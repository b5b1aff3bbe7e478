#include "proxy/pipeline/exchange.h"

#include "policy/config/loader.h"
#include "proxy/pipeline/worker.h"

#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace headgate::proxy {
namespace {

constexpr std::string_view kPolicy = R"(
listen: 127.0.0.1:0
providers: {sim: {kind: simulator, tokens: 5, first_byte: 0ms, token_delay: 0ms}}
projects: {demo: {keys: [{name: k, key: hg-test-key-0000000000000000000}]}}
)";

std::string request_for(std::string_view body) {
    return "POST /v1/chat/completions HTTP/1.1\r\nHost: gateway\r\n"
           "Authorization: Bearer hg-test-key-0000000000000000000\r\n"
           "Content-Type: application/json\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + std::string{body};
}

constexpr std::string_view kPlain =
    R"({"model":"gpt-4o-mini","messages":[{"role":"user","content":"hello"}]})";
constexpr std::string_view kStream =
    R"({"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"hello"}]})";

/// A worker with one client on a socket pair, and a file for its access log.
class Bench {
public:
    Bench() {
        const auto folder = std::filesystem::temp_directory_path();
        const std::string name = "headgate_exchange_" + std::to_string(::getpid());
        log_path_ = folder / (name + ".log");
        const auto policy_path = folder / (name + ".yaml");
        std::ofstream{policy_path} << kPolicy;
        policy::LoadResult loaded = policy::load_policy(policy_path, {});
        std::filesystem::remove(policy_path);
        EXPECT_TRUE(loaded.snapshot);
        process_ = std::make_unique<Process>();
        process_->log = [this](policy::LogLevel, std::string_view text) { told_ += text; };
        process_->connections.set_limits(10, 10);
        auto policy =
            make_loaded_policy(std::move(loaded.snapshot), loaded.tree, accounts_, nullptr);
        EXPECT_TRUE(policy);
        directory_ = folder / name;
        std::filesystem::create_directory(directory_);
        policy::StateSettings state;
        state.directory = directory_.string();
        state.records = policy::RecordsKind::none;
        process_->bookkeeping = Bookkeeping::open({.state = state,
                                                   .accounts = accounts_,
                                                   .workers = 1,
                                                   .log = process_->log,
                                                   .expired = {},
                                                   .alert = {},
                                                   .sums_known = {},
                                                   .others_known = {},
                                                   .stored = {},
                                                   .committed = {}})
                                    .value();
        worker_ = std::make_unique<Worker>(*process_, 0, std::move(*policy),
                                           metrics::AccessLog::open(log_path_.string()).value());
        std::array<int, 2> ends{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
        client_ = ends[0];
        process_->connections.try_add("test");
        ClientSession::serve(*worker_, ends[1], "test");
    }
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;
    ~Bench() {
        close_client();
        std::filesystem::remove(log_path_);
        std::filesystem::remove_all(directory_);
    }

    Worker& worker() { return *worker_; }
    void send(std::string_view bytes) {
        ASSERT_EQ(::send(client_, bytes.data(), bytes.size(), 0),
                  static_cast<ssize_t>(bytes.size()));
    }
    void close_client() {
        if (client_ >= 0) {
            ::close(std::exchange(client_, -1));
        }
    }
    std::string received() {
        std::string all;
        std::array<char, 4096> buffer{};
        for (ssize_t got = 0; (got = ::recv(client_, buffer.data(), buffer.size(), 0)) > 0;) {
            all.append(buffer.data(), static_cast<std::size_t>(got));
        }
        return all;
    }
    /// The rows, once the worker has ended.
    std::string rows() {
        worker_.reset();
        std::ostringstream text;
        text << std::ifstream{log_path_}.rdbuf();
        return text.str();
    }
    const std::string& told() const { return told_; }

private:
    std::filesystem::path log_path_;
    policy::Accounts accounts_;
    std::filesystem::path directory_;
    std::unique_ptr<Process> process_;
    std::unique_ptr<Worker> worker_;
    std::string told_;
    int client_ = -1;
};

/// Calls `act` at the `round`-th turn of the loop from now.
void at_round(Reactor& reactor, int round, std::function<void()> act) {
    reactor.post([&reactor, round, act = std::move(act)]() mutable {
        if (round == 0) {
            act();
        } else {
            at_round(reactor, round - 1, std::move(act));
        }
    });
}

std::size_t count(std::string_view text, std::string_view part) {
    std::size_t found = 0;
    for (std::size_t at = 0; (at = text.find(part, at)) != std::string_view::npos;
         at += part.size()) {
        ++found;
    }
    return found;
}

class CancelAtEveryStep : public testing::TestWithParam<std::string_view> {};

TEST_P(CancelAtEveryStep, LeavesOneRowAndNoFlow) {
    const std::string request = request_for(GetParam());
    for (int round = 0; round < 60; ++round) {
        Bench bench;
        bench.send(request);
        Reactor& reactor = bench.worker().reactor();
        at_round(reactor, round, [&] { bench.worker().stop(); });

        bench.worker().run();

        EXPECT_EQ(reactor.flows(), 0U) << "round " << round;
        EXPECT_EQ(bench.worker().counters().requests_in_flight.value(), 0) << "round " << round;
        EXPECT_EQ(bench.worker().counters().streams_in_flight.value(), 0) << "round " << round;
        EXPECT_EQ(bench.worker().counters().unsettled.value(), 0) << "round " << round;
        const std::string rows = bench.rows();
        EXPECT_LE(count(rows, "\n"), 1U) << rows;
        EXPECT_EQ(bench.told(), "");
    }
}

TEST_P(CancelAtEveryStep, LeavesOneRowWhenTheClientGoes) {
    const std::string request = request_for(GetParam());
    for (int round = 0; round < 60; ++round) {
        Bench bench;
        bench.send(request);
        Reactor& reactor = bench.worker().reactor();
        at_round(reactor, round, [&] {
            bench.close_client();
            bench.worker().drain();
        });

        bench.worker().run();

        EXPECT_EQ(reactor.flows(), 0U) << "round " << round;
        EXPECT_EQ(bench.worker().counters().unsettled.value(), 0) << "round " << round;
        const std::string rows = bench.rows();
        EXPECT_LE(count(rows, "\n"), 1U) << rows;
        EXPECT_EQ(
            count(rows, R"("outcome":"complete")") + count(rows, R"("outcome":"client_gone")"),
            count(rows, "\n"))
            << rows;
    }
}

INSTANTIATE_TEST_SUITE_P(Both, CancelAtEveryStep, testing::Values(kPlain, kStream));

TEST(Exchange, AnswersPipelinedRequestsInTheirOrder) {
    Bench bench;
    bench.send(request_for(kPlain) + request_for("{") + request_for(kPlain));
    bench.worker().drain();

    bench.worker().run();

    // Draining closes the connection behind the first answer.
    EXPECT_EQ(count(bench.received(), "HTTP/1.1 200 OK"), 1U);
}

TEST(Exchange, KeepsTheConnectionForTheNextRequest) {
    Bench bench;
    bench.send(request_for(kPlain) + request_for("{") + request_for(kPlain));
    Reactor& reactor = bench.worker().reactor();
    std::string seen;
    const std::function<void()> look = [&] {
        seen += bench.received();
        if (count(seen, "HTTP/1.1 ") < 3) {
            reactor.post(look);
        } else {
            bench.worker().drain();
        }
    };
    reactor.post(look);

    bench.worker().run();

    EXPECT_EQ(count(seen, "HTTP/1.1 200 OK"), 2U) << seen;
    EXPECT_EQ(count(seen, "HTTP/1.1 400 Bad Request"), 1U) << seen;
    EXPECT_EQ(count(bench.rows(), "\n"), 3U);
}

}  // namespace
}  // namespace headgate::proxy
