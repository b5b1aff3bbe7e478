#pragma once

#include "policy/store/redis/redis_limits.h"

#include <string>
#include <string_view>

namespace headgate::policy {

/// The hash tag of an installation, or of one project of it: "{hg:NS}", "{hg:NS:PROJECT}".
std::string hash_tag(const RedisLimits::Settings& settings, std::string_view project);

inline std::string counters_key(std::string_view tag) {
    return std::string(tag) + ":limits";
}
inline std::string holdings_prefix(std::string_view tag) {
    return std::string(tag) + ":held:";
}
inline std::string holdings_key(std::string_view tag, const RedisLimits::Settings& settings) {
    return holdings_prefix(tag) + settings.instance + ":" + std::to_string(settings.life);
}
inline std::string leases_key(std::string_view tag) {
    return std::string(tag) + ":leases";
}
inline std::string seen_key(std::string_view tag) {
    return std::string(tag) + ":seen";
}

}  // namespace headgate::policy
