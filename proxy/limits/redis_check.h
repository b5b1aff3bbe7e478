#pragma once

#include "policy/config/snapshot.h"
#include "proxy/net/tls.h"

#include <chrono>
#include <expected>
#include <memory>
#include <string>

namespace headgate::proxy {

/// The certificate authorities for a rediss:// address, the system's; null for other addresses.
std::expected<std::shared_ptr<const TlsTrust>, std::string> redis_trust(
    const policy::RedisAddress& address);

/// What was found at start; the process may go on.
struct StartCheck {
    bool is_up = false;
    std::string warning;  // empty: all is well. Else one line for the log
};

/// Asks a Redis at start whether it keeps what it is given. The error, one line, is a reason not to
/// start: it evicts keys (any maxmemory-policy but noeviction), so that counters of limits and
/// budgets would vanish. Redis being away, a credential that it does not take, or a setting that
/// cannot be read are warnings. Blocks for `deadline` at most, but for the system's resolver.
std::expected<StartCheck, std::string> check_redis(const policy::RedisAddress& address,
                                                   std::chrono::milliseconds deadline,
                                                   std::shared_ptr<const TlsTrust> trust = nullptr);

}  // namespace headgate::proxy
