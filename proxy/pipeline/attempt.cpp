#include "proxy/pipeline/exchange.h"

#include <array>
#include <stdexcept>

namespace headgate::proxy {
namespace {

using Kind = policy::AttemptFailure::Kind;

constexpr std::size_t kMaxErrorBody = std::size_t{64} << 10;
constexpr std::chrono::seconds kErrorBodyTime{10};

}  // namespace

/// One upstream call: encode, connect, send, read.
Task<AttemptEnd> Exchange::attempt(const providers::Target& target) {
    call_.line = &view_->line(*target.provider);
    auto encoded = call_.line->adapter().encode(request_, target);
    if (!encoded) {
        error_ = std::move(encoded.error());
        co_return AttemptEnd::failed;
    }
    row_.attempts.push_back({target.provider->name, target.model, 0, "ok", {}});
    call_.began = worker_.reactor().now();
    Wire wire = co_await take_connection();
    for (;;) {
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
            wire = co_await open_connection();
            continue;
        }
        if (wire != Wire::ok) {
            co_return end_of(wire);
        }
        co_return co_await relay();
    }
}

/// A pooled connection or a new one; where the provider's are all in use, after waiting for one.
Task<Wire> Exchange::take_connection() {
    Upstream& upstream = *call_.line->upstream;
    if (!upstream.has_room()) {
        const auto from = std::chrono::steady_clock::now();
        const auto room = co_await upstream.wait_for_room(
            client_.flow(), deadline_before_answer(timeouts().connect), client_gone());
        waited_ += std::chrono::steady_clock::now() - from;
        if (!room) {
            co_return wire_of(room.error());
        }
    }
    call_.socket = upstream.take_idle();
    call_.is_reused = call_.socket != nullptr;
    co_return call_.is_reused ? Wire::ok : co_await open_connection();
}

/// True where a pooled connection has died without an answer to us: closed before any byte, or
/// with the 408 that some servers send to a connection that idled.
bool Exchange::is_stale(Wire wire) const {
    return (wire == Wire::broken && !call_.has_answer_bytes) ||
           (wire == Wire::ok && call_.status == 408 && !call_.keeps_alive);
}

Task<Wire> Exchange::open_connection() {
    const Tick deadline = deadline_before_answer(timeouts().connect);
    const auto from = std::chrono::steady_clock::now();
    auto opened = co_await call_.line->upstream->connect(client_.flow(), deadline, client_gone());
    waited_ += std::chrono::steady_clock::now() - from;
    if (opened) {
        call_.socket = std::move(*opened);
        co_return Wire::ok;
    }
    co_return wire_of(opened.error());
}

Wire Exchange::wire_of(const ConnectFailure& failure) {
    using enum ConnectFailure::Kind;
    if (failure.kind == interrupted) {
        return client_.flow().is_cancelled() ? Wire::stopped : Wire::client_gone;
    }
    call_.is_saturated = failure.kind == saturated;
    warn(failure.problem);
    return failure.kind == ConnectFailure::Kind::timeout ? Wire::timeout : Wire::broken;
}

/// One line a second and provider in the operator's log: the row tells the rest.
void Exchange::warn(std::string_view problem) {
    ProviderLine& line = *call_.line;
    if (worker_.reactor().tick() >= line.next_warning) {
        line.next_warning = worker_.reactor().tick_after(std::chrono::seconds{1});
        tell(policy::LogLevel::warn, problem);
    }
}

void Exchange::tell(policy::LogLevel level, std::string_view problem) {
    worker_.process().log(level, "provider " + call_.line->provider().name + ": " +
                                     std::string{problem} + " (" + std::string{row_.id} + ")");
}

/// The client's own fields that the provider's `forward_headers` lets pass; where the client sent
/// none, the policy's.
void Exchange::write_forwarded(HeadWriter& head) {
    const providers::Provider& provider = call_.line->provider();
    const auto write = [&head](bool may_pass, std::string_view name, const std::string& theirs,
                               const std::string& ours) {
        const std::string& value = theirs.empty() ? ours : theirs;
        if (may_pass && !value.empty()) {
            head.field(name, value);
        }
    };
    const providers::ForwardedHeaders& may = provider.forward_headers;
    write(may.organization, "openai-organization", facts_.organization, provider.organization);
    write(may.project, "openai-project", facts_.openai_project, provider.project);
    write(may.beta, "openai-beta", facts_.beta, {});
}

Bytes Exchange::upstream_head(const providers::UpstreamRequest& request) {
    HeadWriter head{worker_.scratch().head};
    head.request_line(request.method, request.path);
    head.lines(call_.line->wire->head_lines);
    write_forwarded(head);
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
        throw std::logic_error("a request head to " + call_.line->provider().name +
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
                settle_estimate({});  // the provider may go on and charge for it
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
    latest_ = {};
    latest_.what.kind = kind;
    latest_.is_ours =
        call_.is_saturated || (kind == Kind::timeout && (call_.waits_by_client || is_finishing_));
    return AttemptEnd::failed;
}

/// Reads an error answer's body as far as it is worth reading, and judges it.
Task<AttemptEnd> Exchange::collect_error() {
    Buffer body;
    const Tick deadline = deadline_before_answer(kErrorBodyTime);
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
    fail(Kind::status, "status");
    latest_.retry_after_lines = call_.retry_after_lines;
    latest_.error = call_.line->adapter().decode_error(call_.status, body.view());
    latest_.what.status = call_.status;
    latest_.what.is_credential = latest_.error.is_credential;
    latest_.what.is_quota = latest_.error.is_quota;
    latest_.what.retry_after = call_.retry_after;
    if (!call_.retry_after && latest_.error.is_daily) {
        latest_.what.retry_after = call_.resets_in;
    }
    call_.is_sent = false;  // an error is not charged
    row_.attempts.back().status = call_.status;
    release_upstream();
    co_return AttemptEnd::failed;
}

}  // namespace headgate::proxy
