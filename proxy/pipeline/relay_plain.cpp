#include "proxy/net/head_writer.h"
#include "proxy/pipeline/exchange.h"

#include <array>

namespace headgate::proxy {
namespace {

using Kind = policy::AttemptFailure::Kind;

/// Answers up to this size are held, validated and sent whole (x-headgate-cost-usd).
constexpr std::size_t kMaxHeld = std::size_t{8} << 20;
constexpr std::chrono::minutes kClientSendTime{5};

}  // namespace

/// Step 9: which kind of answer is it?
Task<AttemptEnd> Exchange::relay() {
    if (call_.status >= 400) {
        co_return co_await collect_error();
    }
    if (call_.status >= 300 || call_.is_coded || (!call_.is_json && !call_.is_event_stream) ||
        (call_.is_event_stream && !request_.stream)) {
        warn(call_.status >= 300 ? "answered with a redirect"
             : call_.is_coded    ? "answered with a content coding that was not asked for"
                                 : "answered with another content type than was asked for");
        co_return fail(Kind::invalid, "invalid");
    }
    if (call_.is_event_stream) {
        co_return co_await relay_stream();
    }
    const auto length = call_.body.left();
    if (length && *length > kMaxHeld) {
        co_return co_await relay_large({});
    }
    co_return co_await relay_plain();
}

/// Holds the whole answer; nothing of it reaches the client before it is known to be good.
Task<AttemptEnd> Exchange::relay_plain() {
    Bytes input = call_.bytes;
    const Bytes first = call_.body.next(input);
    call_.bytes = input;
    if (call_.body.state() == BodyReader::State::end) {
        co_return co_await answer_plain(first);  // the usual case: nothing is copied
    }
    Buffer body;
    body.append(first);
    for (;;) {
        while (!call_.bytes.empty() && call_.body.state() == BodyReader::State::more) {
            body.append(call_.body.next(call_.bytes));
        }
        if (call_.body.state() == BodyReader::State::end) {
            co_return co_await answer_plain(body.view());
        }
        if (call_.body.state() == BodyReader::State::malformed) {
            co_return fail(Kind::invalid, "invalid");
        }
        if (body.size() > kMaxHeld) {
            co_return co_await relay_large(body.view());
        }
        const auto from = std::chrono::steady_clock::now();
        const Wire wire = co_await read_answer_bytes(deadline_before_answer(timeouts().idle));
        note_wait(from);
        if (wire != Wire::ok) {
            co_return end_of(wire);
        }
    }
}

Task<AttemptEnd> Exchange::answer_plain(Bytes body) {
    const providers::PlainAnswer answer = call_.line->adapter().decode(request_, body);
    if (!answer.is_valid) {
        warn("sent an answer that is not valid: " + answer.problem);
        co_return fail(Kind::invalid, "invalid");
    }
    settle_answer(answer.usage, answer.content_tokens, answer.service_tier);
    // The provider has done its part: a slow client holds neither its connection nor a probe.
    if (permit_) {
        permit_->note_answer();
    }
    release_upstream();
    if (is_finishing_) {
        co_return AttemptEnd::answered;
    }
    row_.status = call_.status;
    seal(policy::Outcome::complete);
    std::string held;
    if (worker_.is_durable()) {
        held = body;  // it lies in scratch, which others use meanwhile
        body = held;
        co_await await_durable();
    }
    HeadWriter head{worker_.scratch().head};
    head.status_line(call_.status);
    write_common_lines(head);
    head.lines(passed_lines_.view());
    head.field("content-length", body.size());
    write_target_lines(head);
    head.field("x-headgate-cost-usd", row_.cost.to_string());
    is_answered_ = true;
    const std::array<std::string_view, 2> pieces{head.finish(), body};
    if (!co_await client_.send(pieces, until(kClientSendTime))) {
        row_.outcome = lost_outcome();
        may_keep_alive_ = false;
    }
    co_return AttemptEnd::answered;
}

/// An answer above kMaxHeld: through at a fixed window, as the provider framed it. Its usage is
/// our own count.
Task<AttemptEnd> Exchange::relay_large(Bytes begun) {
    const auto length = call_.body.left();
    const bool is_chunked = !length && !facts_.is_http_1_0;
    may_keep_alive_ = may_keep_alive_ && (length || is_chunked);
    std::string_view before =
        large_head(length ? std::optional{*length + begun.size()} : std::nullopt);
    std::size_t total = 0;
    std::string& data = worker_.scratch().events;
    data.assign(begun);
    Wire wire = Wire::ok;
    while (wire == Wire::ok) {
        while (!call_.bytes.empty() && call_.body.state() == BodyReader::State::more) {
            data.append(call_.body.next(call_.bytes));
        }
        total += data.size();
        const bool is_last = call_.body.state() == BodyReader::State::end;
        if (is_last) {
            settle_unread(total);
            seal(policy::Outcome::complete);
            if (worker_.is_durable()) {
                const std::string last = data;
                co_await await_durable();
                data = last;
            }
        }
        std::array<char, 18> size{};
        std::array<std::string_view, 4> pieces{before, {}, data, {}};
        if (is_chunked) {
            pieces[1] = data.empty() ? std::string_view{} : chunk_size_line(data.size(), size);
            pieces[3] =
                data.empty() ? (is_last ? "0\r\n\r\n" : "") : (is_last ? "\r\n0\r\n\r\n" : "\r\n");
        }
        if (!is_finishing_ && !co_await client_.send(pieces, until(kClientSendTime))) {
            wire = client_.flow().is_cancelled() ? Wire::stopped : Wire::client_gone;
            break;
        }
        if (call_.body.state() != BodyReader::State::more) {
            break;
        }
        before = {};
        wire = co_await read_answer_bytes(deadline_inside_answer());
        data.clear();  // another exchange may have used it meanwhile
    }
    if (!call_.is_charged) {
        settle_unread(total);
    }
    if (wire == Wire::ok && call_.body.state() == BodyReader::State::end) {
        row_.outcome = policy::Outcome::complete;
        release_upstream();
        co_return AttemptEnd::answered;
    }
    may_keep_alive_ = false;
    row_.outcome = policy::Outcome::upstream_cut;
    const AttemptEnd end = end_of(wire == Wire::ok ? Wire::malformed : wire);
    co_return end == AttemptEnd::failed ? AttemptEnd::answered : end;
}

/// The head of an answer that is not held: no cost is known yet.
Bytes Exchange::large_head(std::optional<std::uint64_t> length) {
    if (permit_) {
        permit_->note_answer();
    }
    HeadWriter head{worker_.scratch().head};
    head.status_line(call_.status);
    write_common_lines(head);
    head.lines(passed_lines_.view());
    if (length) {
        head.field("content-length", *length);
    } else if (!facts_.is_http_1_0) {
        head.field("transfer-encoding", "chunked");
    }
    write_target_lines(head);
    row_.status = call_.status;
    is_answered_ = true;
    return head.finish();
}

}  // namespace headgate::proxy
