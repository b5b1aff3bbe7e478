#include "policy/ledger/row_codec.h"
#include "providers/contract/token_estimate.h"
#include "proxy/pipeline/exchange.h"

namespace headgate::proxy {
namespace {

/// Our own count where a provider told none: four bytes of text a token, rounded up. Within about
/// 30 % for English; too high for code in few tokens, too low for scripts of three bytes a letter.
constexpr std::size_t kBytesPerToken = 4;

/// Far above every context window: such a number is an error, and no sum of it overflows.
constexpr std::int64_t kMostTokens = 1'000'000'000;

constexpr std::chrono::seconds kDurableWait{10};

std::chrono::microseconds microseconds(std::chrono::steady_clock::duration time) {
    return std::chrono::duration_cast<std::chrono::microseconds>(time);
}

}  // namespace

void Exchange::settle_answer(const providers::Usage& usage,
                             std::size_t answer_bytes,
                             std::string_view service_tier) {
    const bool is_told = usage.is_reported && !is_beyond(usage);
    if (usage.is_reported && !is_told) {
        warn("told a usage beyond the model's limits");
    }
    if (is_told || request_.endpoint->meter.empty()) {
        charge(usage, service_tier);
    } else {
        settle_estimate(answer_bytes);
    }
}

void Exchange::charge(const providers::Usage& usage, std::string_view service_tier) {
    call_.is_charged = true;
    row_.usage += usage;
    const policy::TargetPrice price =
        view_->policy().router.prices().find(call_.line->provider(), row_.model);
    row_.price = to_string(price.source);
    row_.cost =
        row_.cost +
        policy::cost_of(usage, price, service_tier.empty() ? request_.service_tier : service_tier);
}

/// More than the context window and the output limit allow (policy.md, Budgets): not believed. The
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
    providers::Usage usage;
    usage.is_estimated = true;
    usage.input = guess_input();
    if (meter == "tokens") {
        usage.output = providers::Tokens{
            static_cast<std::int64_t>((answer_bytes + kBytesPerToken - 1) / kBytesPerToken)};
    } else if (meter != "input_tokens" && answer_bytes > 0) {
        usage.images = request_.choices();  // the bytes of a picture are no tokens
    }
    charge(usage, {});
}

/// Once, while the request is still there: a live stream gives its body back.
providers::Tokens Exchange::guess_input() {
    if (!input_guess_) {
        input_guess_ = providers::estimate_input(request_).guess;
    }
    return *input_guess_;
}

/// Into the journal before the answer's last byte goes out: from here on a crash books the row as
/// it is, not the worst case.
void Exchange::seal(policy::Outcome outcome) {
    row_.outcome = outcome;
    if (slot_) {
        note_times();
        worker_.journal()->reopen(*slot_, encode_row());
    }
}

std::string_view Exchange::encode_row() {
    note_over_reserved();
    std::span<char> room = worker_.scratch().record;
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
    worker_.journal()->settle(*slot_, encode_row());
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
        worker_.journal()->settle(*slot_, encode_row());
        slot_.reset();
    } else if (!is_written_) {
        worker_.book_unopened(row_);
    }
    worker_.tell(row, refused_kind_);
}

void Exchange::count_unsettled() noexcept {
    worker_.count().unsettled.add(1);
}

void Exchange::release_hold() noexcept {
    policy::Settled& settled = hold_.settled;
    settled.tokens = (row_.usage.total_input() + row_.usage.total_output()).count;
    settled.images = row_.usage.images;
    settled.output_tokens = row_.usage.total_output().count;
    settled.cost = row_.cost;
    settled.is_withdrawn = row_.attempts.empty();
    // Also where no limit applies: money is counted in any case, for budgets to come.
    if (hold_.is_held || row_.cost.nanos() != 0) {
        hold_.is_held = false;
        worker_.settle_limits(hold_.subject, settled, hold_.grant);
    }
}

/// What a row says when our answer did not get through: the client left, or we stopped.
policy::Outcome Exchange::lost_outcome() const {
    return client_.flow().is_cancelled() ? policy::Outcome::error : policy::Outcome::client_gone;
}

}  // namespace headgate::proxy
