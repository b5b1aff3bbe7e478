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

void Exchange::settle_usage(const providers::Usage& usage) {
    row_.usage = usage;
    const providers::Provider* provider = call_.line->provider;
    const providers::Model* model = providers::find_model(provider->kind, row_.model);
    if (model == nullptr || !model->is_priced) {
        return;
    }
    row_.price = "catalogue";
    row_.cost = providers::cost(usage, providers::price_for(*model, usage.total_input()));
}

void Exchange::settle_estimate(std::size_t answer_bytes) {
    const auto tokens = [](std::size_t bytes) {
        return providers::Tokens{
            static_cast<std::int64_t>((bytes + kBytesPerToken - 1) / kBytesPerToken)};
    };
    providers::Usage usage;
    usage.input = tokens(request_.content_bytes);
    usage.output = tokens(answer_bytes);
    usage.is_estimated = true;
    settle_usage(usage);
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
    reservation_->settle();
}

}  // namespace headgate::proxy
