#include "proxy/limits/redis_check.h"

#include "proxy/net/redis_connection.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace headgate::proxy {
namespace {

using policy::RespValue;
using Checked = std::expected<StartCheck, std::string>;

constexpr std::array<std::string_view, 3> kAsk{"CONFIG", "GET", "maxmemory-policy"};

StartCheck warning(bool is_up, const policy::RedisAddress& address, const std::string& problem) {
    return {is_up, "Redis at " + address.to_string() + ": " + problem};
}

/// "maxmemory-policy", its value; or why Redis does not tell.
Checked judge(const RespValue& reply, const policy::RedisAddress& address) {
    if (reply.kind == RespValue::Kind::error || reply.items.size() != 2) {
        return warning(true, address,
                       "cannot read its maxmemory-policy; make sure that it is noeviction");
    }
    const std::string& setting = reply.items[1].text;
    if (setting != "noeviction") {
        return std::unexpected{"Redis at " + address.to_string() + " evicts keys (" +
                               "maxmemory-policy " + printable(setting) +
                               "): counters of limits and budgets would vanish. Set it to "
                               "noeviction."};
    }
    return StartCheck{true, {}};
}

Task<void> ask(Reactor& reactor,
               RedisConnection& connection,
               std::chrono::milliseconds deadline,
               std::optional<Checked>& checked) {
    const auto until = std::chrono::steady_clock::now() + deadline;
    Flow flow{reactor};
    const RedisResult<void> opened = co_await connection.open(flow, deadline);
    if (!opened) {
        checked = warning(false, connection.address(), opened.error().problem);
        co_return;
    }
    const std::string bytes = policy::resp_command(kAsk);
    const auto left = std::max(
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()),
        std::chrono::milliseconds{1});
    const RedisResult<RespValue> reply = co_await connection.call(bytes, flow, left);
    checked = reply ? judge(*reply, connection.address())
                    : warning(false, connection.address(), reply.error().problem);
    connection.close();
}

}  // namespace

std::expected<std::shared_ptr<const TlsTrust>, std::string> redis_trust(
    const policy::RedisAddress& address) {
    if (!address.is_tls) {
        return nullptr;
    }
    return TlsTrust::load({});
}

std::expected<StartCheck, std::string> check_redis(const policy::RedisAddress& address,
                                                   std::chrono::milliseconds deadline,
                                                   std::shared_ptr<const TlsTrust> trust) {
    if (!trust) {
        auto loaded = redis_trust(address);
        if (!loaded) {
            return warning(false, address, loaded.error());
        }
        trust = std::move(*loaded);
    }
    Reactor reactor;
    Resolver resolver{1};
    RedisConnection connection{reactor, resolver, address, std::move(trust)};
    std::optional<Checked> checked;
    start(ask(reactor, connection, deadline, checked));
    reactor.stop();
    reactor.run();
    resolver.stop();
    return checked ? std::move(*checked) : Checked{warning(false, address, "no answer")};
}

}  // namespace headgate::proxy
