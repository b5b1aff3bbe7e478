// The coroutine of SharedLimits that talks to Redis.
#include "proxy/limits/shared_limits.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace headgate::proxy {
namespace {

using policy::RedisLimits;
using policy::RespValue;
using Outcome = RedisLimits::Outcome;

constexpr std::chrono::milliseconds kFirstBackoff{10};
constexpr std::chrono::milliseconds kLongestBackoff{1000};
constexpr int kDoublings = 7;
/// An idle worker notices a Redis that has lost its data, and that it is away, after this.
constexpr std::chrono::milliseconds kAskEvery{1000};
/// How long settlements are still sent after the end was called for.
constexpr std::chrono::milliseconds kFarewell{500};
/// Answers to one call that ask for something first: a script, a report, other nodes.
constexpr int kMaxSteps = 12;

std::unexpected<RedisFailure> failure(RedisFailure::Kind kind, std::string problem) {
    return std::unexpected{RedisFailure{kind, std::move(problem)}};
}

}  // namespace

void SharedLimits::begin() {
    flow_ = std::make_unique<Flow>(reactor_);
    is_running_ = true;
    start(run());
    if (heartbeat_) {
        heartbeat_->begin();
    }
}

void SharedLimits::finish() {
    if (is_finishing_) {
        return;
    }
    if (heartbeat_) {
        heartbeat_->finish();
    }
    is_finishing_ = true;
    stop_by_ = std::chrono::steady_clock::now() + kFarewell;
    if (is_running_ && (is_resting_ || is_backing_off_)) {
        flow_->wake();
    }
}

Task<void> SharedLimits::run() {
    while (goes_on()) {
        std::string problem;
        try {
            const RedisResult<void> done = co_await turn();
            if (!done) {
                problem = done.error().problem;
            }
        } catch (const std::exception& error) {
            problem = error.what();  // out of memory or descriptors: as if Redis were away
        }
        if (!problem.empty()) {
            fall(problem);
        }
    }
    is_running_ = false;
    nodes_.close();
    release_waiting();
    flow_.reset();
}

bool SharedLimits::goes_on() {
    const auto now = std::chrono::steady_clock::now();
    if (flow_->is_cancelled()) {
        if (is_stopped_) {
            return false;
        }
        is_stopped_ = true;
        stop_by_ = now + kFarewell;
        flow_ = std::make_unique<Flow>(reactor_);
    }
    if (is_stopped_) {
        return (held_ > 0 || limits_.has_work()) && now < stop_by_;
    }
    return !is_finishing_ || (limits_.has_work() && now < stop_by_);
}

Task<RedisResult<void>> SharedLimits::turn() {
    if (state_ != State::up) {
        co_return co_await return_home();
    }
    if (std::optional<RedisLimits::Call> call = limits_.next_call()) {
        co_return co_await carry(std::move(*call));
    }
    co_return co_await rest();
}

/// Waits for work, or for the end of the connection: then a new one is there before it is needed.
Task<RedisResult<void>> SharedLimits::rest() {
    if (!nodes_.is_connected()) {
        co_return co_await nodes_.connect(*flow_);
    }
    auto time = kAskEvery;
    if (is_stopped_) {
        time = std::min(time, std::chrono::ceil<std::chrono::milliseconds>(
                                  stop_by_ - std::chrono::steady_clock::now()));
    }
    is_resting_ = true;
    const Wake wake = co_await flow_->sleep(time, nodes_.news());
    is_resting_ = false;
    if (wake == Wake::deadline && !is_stopped_) {
        limits_.ask();
    }
    co_return RedisResult<void>{};
}

Task<RedisResult<void>> SharedLimits::return_home() {
    if (failures_ > 0) {
        is_backing_off_ = true;
        const Wake wake = co_await flow_->sleep(backoff());
        is_backing_off_ = false;
        if (wake == Wake::stopped) {
            co_return RedisResult<void>{};
        }
    }
    RedisResult<void> done = co_await open_and_prove();
    if (done) {
        come_back();
    }
    co_return done;
}

/// A Redis is back when it takes a write in time and has all that it is owed: nobody waits for one
/// that accepts connections and then is slow, loads its data or is a replica.
Task<RedisResult<void>> SharedLimits::open_and_prove() {
    const auto since = std::chrono::steady_clock::now();
    RedisResult<void> done = co_await nodes_.connect(*flow_);
    observe(Operation::connect, since);
    if (!done) {
        co_return done;
    }
    limits_.ask();
    while (std::optional<RedisLimits::Call> call = limits_.next_call()) {
        done = co_await carry(std::move(*call));
        if (!done) {
            co_return done;
        }
    }
    co_return RedisResult<void>{};
}

Task<RedisResult<void>> SharedLimits::carry(RedisLimits::Call call) {
    is_in_flight_ = true;
    for (int step = 0; step < kMaxSteps; ++step) {
        const auto since = std::chrono::steady_clock::now();
        RedisResult<RespValue> reply =
            co_await nodes_.ask(call, *flow_, process_.settings().deadline);
        observe(Operation::limits, since);
        if (!reply) {
            co_return std::unexpected{std::move(reply.error())};
        }
        answers_.clear();
        const Outcome outcome = limits_.take(*reply, answers_);
        if (outcome == Outcome::done) {
            is_in_flight_ = false;
            failures_ = 0;
            deliver();
            co_return RedisResult<void>{};
        }
        RedisResult<void> prepared = co_await prepare(outcome, call.shard_key);
        if (!prepared) {
            co_return prepared;
        }
        call = limits_.resend();
    }
    co_return failure(RedisFailure::Kind::malformed, "a call that never gets its answer");
}

/// What Redis wants before it answers.
Task<RedisResult<void>> SharedLimits::prepare(Outcome outcome, const std::string& shard_key) {
    switch (outcome) {
        case Outcome::load_script: {
            RedisResult<bool> loaded = co_await load_script(nodes_, limits_, shard_key, *flow_);
            if (!loaded) {
                co_return std::unexpected{std::move(loaded.error())};
            }
            if (!*loaded) {
                limits_.use_eval();
            }
            break;
        }
        case Outcome::report: {
            if (!process_.may_report()) {
                co_return failure(RedisFailure::Kind::refused,
                                  "it has lost its data, and what was spent is not known yet");
            }
            const auto since = std::chrono::steady_clock::now();
            // Once more with the next heartbeat: by then the records may know more of others.
            process_.ask_for_report();
            RedisResult<void> reported = co_await send_report(nodes_, limits_, process_, *flow_);
            observe(Operation::report, since);
            co_return reported;
        }
        case Outcome::elsewhere:
            if (!nodes_.redirect(shard_key, limits_.address(), limits_.must_ask())) {
                co_return failure(RedisFailure::Kind::malformed, "a redirection to no address");
            }
            break;
        case Outcome::unwilling:
            co_return failure(RedisFailure::Kind::refused, printable(limits_.problem()));
        case Outcome::faulty:
            co_return failure(RedisFailure::Kind::malformed, printable(limits_.problem()));
        case Outcome::done:
            break;
    }
    co_return RedisResult<void>{};
}

void SharedLimits::kick() {
    if (is_running_ && is_resting_) {
        flow_->wake();
    }
}

/// All decisions first: an exchange that goes on may end others that wait.
void SharedLimits::deliver() {
    for (const RedisLimits::Answer& answer : answers_) {
        const auto found = waiting_.find(answer.ticket);
        if (found != waiting_.end()) {
            found->second->decision = answer.decision;
        }
    }
    for (const RedisLimits::Answer& answer : answers_) {
        const auto found = waiting_.find(answer.ticket);
        if (found != waiting_.end()) {
            found->second->flow.wake();
        }
    }
}

/// Ends a turn that failed. A coroutine that is being stopped has lost nothing but its connection.
void SharedLimits::fall(std::string_view problem) {
    nodes_.close();
    if (is_in_flight_) {
        is_in_flight_ = false;
        limits_.lose();
    }
    if (!flow_->is_cancelled()) {
        ++failures_;
        become_away(problem);
    }
    release_waiting();
}

void SharedLimits::become_away(std::string_view problem) {
    if (state_ != State::away) {
        process_.worker_is_away(state_ == State::up, problem);
        state_ = State::away;
    }
}

void SharedLimits::release_waiting() {
    std::vector<Ticket> tickets;
    for (const auto& [ticket, waiting] : waiting_) {
        if (!waiting->decision) {
            waiting->is_lost = true;
            limits_.abandon(ticket);
            tickets.push_back(ticket);
        }
    }
    for (const Ticket ticket : tickets) {
        const auto found = waiting_.find(ticket);
        if (found != waiting_.end()) {
            found->second->flow.wake();
        }
    }
}

void SharedLimits::come_back() {
    if (state_ != State::up) {
        process_.worker_is_up(state_ == State::away);
        state_ = State::up;
    }
}

/// Doubles from 10 ms to a second, less up to a half by chance, so that processes do not come in
/// step.
std::chrono::milliseconds SharedLimits::backoff() {
    const int doublings = std::min(failures_ - 1, kDoublings);
    const std::chrono::milliseconds longest =
        std::min(kFirstBackoff * (1 << doublings), kLongestBackoff);
    std::uniform_int_distribution<std::chrono::milliseconds::rep> wait{longest.count() / 2,
                                                                       longest.count()};
    std::chrono::milliseconds chosen{wait(random_)};
    if (is_stopped_ || is_finishing_) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(
            stop_by_ - std::chrono::steady_clock::now());
        chosen = std::clamp(left, std::chrono::milliseconds{0}, chosen);
    }
    return chosen;
}

void SharedLimits::observe(Operation operation, std::chrono::steady_clock::time_point since) {
    if (observer_) {
        observer_(operation, std::chrono::steady_clock::now() - since);
    }
}

}  // namespace headgate::proxy
