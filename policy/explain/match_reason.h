#pragma once

#include "policy/config/route.h"
#include "policy/routing/facts.h"

#include <string>

namespace headgate::policy {

/// Why `route` takes a request that it matches, in words: "model gpt-5 matches gpt-5*; when: header
/// x-tier = bulk, budget used >= 80%". The counterpart of mismatch().
std::string match_reason(const Route& route, const Facts& facts);

}  // namespace headgate::policy
