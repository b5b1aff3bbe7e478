#pragma once

#include "policy/store/redis/queued_admission.h"
#include "policy/store/redis/redis_limits.h"
#include "policy/store/redis/shard_call.h"
#include "policy/store/redis/tallies.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::policy {

/// One worker's part of one shard: what it holds and has yet to tell, what waits, and the call in
/// flight. RedisLimits says what the states mean:
///
///   telling   never, or no longer, does Redis know what the worker holds: it is told before
///             anything is asked (`not_begun`, `begun`); from the start, when it holds nothing
///   in doubt  a call was lost: only a probe goes out until it is known whether it was applied
class LimitsShard {
public:
    /// `settings` must outlive it. `tag` is the hash tag of its keys with braces.
    LimitsShard(const RedisLimits::Settings& settings, std::string tag);

    Tallies& tallies() { return tallies_; }
    void admit(RedisLimits::Ticket ticket, const Subject& subject, const Demand& demand);
    /// False: it has no such admission.
    bool abandon(RedisLimits::Ticket ticket);
    void ask() { is_asked_ = true; }

    bool has_work() const;
    /// The payload of the next call, which is in flight from now on. Only with has_work().
    std::string start_call();

    struct Taken {
        RedisLimits::Outcome outcome = RedisLimits::Outcome::done;
        std::string problem;
    };
    /// The script's reply to the call in flight. With `report` a new call is in flight: its
    /// payload is payload().
    Taken take(std::string_view reply, std::vector<RedisLimits::Answer>& answers);
    void lose();

    const std::string& payload() const { return payload_; }
    const std::string& tag() const { return tag_; }

    bool is_listed = false;  // among those that RedisLimits asks next

private:
    enum class Telling : std::uint8_t { not_begun, begun, done };

    void build_call();
    Taken apply(ShardCall& call, std::string_view reply, std::vector<RedisLimits::Answer>& answers);
    Taken apply_doubtful(ShardCall& call,
                         std::string_view reply,
                         std::vector<RedisLimits::Answer>& answers);
    void forget_applied();

    const RedisLimits::Settings& settings_;
    std::string tag_;
    Tallies tallies_;
    std::deque<QueuedAdmission> queue_;
    ShardCall call_;  // the latest that was sent
    std::optional<ShardCall> in_doubt_;
    std::string payload_;
    bool is_in_flight_ = false;
    bool is_asked_ = false;
    std::uint64_t number_ = 0;
    std::uint64_t acked_ = 0;
    Telling telling_ = Telling::not_begun;
};

}  // namespace headgate::policy
