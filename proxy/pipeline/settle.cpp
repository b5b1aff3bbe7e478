#include "providers/catalog/catalog.h"
#include "proxy/pipeline/exchange.h"

namespace headgate::proxy {
namespace {

/// Our own count where a provider told none: four bytes of text a token, rounded up. Within about
/// 30 % for English; too high for code in few tokens, too low for scripts of three bytes a letter.
constexpr std::size_t kBytesPerToken = 4;

std::chrono::microseconds microseconds(std::chrono::steady_clock::duration time) {
    return std::chrono::duration_cast<std::chrono::microseconds>(time);
}

}  // namespace

void Exchange::settle_answer(const providers::Usage& usage, std::size_t answer_bytes) {
    const bool is_told = usage.is_reported && !is_beyond(usage);
    if (usage.is_reported && !is_told) {
        warn("told a usage beyond the model's limits");
    }
    if (is_told || request_.endpoint->meter.empty()) {
        charge(usage);
    } else {
        settle_estimate(answer_bytes);
    }
}

void Exchange::charge(const providers::Usage& usage) {
    call_.is_charged = true;
    row_.usage += usage;
    const providers::Model* model = providers::find_model(call_.line->provider().kind, row_.model);
    if (model != nullptr && model->is_priced) {
        const providers::Price& price = providers::price_for(*model, usage.total_input());
        row_.price = "catalogue";
        row_.cost = row_.cost + providers::cost(usage, price, call_.line->provider().price_factor);
    }
}

/// More than the context window and the output limit allow (policy.md, Budgets): not believed. The
/// window of an embedding model is that of one input, of which a request may have thousands.
bool Exchange::is_beyond(const providers::Usage& usage) const {
    const providers::Model* model = providers::find_model(call_.line->provider().kind, row_.model);
    if (model == nullptr || request_.endpoint->meter != "tokens") {
        return false;
    }
    const std::int64_t choices = std::max(request_.choices(), request_.best_of.value_or(1));
    return (model->max_input != 0 && usage.total_input().count > model->max_input) ||
           (model->max_output != 0 && usage.total_output().count > model->max_output * choices);
}

void Exchange::settle_estimate(std::size_t answer_bytes) {
    const std::string_view meter = request_.endpoint->meter;
    call_.is_charged = true;
    if (meter.empty()) {
        return;
    }
    const auto tokens = [](std::size_t bytes) {
        return providers::Tokens{
            static_cast<std::int64_t>((bytes + kBytesPerToken - 1) / kBytesPerToken)};
    };
    providers::Usage usage;
    usage.is_estimated = true;
    usage.input = tokens(request_.content_bytes);
    if (meter == "tokens") {
        usage.output = tokens(answer_bytes);
    } else if (meter != "input_tokens" && answer_bytes > 0) {
        usage.images = request_.choices();  // the bytes of a picture are no tokens
    }
    charge(usage);
}

/// Step 10: every exchange whose project is known ends here, once.
void Exchange::finish_row() {
    const auto now = std::chrono::steady_clock::now();
    row_.duration = microseconds(now - began_);
    if (!row_.first_byte) {
        row_.overhead = microseconds(now - began_ - waited_);
        if (is_answered_) {
            row_.first_byte = row_.duration;
        }
    }
    row_.bytes_in = body_bytes_;
    row_.bytes_out = client_.queue().bytes_sent() - sent_before_;
    row_.client_request_id = facts_.client_request_id;
    if (!facts_.traceparent.empty()) {
        row_.trace_id = std::string_view{facts_.traceparent}.substr(3, 32);
    }
    if (reservation_) {
        reservation_->settle();
    }
}

/// What a row says when our answer did not get through: the client left, or we stopped.
policy::Outcome Exchange::lost_outcome() const {
    return client_.flow().is_cancelled() ? policy::Outcome::error : policy::Outcome::client_gone;
}

}  // namespace headgate::proxy
