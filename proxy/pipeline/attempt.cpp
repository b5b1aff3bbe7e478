#include "proxy/pipeline/exchange.h"

#include <array>
#include <stdexcept>

namespace headgate::proxy {
namespace {

using Kind = Failures::Kind;

constexpr std::size_t kMaxErrorBody = std::size_t{64} << 10;
constexpr std::chrono::seconds kErrorBodyTime{10};

/// policy.md's default for `fallback_on`: the statuses that move to the next target.
constexpr std::array<int, 6> kFallbackStatuses{429, 500, 502, 503, 504, 529};

}  // namespace

/// Step 8: the targets of the plan in their order, until one has answered.
Task<void> Exchange::attempt_targets() {
    for (const providers::Target& target : plan_.targets) {
        row_.provider = target.provider->name;
        row_.model = target.model;
        const AttemptEnd end = co_await attempt(target);
        if (call_.began != std::chrono::steady_clock::time_point{}) {
            row_.attempts.back().duration = std::chrono::duration_cast<std::chrono::microseconds>(
                std::chrono::steady_clock::now() - call_.began);
        }
        if (end == AttemptEnd::client_gone || end == AttemptEnd::stopped) {
            row_.outcome = end == AttemptEnd::client_gone ? policy::Outcome::client_gone
                                                          : policy::Outcome::error;
            may_keep_alive_ = false;
            if (call_.is_sent && !call_.is_charged) {
                settle_estimate(0);  // the provider may charge for what it was asked
            }
        }
        call_ = Call{};
        if (end != AttemptEnd::failed) {
            co_return;
        }
        if (error_) {
            co_return co_await answer_error();
        }
        if (!may_move_on() || worker_.reactor().tick() >= total_deadline_) {
            break;
        }
    }
    co_await answer_failures();
}

bool Exchange::may_move_on() const {
    if (failures_.last != Kind::status) {
        return true;
    }
    return failures_.error.is_credential || failures_.error.is_quota ||
           std::ranges::find(kFallbackStatuses, failures_.status) != kFallbackStatuses.end();
}

Task<AttemptEnd> Exchange::attempt(const providers::Target& target) {
    call_.line = &worker_.line(*target.provider);
    auto encoded = call_.line->adapter->encode(request_, target);
    if (!encoded) {
        error_ = std::move(encoded.error());
        co_return AttemptEnd::failed;
    }
    row_.attempts.push_back({target.provider->name, target.model, 0, "ok", {}});
    call_.began = worker_.reactor().now();
    call_.socket = call_.line->upstream->take_idle();
    call_.is_reused = call_.socket != nullptr;
    for (;;) {
        Wire wire = call_.socket ? Wire::ok : co_await open_connection();
        if (wire != Wire::ok) {
            if (wire == Wire::broken || wire == Wire::timeout) {
                co_return fail(wire == Wire::timeout ? Kind::timeout : Kind::connect, "connect");
            }
            co_return end_of(wire);
        }
        call_.socket->attach(&client_.flow());
        send_request(*encoded);
        wire = co_await read_answer_head();
        if (call_.is_reused && is_stale(wire)) {
            // The provider gave the pooled connection up while our request was on its way. The
            // whole request is still here: once more, on a fresh connection.
            call_.socket.reset();
            call_.queue = {};
            call_.held.reset();
            call_.bytes = {};
            call_.is_reused = call_.is_request_cut = call_.has_answer_bytes = false;
            continue;
        }
        if (wire != Wire::ok) {
            co_return end_of(wire);
        }
        co_return co_await relay();
    }
}

/// True where a pooled connection has died without an answer to us: closed before any byte, or
/// with the 408 that some servers send to a connection that idled.
bool Exchange::is_stale(Wire wire) const {
    return (wire == Wire::broken && !call_.has_answer_bytes) ||
           (wire == Wire::ok && call_.status == 408 && !call_.keeps_alive);
}

Task<Wire> Exchange::open_connection() {
    const Tick deadline = std::min(until(plan_.deadlines.connect), total_deadline_);
    const auto from = std::chrono::steady_clock::now();
    auto opened = co_await call_.line->upstream->connect(client_.flow(), deadline, client_gone());
    waited_ += std::chrono::steady_clock::now() - from;
    if (opened) {
        call_.socket = std::move(*opened);
        co_return Wire::ok;
    }
    const ConnectFailure& failure = opened.error();
    if (failure.kind == ConnectFailure::Kind::interrupted) {
        co_return client_.flow().is_cancelled() ? Wire::stopped : Wire::client_gone;
    }
    warn(failure.problem);
    co_return failure.kind == ConnectFailure::Kind::timeout ? Wire::timeout : Wire::broken;
}

/// One line a second and provider in the operator's log: the row tells the rest.
void Exchange::warn(std::string_view problem) {
    ProviderLine& line = *call_.line;
    if (worker_.reactor().tick() >= line.next_warning) {
        line.next_warning = worker_.reactor().tick_after(std::chrono::seconds{1});
        worker_.process().log(policy::LogLevel::warn, "provider " + line.provider->name + ": " +
                                                          std::string{problem} + " (" +
                                                          std::string{row_.id} + ")");
    }
}

Bytes Exchange::upstream_head(const providers::UpstreamRequest& request) {
    HeadWriter head{worker_.scratch().head};
    head.request_line(request.method, request.path);
    head.lines(call_.line->head_lines);
    head.field("accept", request.accept);
    head.field("content-type", "application/json");
    head.field("content-length", request.body.size());
    if (!facts_.idempotency_key.empty()) {
        head.field("idempotency-key", facts_.idempotency_key);
    }
    if (!facts_.traceparent.empty()) {
        head.field("traceparent", facts_.traceparent);
    }
    const Bytes bytes = head.finish();
    if (!head.is_valid()) {
        throw std::logic_error("a request head to " + call_.line->provider->name +
                               " would not be valid");
    }
    return bytes;
}

/// Begins to send; what the connection does not take at once follows while the answer is awaited,
/// for a provider may answer (413, say) before it has taken all.
void Exchange::send_request(const providers::UpstreamRequest& request) {
    const providers::SplicedText::Pieces body = request.body.pieces();
    std::array<std::string_view, body.items.size() + 1> pieces;
    pieces[0] = upstream_head(request);
    std::copy_n(body.items.begin(), body.count, pieces.begin() + 1);
    call_.is_sent = true;
    const std::span all{pieces.data(), body.count + 1};
    if (!call_.queue.send(*call_.socket, all)) {
        // The provider takes no more of the request; why may still be there to read.
        call_.queue = {};
        call_.is_request_cut = true;
    }
}

AttemptEnd Exchange::end_of(Wire wire) {
    switch (wire) {
        case Wire::timeout:
            if (call_.is_sent && !call_.is_charged) {
                settle_estimate(0);  // the provider may go on and charge for it
            }
            return fail(Kind::timeout, "timeout");
        case Wire::malformed:
            return fail(Kind::invalid, "invalid");
        case Wire::client_gone:
            row_.attempts.back().reason = "client_gone";
            return AttemptEnd::client_gone;
        case Wire::stopped:
            row_.attempts.back().reason = "stopped";
            return AttemptEnd::stopped;
        case Wire::ok:
        case Wire::broken:
            break;
    }
    return fail(Kind::cut, "cut");
}

AttemptEnd Exchange::fail(Kind kind, std::string_view reason) {
    row_.attempts.back().reason = reason;
    failures_.last = kind;
    ++failures_.count;
    failures_.timed_out += kind == Kind::timeout ? 1 : 0;
    failures_.retry_after_lines.clear();
    return AttemptEnd::failed;
}

/// Reads an error answer's body as far as it is worth reading, and judges it.
Task<AttemptEnd> Exchange::collect_error() {
    Buffer body;
    const Tick deadline = std::min(until(kErrorBodyTime), total_deadline_);
    const auto take = [&] {
        while (!call_.bytes.empty() && call_.body.state() == BodyReader::State::more) {
            const Bytes data = call_.body.next(call_.bytes);
            body.append(data.substr(0, kMaxErrorBody - body.size()));
        }
    };
    take();
    Wire wire = Wire::ok;
    while (wire == Wire::ok && call_.body.state() == BodyReader::State::more &&
           body.size() < kMaxErrorBody) {
        wire = co_await read_answer_bytes(deadline);
        take();
    }
    if (wire == Wire::client_gone || wire == Wire::stopped) {
        co_return end_of(wire);
    }
    const auto retry_after = failures_.retry_after_lines;
    fail(Kind::status, "status");
    failures_.retry_after_lines = retry_after;
    failures_.status = call_.status;
    call_.is_sent = false;  // an error is not charged
    failures_.error = call_.line->adapter->decode_error(call_.status, body.view());
    failures_.rate_limited += call_.status == 429 ? 1 : 0;
    row_.attempts.back().status = call_.status;
    release_upstream();
    if (failures_.error.is_credential || failures_.error.is_quota) {
        warn(failures_.error.is_credential ? "refused our credential"
                                           : "has no quota or money left");
    }
    co_return AttemptEnd::failed;
}

}  // namespace headgate::proxy
