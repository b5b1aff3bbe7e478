#include "proxy/limits/redis_heartbeat.h"

#include "proxy/limits/redis_calls.h"

#include <exception>
#include <utility>

namespace headgate::proxy {

RedisHeartbeat::RedisHeartbeat(Reactor& reactor,
                               SharedLimitsProcess& process,
                               std::function<void(std::chrono::nanoseconds)> observe)
    : reactor_{reactor},
      process_{process},
      observe_{std::move(observe)},
      reporter_{process.of_worker(0)},
      nodes_{reactor, process.resolver(), process.settings().address, process.settings().trust} {}

void RedisHeartbeat::begin() {
    start(run());
}

void RedisHeartbeat::finish() {
    is_finishing_ = true;
    if (sleeping_ != nullptr) {
        sleeping_->wake();
    }
}

Task<void> RedisHeartbeat::run() {
    Flow flow{reactor_};
    while (!is_finishing_ && !flow.is_cancelled()) {
        bool is_well = false;
        try {
            is_well = (co_await beat_once(flow)).has_value();
        } catch (const std::exception&) {
            is_well = false;  // out of memory or descriptors: the next one may do
        }
        if (!is_well) {
            nodes_.close();
        }
        if (!is_finishing_) {
            sleeping_ = &flow;
            co_await flow.sleep(is_well ? kEvery : kAgain);
            sleeping_ = nullptr;
        }
    }
    nodes_.close();
}

Task<RedisResult<void>> RedisHeartbeat::beat_once(Flow& flow) {
    RedisResult<void> done = co_await nodes_.connect(flow);
    if (!done) {
        co_return done;
    }
    const auto since = std::chrono::steady_clock::now();
    done = co_await beat(nodes_, process_, flow);
    observe_(std::chrono::steady_clock::now() - since);
    if (!done) {
        co_return done;
    }
    if (process_.takes_report()) {
        done = co_await send_report(nodes_, reporter_, process_, flow);
        if (!done) {
            process_.ask_for_report();
        }
    }
    co_return done;
}

}  // namespace headgate::proxy
