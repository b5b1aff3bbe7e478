#pragma once

#include "policy/store/redis/redis_limits.h"
#include "policy/store/redis/resp.h"

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::policy::testing {

/// A blocking connection. Throws std::runtime_error where it fails.
class RedisConnection {
public:
    /// "unix:/path" or "127.0.0.1:port".
    explicit RedisConnection(const std::string& address);
    ~RedisConnection();
    RedisConnection(const RedisConnection&) = delete;
    RedisConnection& operator=(const RedisConnection&) = delete;

    void send(std::string_view bytes);
    RespValue receive();
    RespValue ask(std::initializer_list<std::string_view> words);

private:
    int socket_ = -1;
    RespReader reader_;
};

/// RedisLimits with a connection, as the shell around it would use it: sends calls one at a time
/// and obeys their Outcome, until nothing is left to do.
class BlockingLimits {
public:
    BlockingLimits(const RedisLimits::Settings& settings,
                   std::string address,
                   const Accounts& accounts);

    RedisLimits& limits() { return limits_; }

    /// Sends all that waits, adds the answers to `answers`.
    void run(std::vector<RedisLimits::Answer>& answers);
    void run();

    /// One admission, to its decision.
    Decision admit(const Subject& subject, const Demand& demand);
    /// Settles, adds the cost to the accounts, and sends.
    void settle(const Subject& subject, const Settled& settled);

    /// Sends the next call and lets its reply be lost, after Redis has applied it.
    void run_and_lose();
    /// Sends the next call, then once more, and takes the second reply.
    void run_twice(std::vector<RedisLimits::Answer>& answers);

    /// Drops all connections: the next call makes them anew.
    void reconnect() { connections_.clear(); }

    void report();
    int heartbeat();

    /// What other instances are known to have spent, and how many processes were seen.
    std::vector<RedisLimits::OtherTotal> others;
    int processes_seen = 0;
    int reports = 0;       // how often Redis had to be told all
    int redirections = 0;  // of a cluster

private:
    RedisConnection& connection(const std::string& shard_key);
    RespValue exchange(const RedisLimits::Call& call);
    void follow(const std::string& shard_key);
    void obey(const RedisLimits::Call& call,
              RespValue reply,
              std::vector<RedisLimits::Answer>& answers);

    RedisLimits::Settings settings_;
    RedisLimits limits_;
    std::string address_;
    const Accounts& accounts_;
    std::map<std::string, std::unique_ptr<RedisConnection>> connections_;  // by address
    std::map<std::string, std::string> homes_;                             // address by shard key
    RedisLimits::Ticket latest_ = 0;
};

/// Adds a cost to the day of the project and of the organization, as the gateway does where it
/// settles.
void add_to_accounts(const Subject& subject, Day day, providers::Money cost);

}  // namespace headgate::policy::testing
