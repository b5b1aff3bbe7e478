#include "proxy/limits/redis_calls.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace headgate::proxy {
namespace {

using policy::RedisLimits;
using policy::RespValue;

}  // namespace

RedisFailure failure_from(const RespValue& reply) {
    return reply.kind == RespValue::Kind::error
               ? RedisFailure{RedisFailure::Kind::refused, printable(reply.text)}
               : RedisFailure{RedisFailure::Kind::malformed, "not a reply to what was asked"};
}

Task<RedisResult<bool>> load_script(RedisNodes& nodes,
                                    const RedisLimits& limits,
                                    const std::string& shard_key,
                                    Flow& flow) {
    const RedisLimits::Call load{limits.script_load(), shard_key};
    RedisResult<RespValue> reply = co_await nodes.ask(load, flow, kPatientDeadline);
    if (!reply) {
        co_return std::unexpected{std::move(reply.error())};
    }
    co_return reply->kind != RespValue::Kind::error;
}

Task<RedisResult<void>> send_report(RedisNodes& nodes,
                                    RedisLimits& limits,
                                    SharedLimitsProcess& process,
                                    Flow& flow) {
    const std::vector<RedisLimits::Call> calls =
        limits.report_calls(process.accounts(), process.others(), process.processes_seen());
    for (const RedisLimits::Call& call : calls) {
        const RedisResult<RespValue> reply =
            co_await nodes.ask_following(call, flow, kPatientDeadline);
        if (!reply) {
            co_return std::unexpected{reply.error()};
        }
        if (limits.take_report(*reply) != RedisLimits::Outcome::done) {
            co_return std::unexpected{
                RedisFailure{RedisFailure::Kind::refused, printable(limits.problem())}};
        }
    }
    co_return RedisResult<void>{};
}

Task<RedisResult<void>> beat(RedisNodes& nodes, SharedLimitsProcess& process, Flow& flow) {
    const RedisLimits::Settings settings = process.of_worker(0);
    std::vector<std::string> shards;
    if (settings.shards_by_project) {
        for (const std::shared_ptr<policy::Account>& account : process.accounts().all()) {
            if (!account->id().empty()) {
                shards.push_back(account->id());
            }
        }
    } else {
        shards.emplace_back();
    }
    int seen = 0;
    for (const std::string& shard : shards) {
        const RedisLimits::Call call = RedisLimits::heartbeat(settings, shard);
        const RedisResult<RespValue> reply =
            co_await nodes.ask_following(call, flow, kPatientDeadline);
        if (!reply) {
            co_return std::unexpected{reply.error()};
        }
        const std::optional<int> processes = RedisLimits::processes(*reply);
        if (!processes) {
            co_return std::unexpected{failure_from(*reply)};
        }
        seen = std::max(seen, *processes);
    }
    if (seen > 0) {
        process.saw_processes(seen);
    }
    co_return RedisResult<void>{};
}

}  // namespace headgate::proxy
