#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

namespace headgate::policy::testing {

/// A redis-server of its own, in a directory of its own, until the object is destroyed. Throws
/// std::runtime_error where it cannot be started.
class RedisProcess {
public:
    /// Listens on a unix socket alone.
    static std::unique_ptr<RedisProcess> on_socket();
    /// … on a free loopback port, ready to become part of a cluster.
    static std::unique_ptr<RedisProcess> for_cluster();

    ~RedisProcess();
    RedisProcess(const RedisProcess&) = delete;
    RedisProcess& operator=(const RedisProcess&) = delete;

    /// "unix:/path" or "127.0.0.1:port".
    const std::string& address() const { return address_; }

    /// Ends it as a crash would, and starts it again, empty.
    void restart();

private:
    RedisProcess(std::string directory, std::string address, std::vector<std::string> options);
    void start();
    void stop(int signal);

    std::string directory_;
    std::string address_;
    std::vector<std::string> options_;
    pid_t child_ = -1;
    int output_ = -1;
};

/// Three masters that share the slots.
class RedisCluster {
public:
    RedisCluster();
    std::string address(std::size_t node) const { return nodes_[node]->address(); }

private:
    std::vector<std::unique_ptr<RedisProcess>> nodes_;
};

}  // namespace headgate::policy::testing
