#include "policy/budget/refusal_words.h"
#include "proxy/pipeline/exchange.h"

namespace headgate::proxy {
namespace {

using policy::Refusal;
using providers::ErrorCode;
using providers::Money;

/// How often a lower cap is tried where others spend at the same time.
constexpr int kMostCaps = 3;
constexpr std::chrono::seconds kStoreRetryAfter{1};

}  // namespace

/// Step 7: do limits and budget allow the worst case? Admitted, it is held until the row is booked.
Task<bool> Exchange::admit() {
    const policy::LimitBook::Rules rules =
        view_->policy().limits.rules_for(*identity_.project, identity_.key);
    hold_.subject = {rules.organization, rules.project, rules.key};
    is_budgeted_ = has_budget(hold_.subject);
    if (has_enforced_budget(hold_.subject) && !worker_.bookkeeping().knows_sums()) {
        retry_after_ = kStoreRetryAfter;
        co_return refuse(ErrorCode::records_unavailable,
                         "What was spent so far is not known yet: the record store is away.");
    }
    note_project_cap();
    if (!bound_cost({})) {
        co_return false;
    }
    make_demand();
    if (!is_bounded() || co_await reserve()) {
        co_return open_record();
    }
    co_return false;
}

/// Whether some limit or budget applies at all.
bool Exchange::is_bounded() const {
    return hold_.subject.organization != nullptr || hold_.subject.key != nullptr ||
           !hold_.subject.project->is_empty();
}

void Exchange::note_project_cap() {
    if (const auto cap = policy::project_cap(request_, *identity_.project)) {
        request_.imposed_cap = cap;
    }
}

policy::WorstCaseInput Exchange::bound_input(std::optional<std::int64_t> cap) {
    return {.request = request_,
            .project = *identity_.project,
            .plan = plan_,
            .prices = view_->policy().router.prices(),
            .output_cap = cap,
            .must_be_priced = facts_.max_cost || has_enforced_budget(hold_.subject),
            .estimate = &estimate()};
}

/// What the request costs at most, where somebody asks. `cap`: instead of the request's own.
bool Exchange::bound_cost(std::optional<std::int64_t> cap) {
    if (!is_budgeted_ && !facts_.max_cost) {
        return true;
    }
    auto worst = policy::worst_case(bound_input(cap));
    if (!worst) {
        error_ = std::move(worst.error());
        return false;
    }
    worst_ = *worst;
    if (facts_.max_cost && worst_.cost > *facts_.max_cost) {
        return refuse(ErrorCode::max_cost_exceeded,
                      policy::words_for_cost(worst_, *facts_.max_cost));
    }
    return true;
}

void Exchange::make_demand() {
    policy::Demand& demand = hold_.settled.held;
    demand.model = request_.model;
    demand.day = policy::day_of(row_.time);
    demand.worst_case = is_budgeted_ ? worst_.cost : Money{};
    demand.images = request_.endpoint->operation == providers::Operation::image_generations
                        ? request_.choices()
                        : 0;
    if (counts_tokens(hold_.subject, request_.model)) {
        demand.tokens = guess_tokens();
    }
}

/// Our guess of the input and, where the endpoint answers in tokens, of the output: the cap, or
/// what this project usually gets from that model.
std::int64_t Exchange::guess_tokens() {
    const std::string_view meter = request_.endpoint->meter;
    if (meter.empty()) {
        return 0;
    }
    if (meter != "tokens") {
        return estimate().guess.count;
    }
    std::optional<std::int64_t> output = request_.output_cap();
    output = output ? output : request_.imposed_cap;
    if (!output) {
        policy::Account& account = *hold_.subject.project->account;
        const std::scoped_lock lock{account.mutex()};
        output = account.expected_output(request_.model);
    }
    return estimate().guess.count + *output * request_.choices();
}

/// One atomic admission; where the budget is tight and its policy says so, with a lower cap.
Task<bool> Exchange::reserve() {
    for (int tries = 0;; ++tries) {
        decision_ = co_await ask_limits(hold_.settled.held);
        if (!decision_.refusal) {
            hold_.is_held = true;
            note_shadows();
            co_return true;
        }
        if (client_.flow().is_cancelled() || tries == kMostCaps || !lower_cap(*decision_.refusal)) {
            break;
        }
    }
    note_shadows();
    if (client_.flow().is_cancelled() || is_client_gone()) {
        co_return false;  // nobody is left to be told
    }
    co_return refuse_by(*decision_.refusal);
}

Task<policy::Decision> Exchange::ask_limits(const policy::Demand& demand) {
    if (SharedLimits* shared = worker_.shared_limits()) {
        const auto from = std::chrono::steady_clock::now();
        policy::Decision decision = co_await shared->admit(client_.flow(), hold_.subject, demand,
                                                           hold_.grant, client_gone());
        waited_ += std::chrono::steady_clock::now() - from;
        co_return decision;
    }
    co_return worker_.limits().admit(hold_.subject, demand, worker_.reactor().now());
}

/// `when_tight: cap`: the largest output cap that what is left pays for.
bool Exchange::lower_cap(const Refusal& refusal) {
    if (refusal.kind != Refusal::Kind::budget ||
        refusal.scope->budget->when_tight != policy::WhenTight::cap) {
        return false;
    }
    const std::optional<Money> left = policy::left_of(refusal);
    const auto cap = left ? policy::affordable_cap(bound_input({}), *left) : std::nullopt;
    if (!cap || !bound_cost(cap)) {
        error_.reset();
        return false;
    }
    request_.imposed_cap = cap;
    make_demand();
    return true;
}

void Exchange::note_shadows() {
    if (decision_.shadow_kinds != 0 || decision_.shadow_budget) {
        worker_.count_shadows(*identity_.project, decision_);
    }
}

bool Exchange::refuse_by(const Refusal& refusal) {
    reason_ = policy::reason_of(refusal);
    switch (refusal.kind) {
        case Refusal::Kind::limit:
            retry_after_ = refusal.retry_after;
            refused_kind_ = refusal.bucket->kind;
            return refuse(ErrorCode::rate_limit_exceeded, policy::words_for_limit(refusal));
        case Refusal::Kind::too_large:
            return refuse(ErrorCode::tokens_exceeded,
                          policy::words_for_size(refusal, hold_.settled.held));
        case Refusal::Kind::budget:
            return refuse(ErrorCode::insufficient_quota, policy::words_for_budget(refusal, worst_));
        case Refusal::Kind::unavailable:
        case Refusal::Kind::loading:
            break;
    }
    retry_after_ = kStoreRetryAfter;
    return refuse(ErrorCode::limits_unavailable,
                  refusal.kind == Refusal::Kind::loading
                      ? "What was spent so far is being added up: try again."
                      : "The store of limits and budgets is away and the policy does not let "
                        "requests pass without it.");
}

/// From here on a crash loses nothing: the journal books the worst case for us.
bool Exchange::open_record() {
    policy::Journal::Writer* journal = worker_.journal();
    if (journal == nullptr) {
        return true;
    }
    const std::string_view bytes = encode_expired_row();
    slot_ = journal->open(bytes);
    if (!slot_) {
        retry_after_ = kStoreRetryAfter;
        return refuse(ErrorCode::records_unavailable,
                      "The journal is full: the record store has been away for too long.");
    }
    return true;
}

/// The row as it is booked where this process dies: the worst case, flagged.
std::string_view Exchange::encode_expired_row() {
    policy::LedgerRow expired = row_;
    expired.outcome = policy::Outcome::expired;
    expired.usage.is_estimated = true;
    if (is_budgeted_) {
        // Behind attempts that may be charged already, the further one comes on top.
        expired.usage.input += {worst_.input_tokens};
        expired.usage.output += {worst_.output_tokens};
        expired.usage.images += worst_.images;
        expired.cost = hold_.settled.held.worst_case;
    } else {
        expire_by_size(expired);
    }
    const policy::PlannedTarget& target =
        is_budgeted_ && worst_.dearest != nullptr ? *worst_.dearest : plan_.targets.front();
    expired.provider = target.target.provider->name;
    expired.model = target.target.model;
    const policy::TargetPrice price =
        view_->policy().router.prices().find(*target.target.provider, target.target.model);
    expired.price = to_string(price.source);
    if (!is_budgeted_) {
        expired.cost = policy::cost_of(expired.usage, price, request_.service_tier);
    }
    expired.tags = facts_.tags;
    std::span<char> room = worker_.scratch().record;
    return {room.data(), policy::encode_row(expired, room.first(policy::Journal::kMaxOpen))};
}

/// Nobody has asked for the worst case: four bytes a token, and the output that was capped.
void Exchange::expire_by_size(policy::LedgerRow& row) const {
    row.usage.input = providers::Tokens{static_cast<std::int64_t>(request_.content_bytes / 4)};
    const auto cap = request_.output_cap();
    row.usage.output = {cap.value_or(request_.imposed_cap.value_or(0)) * request_.choices()};
}

/// Before a further attempt behind one that the provider may charge: one worst case more. False:
/// it does not fit, there is no further attempt.
Task<bool> Exchange::top_up() {
    if (!is_budgeted_ || !hold_.is_held) {
        co_return true;
    }
    policy::Demand more = hold_.settled.held;
    more.only_money = true;
    more.worst_case = worst_.cost;
    const policy::Decision decision = co_await ask_limits(more);
    if (decision.refusal) {
        co_return false;
    }
    hold_.settled.held.worst_case = hold_.settled.held.worst_case + worst_.cost;
    if (slot_) {
        worker_.journal()->reopen(*slot_, encode_expired_row());
    }
    co_return true;
}

}  // namespace headgate::proxy
