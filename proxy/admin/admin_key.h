#pragma once

#include "policy/config/snapshot.h"
#include "policy/keys/project.h"
#include "providers/base/clock.h"
#include "providers/contract/result.h"

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

namespace headgate::proxy {

/// Whether the Authorization header carries one of `keys` as a Bearer token; compared by digest
/// and in constant time: its name. Errors: missing_api_key, invalid_api_key.
providers::Result<std::string> check_admin_key(std::span<const policy::AdminKey> keys,
                                               policy::KeyHasher& hasher,
                                               std::string_view authorization);

/// How long an answer to a wrong key waits, by the address that it came from: a millisecond more
/// each time, at most 50. Forgets every minute.
class WrongKeyDelays {
public:
    std::chrono::milliseconds next(const std::string& peer, providers::SteadyTime now);

private:
    std::unordered_map<std::string, int> counts_;
    providers::SteadyTime forget_at_;
};

}  // namespace headgate::proxy
