#pragma once

#include "policy/store/redis/redis_limits.h"
#include "proxy/limits/redis_nodes.h"
#include "proxy/limits/shared_limits_process.h"
#include "proxy/net/redis_connection.h"

#include <chrono>

namespace headgate::proxy {

/// For what no client waits for: heartbeats of the second connection, reports.
inline constexpr std::chrono::milliseconds kPatientDeadline{1000};

/// The failure that an error reply stands for.
RedisFailure failure_from(const policy::RespValue& reply);

/// Loads the script of limits on the node that holds `shard_key`. False: Redis does not let us,
/// and calls have to carry it (RedisLimits::use_eval()).
Task<RedisResult<bool>> load_script(RedisNodes& nodes,
                                    const policy::RedisLimits& limits,
                                    const std::string& shard_key,
                                    Flow& flow);

/// Tells Redis all that this process knows of spent money; may be repeated.
Task<RedisResult<void>> send_report(RedisNodes& nodes,
                                    policy::RedisLimits& limits,
                                    SharedLimitsProcess& process,
                                    Flow& flow);

/// Renews the process' lease, in every shard, and notes how many processes there are.
Task<RedisResult<void>> beat(RedisNodes& nodes, SharedLimitsProcess& process, Flow& flow);

}  // namespace headgate::proxy
