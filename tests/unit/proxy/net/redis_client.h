#pragma once

#include "proxy/net/redis_connection.h"

#include <chrono>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace headgate::proxy {

/// A connection and the coroutine of a test that uses it.
struct Client {
    explicit Client(policy::RedisAddress address, std::shared_ptr<const TlsTrust> trust = nullptr)
        : connection{reactor, resolver, std::move(address), std::move(trust)} {}

    /// A bound for broken code, not a pace.
    static constexpr std::chrono::seconds kPatience{20};

    using Script = Task<void> (*)(Client&);

    void run(Script script) {
        start(run_in_flow(*this, script));
        reactor.stop();
        reactor.run();
    }

    std::string text() const { return reply ? reply->text : std::string{"no reply"}; }

    Reactor reactor;
    Resolver resolver{1};
    RedisConnection connection;
    Flow* flow = nullptr;
    RedisResult<void> opened;
    RedisResult<policy::RespValue> reply;
    bool was_open = false;

private:
    static Task<void> run_in_flow(Client& client, Script script) {
        Flow flow{client.reactor};
        client.flow = &flow;
        client.opened = co_await client.connection.open(flow, kPatience);
        if (client.opened) {
            co_await script(client);
        }
        client.connection.close();
        client.flow = nullptr;
    }
};

inline Task<void> look_at_it(Client& client) {
    client.was_open = client.connection.is_open();
    co_return;
}

inline Task<void> ask(Client& client, std::initializer_list<std::string_view> words) {
    const std::string bytes = policy::resp_command({words.begin(), words.size()});
    client.reply = co_await client.connection.call(bytes, *client.flow, Client::kPatience);
    client.was_open = client.connection.is_open();
}

}  // namespace headgate::proxy
