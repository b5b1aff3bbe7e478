#include "proxy/pipeline/exchange.h"

#include <array>
#include <charconv>

namespace headgate::proxy {
namespace {

using policy::Verdict;
using providers::ErrorCode;

constexpr std::chrono::seconds kOwnAnswerTime{10};
constexpr std::chrono::seconds kUsualRetryAfter{1};
/// 2023-11-06: the API has no date for a model that the policy only names by a glob.
constexpr std::int64_t kModelCreated = 1'699'228'800;

/// Milliseconds with two decimals: "0.21".
void append_ms(FixedText<96>& out, std::chrono::steady_clock::duration time) {
    const auto hundredths =
        std::chrono::duration_cast<std::chrono::microseconds>(time).count() / 10;
    std::array<char, 24> digits{};
    char* end = std::to_chars(digits.data(), digits.data() + 20, hundredths / 100).ptr;
    *end++ = '.';
    *end++ = static_cast<char>('0' + hundredths % 100 / 10);
    *end++ = static_cast<char>('0' + hundredths % 10);
    out.append({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

void append_model(std::string& out, std::string_view id, std::string_view owner) {
    out += R"({"id":")";
    providers::append_json_escaped(out, id);
    out += R"(","object":"model","created":)" + std::to_string(kModelCreated) + R"(,"owned_by":")";
    providers::append_json_escaped(out, owner);
    out += "\"}";
}

/// "gpt%2F4" → "gpt/4"; nullopt for a broken escape.
std::optional<std::string> percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        unsigned byte = 0;
        const char* digits = text.data() + i + 1;
        if (i + 2 >= text.size() ||
            std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2) {
            return std::nullopt;
        }
        out += static_cast<char>(byte);
        i += 2;
    }
    return out;
}

/// "120ms", "1s", "6m0s", "1h2m3s": as OpenAI spells when a limit is full again.
std::string reset_text(std::chrono::milliseconds time) {
    if (time < std::chrono::seconds{1}) {
        return std::to_string(std::max<std::int64_t>(time.count(), 0)) + "ms";
    }
    const std::int64_t seconds = std::chrono::ceil<std::chrono::seconds>(time).count();
    std::string text;
    if (seconds >= 3600) {
        text += std::to_string(seconds / 3600) + "h";
    }
    if (seconds >= 60) {
        text += std::to_string(seconds / 60 % 60) + "m";
    }
    return text + std::to_string(seconds % 60) + "s";
}

/// In whole seconds, rounded up, and exactly.
std::string retry_after_lines(std::chrono::milliseconds wait) {
    return "retry-after: " + std::to_string(std::chrono::ceil<std::chrono::seconds>(wait).count()) +
           "\r\nretry-after-ms: " + std::to_string(wait.count()) + "\r\n";
}

/// What is ours to say when nothing worked. Verdicts that pass a provider's error have no line.
struct OwnError {
    Verdict verdict;
    ErrorCode code;
    std::string_view message;
};

constexpr std::array kOwnErrors{
    OwnError{Verdict::timed_out, ErrorCode::upstream_timeout,
             "The provider did not answer in time."},
    OwnError{Verdict::invalid_answer, ErrorCode::upstream_invalid_response,
             "The provider's answer was not valid."},
    OwnError{Verdict::auth_failed, ErrorCode::provider_auth_failed,
             "The provider refused Headgate's own credential. The operator has to replace it."},
    OwnError{Verdict::quota_exhausted, ErrorCode::provider_quota_exhausted,
             "The provider account behind Headgate has no quota left. The operator has to act."},
    OwnError{Verdict::unavailable, ErrorCode::upstream_unavailable,
             "No provider could answer this request."},
};

}  // namespace

/// What every answer carries.
void Exchange::write_common_lines(HeadWriter& head) {
    head.field("date", worker_.date(row_.time));
    head.field("x-request-id", text(id_));
    may_keep_alive_ = may_keep_alive_ && facts_.keeps_alive && !worker_.is_draining() &&
                      body_reader_.state() == BodyReader::State::end;
    if (!may_keep_alive_) {
        head.field("connection", "close");
    } else if (facts_.is_http_1_0) {
        head.field("connection", "keep-alive");
    }
    write_headroom(head, "requests", decision_.requests);
    write_headroom(head, "tokens", decision_.tokens);
}

/// OpenAI's own fields, of the tightest limit that applied.
void Exchange::write_headroom(HeadWriter& head,
                              std::string_view unit,
                              const std::optional<policy::Headroom>& room) {
    if (!room) {
        return;
    }
    const auto name = [unit](std::string_view what) {
        FixedText<64> text;
        text.append("x-ratelimit-");
        text.append(what);
        text.append("-");
        text.append(unit);
        return text;
    };
    head.field(name("limit").view(), static_cast<std::uint64_t>(room->limit));
    head.field(name("remaining").view(), static_cast<std::uint64_t>(room->remaining));
    head.field(name("reset").view(), reset_text(room->resets_in));
}

/// What an answer that came from a target carries: who answered, and what it took.
void Exchange::write_target_lines(HeadWriter& head) {
    const auto now = std::chrono::steady_clock::now();
    row_.first_byte = std::chrono::duration_cast<std::chrono::microseconds>(now - began_);
    row_.overhead = std::chrono::duration_cast<std::chrono::microseconds>(now - began_ - waited_);
    head.field("x-headgate-provider", row_.provider);
    head.field("x-headgate-model", row_.model);
    head.field("x-headgate-route", row_.route);
    head.field("x-headgate-attempts", row_.attempts.size());
    if (!upstream_request_id_.empty()) {
        head.field("x-headgate-upstream-request-id", upstream_request_id_.view());
    }
    head.field("x-headgate-cache", row_.cache);
    if (request_.imposed_cap) {
        head.field("x-headgate-output-cap", static_cast<std::uint64_t>(*request_.imposed_cap));
    }
    FixedText<96> timing;
    timing.append("headgate;dur=");
    append_ms(timing, row_.overhead);
    timing.append(", upstream;dur=");
    append_ms(timing, upstream_time_);
    head.field("server-timing", timing.view());
}

/// An answer of our own making.
Task<void> Exchange::send_own(int status, std::string_view extra_lines, std::string_view body) {
    HeadWriter head{worker_.scratch().head};
    head.status_line(status);
    write_common_lines(head);
    head.field("content-type", "application/json");
    head.field("content-length", body.size());
    head.lines(extra_lines);
    if (is_from_target_) {
        write_target_lines(head);
    } else if (!row_.attempts.empty()) {
        head.field("x-headgate-route", row_.route);
        head.field("x-headgate-attempts", row_.attempts.size());
    }
    row_.status = status;
    is_answered_ = true;
    release_hold();
    const std::array<std::string_view, 2> pieces{head.finish(),
                                                 facts_.is_head ? std::string_view{} : body};
    if (!co_await client_.send(pieces, until(kOwnAnswerTime))) {
        row_.outcome = lost_outcome();
        may_keep_alive_ = false;
    }
}

/// Tells the client error_; without one the client itself has gone.
Task<void> Exchange::answer_error() {
    if (!error_ || is_answered_) {
        row_.outcome = error_ ? policy::Outcome::error : lost_outcome();
        may_keep_alive_ = false;
        co_return;
    }
    const providers::ErrorTraits& traits = providers::traits(error_->code);
    row_.outcome = traits.status >= 500 ? policy::Outcome::error : policy::Outcome::refused;
    row_.code = providers::to_string(error_->code);
    if (traits.status == 401) {
        const auto delay = worker_.wrong_key_delay(std::string{row_.client});
        if (co_await client_.flow().sleep(delay) == Wake::stopped) {
            may_keep_alive_ = false;
            co_return;
        }
    }
    std::string lines;
    if (!traits.may_retry) {
        lines += "x-should-retry: false\r\n";
    }
    if (!error_->allow.empty()) {
        lines += "allow: " + std::string{error_->allow} + "\r\n";
    }
    if (!reason_.empty()) {
        lines += "x-headgate-reason: " + reason_ + "\r\n";
    }
    if ((traits.status == 503 || traits.status == 429) && traits.may_retry) {
        lines += retry_after_lines(retry_after_.value_or(kUsualRetryAfter));
    }
    const std::string body = providers::to_json(*error_);
    co_await send_own(traits.status, lines, body);
}

/// No target has answered (docs/policies.md, "What the client gets when nothing worked").
Task<void> Exchange::answer_failures(const policy::AttemptWalk& walk) {
    const Verdict verdict = walk.verdict();
    retry_after_ = walk.smallest_retry_after();
    if (verdict == Verdict::pass_error) {
        co_return co_await pass_error(latest_.retry_after_lines.view());
    }
    if (verdict == Verdict::rate_limited) {
        co_return co_await pass_error(retry_after_ ? retry_after_lines(*retry_after_)
                                                   : std::string{});
    }
    const auto* own = std::ranges::find(kOwnErrors, verdict, &OwnError::verdict);
    refuse(own->code, std::string{own->message});
    co_await answer_error();
}

/// The latest attempt's error as the provider gave it.
Task<void> Exchange::pass_error(std::string_view retry_after_lines) {
    row_.outcome = policy::Outcome::error;
    code_ = latest_.error.code;
    row_.code = code_;
    is_from_target_ = true;
    co_await send_own(latest_.what.status, retry_after_lines, latest_.error.body);
}

/// GET /v1/models and GET /v1/models/{model}: what this project may use.
Task<void> Exchange::answer_local() {
    const std::vector<std::string_view> models =
        view_->policy().router.usable_models(*identity_.project);
    std::string body;
    if (facts_.where.endpoint->operation == providers::Operation::models_retrieve) {
        const auto name = percent_decoded(facts_.where.argument);
        if (!name || !std::ranges::binary_search(models, std::string_view{*name})) {
            refuse(ErrorCode::model_not_found,
                   "The model does not exist or this project may not use it.", "model");
            co_return co_await answer_error();
        }
        append_model(body, *name, "headgate");
    } else {
        body = R"({"object":"list","data":[)";
        for (const std::string_view model : models) {
            body += body.back() == '}' ? "," : "";
            append_model(body, model, "headgate");
        }
        body += "]}";
    }
    row_.outcome = policy::Outcome::complete;
    co_await send_own(200, {}, body);
}

/// Health on the client listener: a status and nothing else.
Task<void> Exchange::answer_probe() {
    const bool is_ready = facts_.is_probe_live || !worker_.process().is_draining;
    HeadWriter head{worker_.scratch().head};
    head.status_line(is_ready ? 200 : 503);
    write_common_lines(head);
    head.field("content-length", std::uint64_t{0});
    const std::array<std::string_view, 1> pieces{head.finish()};
    may_keep_alive_ = co_await client_.send(pieces, until(kOwnAnswerTime)) && may_keep_alive_;
}

}  // namespace headgate::proxy
