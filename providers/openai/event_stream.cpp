#include "providers/openai/event_stream.h"

#include "providers/openai/mask.h"

#include <algorithm>
#include <functional>

namespace headgate::providers::openai {
namespace {

bool is_within(Bytes part, Bytes whole) {
    const std::less_equal<> is_not_behind;
    return is_not_behind(whole.data(), part.data()) &&
           is_not_behind(part.data() + part.size(), whole.data() + whole.size());
}

/// Where the line at `begin` of an event ends, its LF, CR or CRLF included.
std::size_t line_end(Bytes raw, std::size_t begin) {
    const std::size_t stop = raw.find_first_of("\r\n", begin);
    if (stop == Bytes::npos) {
        return raw.size();
    }
    return raw.substr(stop).starts_with("\r\n") ? stop + 2 : stop + 1;
}

/// Blank lines, `data` and `event` lines pass; comments, id, retry and unknown fields do not.
bool passes(Bytes line) {
    const Bytes text = line.substr(0, line.find_first_of("\r\n"));
    const Bytes field = text.substr(0, text.find(':'));
    return text.empty() || field == "data" || field == "event";
}

/// Appends the lines of `raw` that pass, without what they share with `cut`.
void append_lines(Bytes raw, ByteRange cut, std::string& out) {
    for (std::size_t begin = 0; begin < raw.size();) {
        const std::size_t end = line_end(raw, begin);
        if (passes(raw.substr(begin, end - begin))) {
            const std::size_t before = std::clamp(cut.begin, begin, end);
            const std::size_t behind = std::clamp(cut.end, begin, end);
            out.append(raw, begin, before - begin);
            out.append(raw, behind, end - behind);
        }
        begin = end;
    }
}

/// Appends an event with the name of `event` and other data.
void append_event(Bytes name, Bytes data, std::string& out) {
    if (!name.empty()) {
        out.append("event: ").append(name).append("\n");
    }
    for (std::size_t begin = 0; begin <= data.size();) {
        const std::size_t end = std::min(data.find('\n', begin), data.size());
        out.append("data: ").append(data, begin, end - begin).append("\n");
        begin = end + 1;
    }
    out += '\n';
}

ApiError failure(ErrorCode code) {
    const bool is_cut = code == ErrorCode::upstream_interrupted;
    return {.code = code,
            .message = is_cut ? "The provider broke off before the answer was complete."
                              : "The provider sent an event that is not valid.",
            .param = {},
            .allow = {}};
}

}  // namespace

StreamState EventStreamDecoder::feed(Bytes bytes, std::string& out) {
    if (state_ != StreamState::open) {
        return state_;
    }
    parser_.feed(bytes);
    SseEvent event;
    while (state_ == StreamState::open && parser_.next(event)) {
        if (event.data.empty()) {
            continue;
        }
        ++events_;
        state_ = take(event, out);
    }
    if (state_ == StreamState::open && parser_.is_too_large()) {
        state_ = StreamState::invalid;
    }
    if (state_ == StreamState::invalid) {
        append_failure(failure(ErrorCode::upstream_invalid_response), out);
    }
    return state_;
}

StreamState EventStreamDecoder::finish(bool is_clean, std::string& out) {
    if (state_ != StreamState::open) {
        return state_;
    }
    // What the parser still holds is an event without its end: its text may lack anything.
    if (is_clean && parser_.held() == 0 && is_whole_at_end()) {
        state_ = StreamState::complete;
        append_end(out);
    } else {
        state_ = StreamState::cut;
        append_failure(failure(ErrorCode::upstream_interrupted), out);
    }
    return state_;
}

void EventStreamDecoder::note_usage(const Usage& told) {
    if (told.is_reported) {
        usage_ = told;
        tokens_at_usage_ = tokens_.total();
    }
}

Usage EventStreamDecoder::usage() const {
    const bool is_whole = state_ == StreamState::complete;
    const Tokens seen = tokens_.total();
    // Some servers send zeros in every event until the last.
    const bool has_output = usage_.total_output().count > 0 || usage_.images > 0;
    const bool is_empty = !has_output && usage_.total_input().count == 0;
    if (!usage_.is_reported || (is_empty && !is_whole)) {
        return {};
    }
    const Tokens covered = has_output || is_whole ? tokens_at_usage_ : Tokens{};
    Usage usage = usage_;
    if (seen > covered && !(is_whole && usage_.total_output() >= seen)) {
        usage.output += seen - covered;
        usage.is_estimated = true;
    }
    return usage;
}

void EventStreamDecoder::append_failure(const ApiError& error, std::string& out) const {
    append_event({}, to_json(error), out);
}

void relay(const SseEvent& event, std::string& out) {
    if (event.is_bare) {
        out.append(event.raw);
    } else {
        append_lines(event.raw, {}, out);
    }
}

void relay_without(const SseEvent& event, ByteRange cut, std::string& out) {
    if (!is_within(event.data, event.raw)) {
        std::string data{event.data};
        data.erase(cut.begin, cut.size());
        append_event(event.name, data, out);
        return;
    }
    const auto shift = static_cast<std::size_t>(event.data.data() - event.raw.data());
    const ByteRange cut_in_raw{cut.begin + shift, cut.end + shift};
    if (event.is_bare) {
        out.append(event.raw, 0, cut_in_raw.begin);
        out.append(event.raw, cut_in_raw.end);
    } else {
        append_lines(event.raw, cut_in_raw, out);
    }
}

void relay_masked(const SseEvent& event, ByteRange secret, std::string& out) {
    const Bytes told = secret.in(event.data);
    const std::string masked = mask_identifiers(told);
    if (masked == told) {
        relay(event, out);
        return;
    }
    std::string data{event.data};
    data.replace(secret.begin, secret.size(), masked);
    append_event(event.name, data, out);
}

bool is_done_marker(const SseEvent& event) {
    constexpr Bytes kMarker = "[DONE]";
    const Bytes data = event.data;
    return data.starts_with(kMarker) &&
           data.find_first_not_of(" \t", kMarker.size()) == Bytes::npos;
}

}  // namespace headgate::providers::openai
