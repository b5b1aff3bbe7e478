#include "providers/contract/retry_after.h"
#include "proxy/pipeline/exchange.h"

namespace headgate::proxy {
namespace {

constexpr HeadLimits kAnswerLimits{std::size_t{32} << 10, 200};
constexpr int kMaxInterim = 8;

/// "name: value\r\n", whole or not at all.
template <std::size_t Room>
void append_line(FixedText<Room>& lines, std::string_view name, std::string_view value) {
    if (name.size() + value.size() + 4 <= Room - lines.view().size() && is_field_value(value)) {
        lines.append(name);
        lines.append(": ");
        lines.append(value);
        lines.append("\r\n");
    }
}

std::string_view media_type(std::string_view value) {
    const std::string_view type = value.substr(0, value.find(';'));
    return type.substr(0, type.find_last_not_of(" \t") + 1);
}

}  // namespace

/// The next bytes of the provider into scratch, behind `call_.held`; call_.bytes views them. The
/// caller has used up what was there. What is left of our request goes out meanwhile.
Task<Wire> Exchange::read_answer_bytes(Tick deadline) {
    Socket& socket = *call_.socket;
    for (;;) {
        if (is_finishing_) {
            deadline = std::min(deadline, client_total_);
        }
        const bool is_sending = !call_.queue.empty();
        const std::uint8_t bits = is_sending ? kReadable | kWritable : kReadable;
        const Wake wake = co_await client_.flow().wait({&socket, bits}, client_gone(), deadline);
        if (wake != Wake::ready) {
            co_return wake == Wake::deadline ? Wire::timeout : Wire::stopped;
        }
        if (is_client_gone()) {
            if (!begin_finishing()) {
                co_return Wire::client_gone;
            }
            continue;
        }
        if (worker_.reactor().tick() >= deadline) {
            co_return Wire::timeout;
        }
        if (is_sending && socket.is_ready(kWritable) && !call_.queue.flush(socket)) {
            // The provider takes no more of the request; why may still be there to read.
            call_.queue = {};
            call_.is_request_cut = true;
        }
        if (!socket.is_ready(kReadable)) {
            continue;
        }
        char* room = worker_.scratch().read.data() + call_.held.size();
        const IoResult got = socket.read_some(room, Scratch::kRead);
        call_.bytes = {room, got.bytes};
        if (got.status == IoStatus::done) {
            call_.has_answer_bytes = true;
            co_return Wire::ok;
        }
        if (got.status != IoStatus::would_block) {
            if (got.status == IoStatus::closed && call_.body.may_end_by_close()) {
                call_.body = BodyReader::none();
                co_return Wire::ok;
            }
            co_return Wire::broken;
        }
    }
}

/// Books the time since `from` as the provider's. Until the loop's time, not the clock's: what an
/// arrived answer waited for its turn is ours.
void Exchange::note_wait(std::chrono::steady_clock::time_point from) {
    const auto arrived = std::max(worker_.reactor().now(), from);
    waited_ += arrived - from;
    upstream_time_ = arrived - call_.began;
}

Task<Wire> Exchange::read_answer_head() {
    const Tick deadline = deadline_before_answer(timeouts().first_byte);
    auto& scratch = worker_.scratch().read;
    int interim = 0;
    for (;;) {
        const auto from = std::chrono::steady_clock::now();
        const Wire wire = co_await read_answer_bytes(deadline);
        note_wait(from);
        if (wire != Wire::ok) {
            co_return wire;
        }
        if (!call_.held.empty()) {
            call_.held.view().copy(scratch.data(), call_.held.size());
            call_.bytes = {scratch.data(), call_.held.size() + call_.bytes.size()};
            call_.held.clear();
        }
        AnswerHead& head = worker_.scratch().answer;
        ScanResult scan = scan_answer_head(call_.bytes, kAnswerLimits, head);
        while (scan.status == ScanStatus::complete && head.status < 200 &&
               ++interim <= kMaxInterim) {
            call_.bytes.remove_prefix(scan.size);
            scan = scan_answer_head(call_.bytes, kAnswerLimits, head);
        }
        if (scan.status == ScanStatus::incomplete) {
            call_.held.append(call_.bytes);
            continue;
        }
        if (scan.status != ScanStatus::complete || head.status < 200) {
            warn(scan.status == ScanStatus::complete ? "too many interim answers" : scan.problem);
            co_return Wire::malformed;
        }
        call_.bytes.remove_prefix(scan.size);
        note_answer_head();
        co_return Wire::ok;
    }
}

/// What an error's head tells of when to come again.
bool Exchange::note_retry_advice(const HeadField& field) {
    if (equals_lower(field.name, "retry-after-ms")) {
        append_line(call_.retry_after_lines, "retry-after-ms", field.value);
        if (const auto exact = providers::parse_retry_after_ms(field.value)) {
            call_.retry_after = exact;
        }
    } else if (equals_lower(field.name, "retry-after")) {
        append_line(call_.retry_after_lines, "retry-after", field.value);
        if (!call_.retry_after) {
            call_.retry_after =
                providers::parse_retry_after(field.value, std::chrono::system_clock::now());
        }
    } else if (equals_lower(field.name, "x-ratelimit-reset-requests")) {
        call_.resets_in = providers::parse_go_duration(field.value);
    } else {
        return false;
    }
    return true;
}

/// Takes from scratch what the exchange needs of the provider's head: an allow-list.
void Exchange::note_answer_head() {
    const AnswerHead& head = worker_.scratch().answer;
    call_.status = head.status;
    call_.keeps_alive = head.keeps_alive && call_.queue.empty() && !call_.is_request_cut;
    row_.attempts.back().status = head.status;
    if (head.status == 204 || head.status == 304) {
        call_.body = BodyReader::none();
    } else if (head.is_chunked) {
        call_.body = BodyReader::chunked();
    } else if (head.content_length) {
        call_.body = BodyReader::of_length(*head.content_length);
    } else {
        call_.body = BodyReader::until_close();
        call_.keeps_alive = false;
    }
    passed_lines_.clear();
    upstream_request_id_.clear();
    for (const HeadField& field : head.fields) {
        if (equals_lower(field.name, "content-type")) {
            const std::string_view type = media_type(field.value);
            call_.is_event_stream = equals_lower(type, "text/event-stream");
            call_.is_json = equals_lower(type, "application/json");
            append_line(passed_lines_, "content-type", field.value);
        } else if (equals_lower(field.name, "content-encoding")) {
            call_.is_coded = !equals_lower(field.value, "identity");
        } else if (equals_lower(field.name, "openai-processing-ms")) {
            append_line(passed_lines_, "openai-processing-ms", field.value);
        } else if (equals_lower(field.name, "openai-version")) {
            append_line(passed_lines_, "openai-version", field.value);
        } else if (head.status >= 400 && note_retry_advice(field)) {
            continue;
        } else if (equals_lower(field.name, "x-request-id") && is_field_value(field.value)) {
            upstream_request_id_.assign(field.value);
        }
    }
}

/// The connection goes back to its pool where the answer was read whole; else it is closed.
void Exchange::release_upstream() {
    if (call_.socket && call_.keeps_alive && call_.bytes.empty() &&
        call_.body.state() == BodyReader::State::end) {
        call_.line->upstream->give_back(std::move(call_.socket));
    }
    call_.socket.reset();
}

}  // namespace headgate::proxy
