#pragma once

#include "policy/config/snapshot.h"
#include "policy/store/redis/redis_limits.h"
#include "proxy/net/redis_connection.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace headgate::proxy {

/// The connections of one coroutine to one Redis: to the server that the policy names ("home") and,
/// where that is a node of a Cluster, to the nodes that it points at, each with home's credential
/// and TLS. Connects where a call needs it. Not thread-safe; used by one Flow at a time.
class RedisNodes {
public:
    /// For a connection and its handshake. An attempt that hangs when Redis comes back must have
    /// ended within the two seconds of a recovery.
    static constexpr std::chrono::milliseconds kConnect{500};
    static constexpr std::size_t kMaxNodes = 64;

    RedisNodes(Reactor& reactor,
               Resolver& resolver,
               policy::RedisAddress home,
               std::shared_ptr<const TlsTrust> trust);

    /// Opens home where it is not open; where it does not answer, another node that is known.
    Task<RedisResult<void>> connect(Flow& flow);
    bool is_connected() { return home_->is_open(); }
    /// Ready when is_connected() may have changed.
    Interest news() const { return home_->news(); }
    /// Forgets connections and who holds what; remembers the nodes, to ask them where home is away.
    void close();

    /// Sends the call to the node that is thought to hold its key. A redirection is a reply here.
    Task<RedisResult<policy::RespValue>> ask(const policy::RedisLimits::Call& call,
                                             Flow& flow,
                                             std::chrono::milliseconds deadline);
    /// The same, with up to kMaxRedirections followed.
    Task<RedisResult<policy::RespValue>> ask_following(const policy::RedisLimits::Call& call,
                                                       Flow& flow,
                                                       std::chrono::milliseconds deadline);
    static constexpr int kMaxRedirections = 5;

    /// From now on that key's calls go to `address`, "host:port"; `is_asking`: only the next one,
    /// after an ASKING. False: no address.
    bool redirect(const std::string& shard_key, std::string_view address, bool is_asking);

private:
    /// Of one "host:port"; null: not an address, or too many nodes.
    RedisConnection* node(std::string_view address);
    Task<RedisResult<void>> open_home(Flow& flow);
    Task<RedisResult<void>> learn_nodes(Flow& flow);

    Reactor& reactor_;
    Resolver& resolver_;
    policy::RedisAddress named_;  // by the policy
    std::shared_ptr<const TlsTrust> trust_;
    std::unique_ptr<RedisConnection> home_;
    std::map<std::string, std::unique_ptr<RedisConnection>, std::less<>> nodes_;
    std::unordered_map<std::string, std::string> routes_;  // shard key to "host:port"
    std::vector<policy::RedisAddress> known_;              // other nodes of the Cluster
    std::size_t next_known_ = 0;
    std::string asking_;  // where the next call goes, after ASKING; empty: by its key
};

/// "host:port" as redirections spell it, also of IPv6, with everything else as in `like`; an empty
/// host is `like`'s. False: not an address.
bool parse_node_address(std::string_view text,
                        const policy::RedisAddress& like,
                        policy::RedisAddress& address);

}  // namespace headgate::proxy
