#pragma once

#include "policy/store/redis/shard_call.h"

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::policy {

/// What the script told of an applied call ("a…" in limits_script.cpp).
struct ShardReply {
    bool is_loading = false;
    std::string_view grants;  // '1' or '0' an admission; looks into the reply
    std::vector<double> numbers;
};

/// The error says why it is no answer to `call`.
std::expected<ShardReply, std::string> parse_shard_reply(const ShardCall& call,
                                                         std::string_view reply);

/// Works the decisions out from the counters as they were before the admissions: the script tells
/// those, and what it granted. The error: what it granted does not follow from the counters.
std::expected<std::vector<Decision>, std::string> decisions_of(const ShardCall& call,
                                                               ShardReply reply);

}  // namespace headgate::policy
