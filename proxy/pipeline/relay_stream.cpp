#include "proxy/net/head_writer.h"
#include "proxy/pipeline/exchange.h"

#include <array>

namespace headgate::proxy {
namespace {

using providers::StreamState;
using Kind = policy::AttemptFailure::Kind;

constexpr std::string_view kKeepAlive = ": keep-alive\n\n";
constexpr std::string_view kLastChunk = "0\r\n\r\n";
constexpr std::chrono::seconds kDrainTime{1};
constexpr int kMaxDrainReads = 64;

/// Reads the rest of a provider's body after the client's stream has ended, so that the connection
/// can be used again. Runs by itself: nobody waits for it.
Task<void> drain(std::shared_ptr<Upstream> upstream,
                 std::unique_ptr<Socket> socket,
                 BodyReader body,
                 Reactor& reactor) {
    Flow flow{reactor};
    socket->attach(&flow);
    const Tick deadline = reactor.tick_after(kDrainTime);
    std::array<char, 512> bytes{};
    for (int reads = 0; reads < kMaxDrainReads && body.state() == BodyReader::State::more;
         ++reads) {
        const IoResult got = socket->read_some(bytes.data(), bytes.size());
        if (got.status == IoStatus::would_block) {
            if (co_await flow.wait({socket.get(), kReadable}, deadline) != Wake::ready) {
                co_return;
            }
            continue;
        }
        if (got.status != IoStatus::done) {
            co_return;
        }
        Bytes input{bytes.data(), got.bytes};
        while (!input.empty() && body.state() == BodyReader::State::more) {
            body.next(input);
        }
        if (!input.empty()) {
            co_return;
        }
    }
    if (body.state() == BodyReader::State::end) {
        upstream->give_back(std::move(socket));
    }
}

}  // namespace

/// Event by event, as it comes. The head goes to the client with the first event: a stream that
/// fails before may still move to another target.
Task<AttemptEnd> Exchange::relay_stream() {
    stream_ = call_.line->adapter().stream_decoder(request_);
    const Counted counted{worker_.count().streams_in_flight};
    const AttemptEnd end = co_await relay_events();
    const bool may_be_charged =
        is_answered_ || end != AttemptEnd::failed || is_finishing_ || stream_->usage().is_reported;
    if (may_be_charged && !call_.is_charged) {
        settle_stream();
    }
    stream_.reset();
    co_return end;
}

Task<AttemptEnd> Exchange::relay_events() {
    Tick silence_ends = deadline_before_answer(timeouts().first_event);
    Tick comment_due = keepalive_tick();
    // The request can no longer be repeated once its answer has begun.
    for (;;) {
        const StreamState state = decode_events();
        const bool has_events = !worker_.scratch().events.empty();
        if ((state == StreamState::cut || state == StreamState::invalid) && !is_answered_) {
            const bool is_invalid =
                state == StreamState::invalid || call_.body.state() == BodyReader::State::malformed;
            co_return is_invalid ? fail(Kind::invalid, "invalid") : fail(Kind::cut, "cut");
        }
        if (state != StreamState::open) {
            co_await close_books(state);
        }
        if (has_events || state != StreamState::open) {
            if (!send_events(worker_.scratch().events, state == StreamState::complete) &&
                !begin_finishing()) {
                co_return end_of(Wire::client_gone);
            }
            comment_due = keepalive_tick();
        }
        if (state != StreamState::open) {
            co_return co_await end_stream(state);
        }
        if (is_answered_ || is_finishing_) {
            silence_ends = deadline_inside_answer();
        }
        const Wire wire = co_await await_events(silence_ends, comment_due);
        if (wire == Wire::client_gone || wire == Wire::stopped) {
            co_return end_of(wire);
        }
        if (wire != Wire::ok) {
            if (is_finishing_) {
                co_return AttemptEnd::client_gone;
            }
            if (!is_answered_) {
                co_return end_of(wire);
            }
            worker_.scratch().events.clear();
            row_.attempts.back().reason = wire == Wire::timeout ? "timeout" : "cut";
            const StreamState cut = stream_->finish(false, worker_.scratch().events);
            co_await close_books(cut);
            if (!send_events(worker_.scratch().events, cut == StreamState::complete) &&
                !begin_finishing()) {
                co_return end_of(Wire::client_gone);
            }
            co_return co_await end_stream(cut);
        }
    }
}

void Exchange::settle_stream() {
    settle_answer(stream_->usage(), stream_->content_tokens(), stream_->service_tier());
}

/// Before the last events go out: what the stream cost is settled and in the journal, and told
/// where the client wants it.
Task<void> Exchange::close_books(StreamState state) {
    settle_stream();
    row_.status = call_.status;
    const bool is_whole = state == StreamState::complete;
    seal(is_whole                               ? policy::Outcome::complete
         : state == StreamState::provider_error ? policy::Outcome::error
                                                : policy::Outcome::upstream_cut);
    std::string& events = worker_.scratch().events;
    if (worker_.is_durable()) {
        std::string held = std::move(events);
        co_await await_durable();
        events = std::move(held);
    }
    if (is_whole && facts_.wants_summary) {
        events += ": headgate cost-usd=" + row_.cost.to_string() +
                  " attempts=" + std::to_string(row_.attempts.size()) +
                  " provider=" + std::string{row_.provider} + "\n\n";
    }
}

/// Runs what was read through the decoder into scratch.
StreamState Exchange::decode_events() {
    std::string& events = worker_.scratch().events;
    events.clear();
    StreamState state = StreamState::open;
    while (state == StreamState::open && !call_.bytes.empty() &&
           call_.body.state() == BodyReader::State::more) {
        const Bytes data = call_.body.next(call_.bytes);
        if (!data.empty()) {
            state = stream_->feed(data, events);
        }
    }
    if (state == StreamState::open && call_.body.state() != BodyReader::State::more) {
        state = stream_->finish(call_.body.state() == BodyReader::State::end, events);
    }
    return state;
}

/// Sends events as one chunk, the head before the first, the last chunk behind the last. What the
/// client does not take waits in its queue. False when the client has gone.
bool Exchange::send_events(std::string_view events, bool is_last) {
    if (is_finishing_) {
        return true;  // nobody listens any more
    }
    std::array<std::string_view, 5> pieces{};
    std::array<char, 18> size{};
    if (!is_answered_) {
        pieces[0] = stream_head();
        estimate();     // should the provider not tell
        body_.reset();  // nothing can be repeated now: a live stream holds no request
    }
    const bool is_chunked = !facts_.is_http_1_0;
    if (!events.empty()) {
        pieces[1] = is_chunked ? chunk_size_line(events.size(), size) : std::string_view{};
        pieces[2] = events;
        pieces[3] = is_chunked ? "\r\n" : "";
    }
    pieces[4] = is_chunked && is_last ? kLastChunk : "";
    return client_.queue().send(client_.socket(), pieces);
}

Bytes Exchange::stream_head() {
    if (permit_) {
        permit_->note_answer();
    }
    may_keep_alive_ = may_keep_alive_ && !facts_.is_http_1_0;
    HeadWriter head{worker_.scratch().head};
    head.status_line(call_.status);
    write_common_lines(head);
    head.lines(passed_lines_.view());
    if (!facts_.is_http_1_0) {
        head.field("transfer-encoding", "chunked");
    }
    head.field("cache-control", "no-cache");
    write_target_lines(head);
    row_.status = call_.status;
    is_answered_ = true;
    return head.finish();
}

Tick Exchange::keepalive_tick() const {
    const std::chrono::milliseconds silence = plan_.route->keepalive;
    return silence.count() == 0 ? kNever : until(silence);
}

/// Waits for the provider's next bytes; while the client is slow, for the client to take what waits
/// for it: then the provider is not read. Comments bridge a silence.
Task<Wire> Exchange::await_events(Tick deadline, Tick comment_due) {
    SendQueue& queue = client_.queue();
    for (;;) {
        while (!queue.empty() && !is_finishing_) {
            const Wake wake =
                co_await client_.flow().wait({&client_.socket(), kWritable | kGone}, deadline);
            if (wake == Wake::stopped) {
                co_return Wire::stopped;
            }
            const bool is_gone =
                wake == Wake::deadline || is_client_gone() || !queue.flush(client_.socket());
            if (is_gone && !begin_finishing()) {
                co_return Wire::client_gone;
            }
        }
        if (is_finishing_) {
            deadline = std::min(deadline, client_total_);
        }
        const bool may_comment = is_answered_ && !is_finishing_;
        const Tick next = may_comment ? std::min(deadline, comment_due) : deadline;
        const Wire wire = co_await read_answer_bytes(next);
        if (wire != Wire::timeout || !may_comment || worker_.reactor().tick() >= deadline) {
            co_return wire;
        }
        if (!send_events(kKeepAlive, false) && !begin_finishing()) {
            co_return Wire::client_gone;
        }
        comment_due = keepalive_tick();
    }
}

/// The stream has ended one way or the other: lets the client take what waits, tells the row.
Task<AttemptEnd> Exchange::end_stream(StreamState state) {
    if (state == StreamState::complete) {
        row_.outcome = policy::Outcome::complete;
        while (!call_.bytes.empty() && call_.body.state() == BodyReader::State::more) {
            call_.body.next(call_.bytes);  // what follows the finish marker: the last chunk, mostly
        }
        if (call_.body.state() == BodyReader::State::more && call_.keeps_alive &&
            call_.bytes.empty()) {
            start(drain(call_.line->upstream, std::move(call_.socket), call_.body,
                        worker_.reactor()));
        } else {
            release_upstream();
        }
    } else {
        // No last chunk: the cut is visible to every client.
        row_.outcome = state == StreamState::provider_error ? policy::Outcome::error
                                                            : policy::Outcome::upstream_cut;
        may_keep_alive_ = false;
        if (state == StreamState::invalid) {
            row_.attempts.back().reason = "invalid";
            row_.code = "upstream_invalid_response";
        } else if (state == StreamState::cut) {
            if (row_.attempts.back().reason == "ok") {
                row_.attempts.back().reason = "cut";
            }
            row_.code = "upstream_interrupted";
        }
        call_.socket.reset();
    }
    if (!is_finishing_ && !co_await client_.send({}, until(timeouts().idle))) {
        co_return end_of(client_.flow().is_cancelled() ? Wire::stopped : Wire::client_gone);
    }
    co_return AttemptEnd::answered;
}

}  // namespace headgate::proxy
