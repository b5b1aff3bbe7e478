#include "tests/conformance/limits/blocking_redis.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <mutex>
#include <stdexcept>

namespace headgate::policy::testing {

namespace {

using Outcome = RedisLimits::Outcome;

int connect_unix(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(made, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        throw std::runtime_error("cannot connect to " + path);
    }
    return made;
}

int connect_loopback(const std::string& port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(port)));
    const int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(made, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        throw std::runtime_error("cannot connect to port " + port);
    }
    const int yes = 1;
    setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return made;
}

}  // namespace

RedisConnection::RedisConnection(const std::string& address)
    : socket_{address.starts_with("unix:")
                  ? connect_unix(address.substr(5))
                  : connect_loopback(address.substr(address.rfind(':') + 1))} {}

RedisConnection::~RedisConnection() {
    close(socket_);
}

void RedisConnection::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) {
            throw std::runtime_error("the connection to Redis broke");
        }
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

RespValue RedisConnection::receive() {
    char bytes[16384];
    while (true) {
        if (std::optional<RespValue> reply = reader_.next()) {
            return *std::move(reply);
        }
        const ssize_t size = reader_.is_broken() ? -1 : recv(socket_, bytes, sizeof bytes, 0);
        if (size <= 0) {
            throw std::runtime_error("the connection to Redis broke");
        }
        reader_.feed({bytes, static_cast<std::size_t>(size)});
    }
}

RespValue RedisConnection::ask(std::initializer_list<std::string_view> words) {
    send(resp_command(std::span{words.begin(), words.size()}));
    return receive();
}

BlockingLimits::BlockingLimits(const RedisLimits::Settings& settings,
                               std::string address,
                               const Accounts& accounts)
    : settings_{settings}, limits_{settings}, address_{std::move(address)}, accounts_{accounts} {}

RedisConnection& BlockingLimits::connection(const std::string& shard_key) {
    const auto home = homes_.find(shard_key);
    const std::string& address = home == homes_.end() ? address_ : home->second;
    std::unique_ptr<RedisConnection>& found = connections_[address];
    if (found == nullptr) {
        found = std::make_unique<RedisConnection>(address);
    }
    return *found;
}

RespValue BlockingLimits::exchange(const RedisLimits::Call& call) {
    RedisConnection& redis = connection(call.shard_key);
    redis.send(call.bytes);
    return redis.receive();
}

void BlockingLimits::follow(const std::string& shard_key) {
    ++redirections;
    homes_[shard_key] = limits_.address();
    if (limits_.must_ask()) {
        connection(shard_key).ask({"ASKING"});
    }
}

void BlockingLimits::obey(const RedisLimits::Call& call,
                          RespValue reply,
                          std::vector<RedisLimits::Answer>& answers) {
    while (true) {
        switch (limits_.take(reply, answers)) {
            case Outcome::done:
                return;
            case Outcome::load_script:
                exchange({.bytes = limits_.script_load(), .shard_key = call.shard_key});
                break;
            case Outcome::report:
                ++reports;
                report();
                break;
            case Outcome::elsewhere:
                follow(call.shard_key);
                break;
            case Outcome::unwilling:
            case Outcome::faulty:
                throw std::runtime_error("Redis said: " + limits_.problem());
        }
        reply = exchange(limits_.resend());
    }
}

void BlockingLimits::run(std::vector<RedisLimits::Answer>& answers) {
    while (const std::optional<RedisLimits::Call> call = limits_.next_call()) {
        obey(*call, exchange(*call), answers);
    }
}

void BlockingLimits::run() {
    std::vector<RedisLimits::Answer> answers;
    run(answers);
}

Decision BlockingLimits::admit(const Subject& subject, const Demand& demand) {
    std::vector<RedisLimits::Answer> answers;
    limits_.admit(++latest_, subject, demand);
    run(answers);
    if (answers.size() != 1 || answers[0].ticket != latest_) {
        throw std::runtime_error("not one answer to one admission");
    }
    return answers[0].decision;
}

void BlockingLimits::settle(const Subject& subject, const Settled& settled) {
    limits_.settle(subject, settled);
    add_to_accounts(subject, settled.held.day, settled.cost);
    run();
}

void BlockingLimits::run_and_lose() {
    const std::optional<RedisLimits::Call> call = limits_.next_call();
    exchange(call.value());
    limits_.lose();
}

void BlockingLimits::run_twice(std::vector<RedisLimits::Answer>& answers) {
    const std::optional<RedisLimits::Call> call = limits_.next_call();
    exchange(call.value());
    obey(*call, exchange(limits_.resend()), answers);
}

void BlockingLimits::report() {
    for (const RedisLimits::Call& call : limits_.report_calls(accounts_, others, processes_seen)) {
        while (true) {
            const Outcome outcome = limits_.take_report(exchange(call));
            if (outcome == Outcome::done) {
                break;
            }
            if (outcome != Outcome::elsewhere) {
                throw std::runtime_error("a report failed: " + limits_.problem());
            }
            follow(call.shard_key);
        }
    }
}

int BlockingLimits::heartbeat() {
    const RespValue reply = exchange(RedisLimits::heartbeat(settings_));
    const std::optional<int> processes = RedisLimits::processes(reply);
    if (!processes) {
        throw std::runtime_error("a heartbeat failed: " + reply.text);
    }
    return *processes;
}

void add_to_accounts(const Subject& subject, Day day, providers::Money cost) {
    for (Account* account :
         {subject.project->organization_account.get(), subject.project->account.get()}) {
        const std::lock_guard lock{account->mutex()};
        account->add(day, cost.nanos(), 0);
    }
}

}  // namespace headgate::policy::testing
