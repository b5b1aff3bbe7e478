#include "policy/ledger/row_codec.h"
#include "providers/contract/token_estimate.h"
#include "proxy/pipeline/exchange.h"

namespace headgate::proxy {
namespace {

/// What is taken for a token of an answer that passes unread, JSON and all.
constexpr std::size_t kBytesPerToken = 4;

/// Far above every context window: such a number is an error, and no sum of it overflows.
constexpr std::int64_t kMostTokens = 1'000'000'000;

constexpr std::chrono::seconds kDurableWait{10};

std::chrono::microseconds microseconds(std::chrono::steady_clock::duration time) {
    return std::chrono::duration_cast<std::chrono::microseconds>(time);
}

}  // namespace

void Exchange::settle_answer(const providers::Usage& usage,
                             providers::Tokens answer,
                             std::string_view service_tier) {
    const bool is_told = usage.is_reported && !is_beyond(usage);
    if (usage.is_reported && !is_told) {
        warn("told a usage beyond the model's limits");
    }
    if (is_told || request_.endpoint->meter.empty()) {
        charge(usage, service_tier);
    } else {
        settle_estimate(answer);
    }
}

void Exchange::charge(const providers::Usage& usage, std::string_view service_tier) {
    call_.is_charged = true;
    const policy::TargetPrice price =
        view_->policy().router.prices().find(call_.line->provider(), row_.model);
    const providers::Usage counted =
        policy::with_picture_tokens(usage, request_, {&call_.line->provider(), row_.model}, price);
    row_.usage += counted;
    row_.price = to_string(price.source);
    row_.cost =
        row_.cost + policy::cost_of(counted, price,
                                    service_tier.empty() ? request_.service_tier : service_tier);
}

/// More than the context window and the output limit allow (docs/money.md): not believed. The
/// window of an embedding model is that of one input, of which a request may have thousands.
bool Exchange::is_beyond(const providers::Usage& usage) const {
    if (usage.total_input().count > kMostTokens || usage.total_output().count > kMostTokens ||
        usage.images > kMostTokens) {
        return true;
    }
    const providers::Model* model =
        view_->policy().router.prices().find(call_.line->provider(), row_.model).model;
    if (model == nullptr || request_.endpoint->meter != "tokens") {
        return false;
    }
    // Completions may ask several prompts; what of a prediction is wrong counts as output.
    const bool is_completions = request_.endpoint->operation == providers::Operation::completions;
    const auto prompts = static_cast<std::int64_t>(
        is_completions ? std::max<std::size_t>(request_.messages, 1) : std::size_t{1});
    const std::int64_t choices =
        std::max(request_.choices(), request_.best_of.value_or(1)) * prompts;
    return (model->max_input != 0 && usage.total_input().count > model->max_input * prompts) ||
           (model->max_output != 0 && !request_.has_prediction &&
            usage.total_output().count > model->max_output * choices);
}

void Exchange::settle_estimate(providers::Tokens answer) {
    const std::string_view meter = request_.endpoint->meter;
    call_.is_charged = true;
    if (meter.empty()) {
        return;
    }
    providers::Usage usage;
    usage.is_estimated = true;
    usage.input = estimate().guess;
    if (meter == "tokens") {
        usage.output = answer;
    } else if (meter != "input_tokens" && answer.count > 0) {
        usage.images = request_.choices();  // the bytes of a picture are no tokens
    }
    charge(usage, {});
}

void Exchange::settle_unread(std::size_t answer_bytes) {
    const std::size_t tokens = (answer_bytes + kBytesPerToken - 1) / kBytesPerToken;
    settle_estimate(providers::Tokens{static_cast<std::int64_t>(tokens)});
}

/// Once, while the request is still there: a live stream gives its body back.
const providers::TokenEstimate& Exchange::estimate() {
    if (!estimate_) {
        estimate_ = providers::estimate_input(request_);
    }
    return *estimate_;
}

/// Into the journal before the answer's last byte goes out: from here on a crash books the row as
/// it is, not the worst case.
void Exchange::seal(policy::Outcome outcome) {
    row_.outcome = is_finishing_ ? policy::Outcome::client_gone : outcome;
    if (slot_) {
        note_times();
        worker_.journal()->reopen(*slot_, encode_row(policy::Journal::kMaxOpen));
    }
    release_hold();
}

std::string_view Exchange::encode_row(std::size_t most) {
    note_over_reserved();
    const std::span<char> room = std::span{worker_.scratch().record}.first(most);
    return {room.data(), policy::encode_row(row_, room)};
}

/// The provider billed more than the bound that it was given.
void Exchange::note_over_reserved() {
    row_.over_reserved = is_budgeted_ && hold_.is_held && row_.cost > hold_.settled.held.worst_case;
}

void Exchange::note_times() {
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
    row_.tags = facts_.tags;
    if (!facts_.traceparent.empty()) {
        row_.trace_id = std::string_view{facts_.traceparent}.substr(3, 32);
    }
}

/// Step 10: every exchange whose project is known ends here, once.
void Exchange::finish_row() {
    note_times();
    if (reservation_) {
        reservation_->settle();
    }
}

/// `durability: durable`: the row is stored before the answer's last byte goes out. A store that is
/// away does not hold the answer for longer than its deadline: the journal has the row.
Task<void> Exchange::await_durable() {
    if (!slot_) {
        co_return;
    }
    worker_.journal()->settle(*slot_, encode_row(policy::kMaxEncodedRow));
    slot_.reset();
    is_written_ = true;
    const std::uint64_t mine = worker_.journal()->published();
    const Tick deadline = until(kDurableWait);
    worker_.await_commit(client_.flow());
    while (worker_.journal()->released() < mine &&
           co_await client_.flow().wait({}, deadline) == Wake::ready) {
    }
    worker_.leave_commit(client_.flow());
}

/// Gives back what was held, writes the row down and tells it.
void Exchange::book(const policy::LedgerRow& row) noexcept {
    note_over_reserved();
    release_hold();
    if (slot_) {
        worker_.journal()->settle(*slot_, encode_row(policy::kMaxEncodedRow));
        slot_.reset();
    } else if (!is_written_) {
        worker_.book_unopened(row_);
    }
    worker_.tell(row, refused_kind_);
}

void Exchange::count_unsettled() noexcept {
    worker_.count().unsettled.add(1);
}

/// Before the client has the end of its answer, so that its next request finds it given back.
void Exchange::release_hold() noexcept {
    // Also where no limit applies: money is counted in any case, for budgets to come.
    if (hold_.is_settled || (!hold_.is_held && row_.cost.nanos() == 0)) {
        return;
    }
    hold_.is_settled = true;
    policy::Settled& settled = hold_.settled;
    settled.tokens = (row_.usage.total_input() + row_.usage.total_output()).count;
    settled.images = row_.usage.images;
    settled.output_tokens = row_.usage.total_output().count;
    settled.cost = row_.cost;
    settled.is_withdrawn = row_.attempts.empty();
    worker_.settle_limits(hold_.subject, settled, hold_.grant);
}

/// What a row says when our answer did not get through: the client left, or we stopped.
policy::Outcome Exchange::lost_outcome() const {
    return client_.flow().is_cancelled() ? policy::Outcome::error : policy::Outcome::client_gone;
}

}  // namespace headgate::proxy
