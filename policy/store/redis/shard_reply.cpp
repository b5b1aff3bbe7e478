#include "policy/store/redis/shard_reply.h"

#include "policy/limits/bucket_admission.h"
#include "policy/limits/bucket_level.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace headgate::policy {

namespace {

static_assert(std::endian::native == std::endian::little, "doubles are packed little-endian");

constexpr double kMostNumber = 0x1p62;

bool counts_requests(LimitKind kind) {
    return kind == LimitKind::rpm || kind == LimitKind::rpd;
}

bool counts_tokens(LimitKind kind) {
    return kind == LimitKind::tpm || kind == LimitKind::tpd;
}

std::int64_t whole_from(double count) {
    return static_cast<std::int64_t>(std::max(0.0, count));
}

std::uint8_t bit_of(LimitKind kind) {
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(kind));
}

/// One call's admissions in order, over its counters.
class Replay {
public:
    Replay(const ShardCall& call, ShardReply& reply)
        : used_{std::span{reply.numbers}.first(call.buckets.size())},
          money_{std::span{reply.numbers}.subspan(call.buckets.size())},
          is_loading_{reply.is_loading} {}

    Decision decide(const QueuedAdmission& admission) {
        Decision decision;
        for (const Take& take : admission.takes) {
            ask(take, decision);
        }
        for (const Payment& payment : payments_of(admission)) {
            ask(payment, admission.worst, decision);
        }
        if (!decision.refusal) {
            take_all(admission);
        }
        note_headroom(admission, decision);
        for (const Payment& payment : payments_of(admission)) {
            double& used = payment.is_projects ? decision.budget_used : decision.organization_used;
            used = payment.limit <= 0 ? 1 : sum(payment) / static_cast<double>(payment.limit);
        }
        return decision;
    }

private:
    static std::span<const Payment> payments_of(const QueuedAdmission& admission) {
        return {admission.payments.data(), admission.payment_count};
    }

    BucketLevel level_of(const Take& take) const {
        const std::optional<std::chrono::milliseconds> period = period_of(take.kind);
        const double used = used_[take.bucket->place.index];
        BucketLevel level;
        level.limit = static_cast<double>(take.limit);
        level.period_ms = period ? static_cast<double>(period->count()) : 0;
        level.bucket.used = used;  // at the moment of the reply, from which all waits count
        level.used = used;
        return level;
    }

    /// Where the scope's spent stands; reserved is behind it.
    std::size_t place_of(const Payment& payment) const {
        return 2 * payment.day->scope->place.index;
    }

    double sum(const Payment& payment) const {
        const std::size_t place = place_of(payment);
        return money_[place] + money_[place + 1];
    }

    void ask(const Take& take, Decision& decision) const {
        const auto amount = static_cast<double>(take.amount);
        const BucketLevel level = level_of(take);
        if (take.amount == 0 || level.used + amount <= level.limit) {
            return;
        }
        if (take.mode == EnforceMode::shadow) {
            decision.shadow_kinds |= bit_of(take.kind);
        } else if (amount > level.limit) {
            add_refusal(
                decision,
                {.kind = Refusal::Kind::too_large, .bucket = take.rule, .scope = take.scope});
        } else {
            add_refusal(decision, {.kind = Refusal::Kind::limit,
                                   .bucket = take.rule,
                                   .scope = take.scope,
                                   .retry_after = level.fits_in(amount)});
        }
    }

    void ask(const Payment& payment, std::int64_t worst, Decision& decision) const {
        const bool fits =
            sum(payment) + static_cast<double>(worst) <= static_cast<double>(payment.limit);
        if (payment.mode == EnforceMode::shadow) {
            decision.shadow_budget = decision.shadow_budget || !fits;
            return;
        }
        if (is_loading_) {
            // Goes where a budget's refusal would.
            if (!decision.refusal || decision.refusal->kind == Refusal::Kind::limit) {
                decision.refusal = {.kind = Refusal::Kind::loading, .scope = payment.scope};
            }
        } else if (!fits) {
            const std::size_t place = place_of(payment);
            using providers::Money;
            add_refusal(decision,
                        {.kind = Refusal::Kind::budget,
                         .scope = payment.scope,
                         .spent = Money::nanos(static_cast<std::int64_t>(money_[place])),
                         .reserved = Money::nanos(static_cast<std::int64_t>(money_[place + 1])),
                         .needed = Money::nanos(worst)});
        }
    }

    void take_all(const QueuedAdmission& admission) {
        for (const Take& take : admission.takes) {
            used_[take.bucket->place.index] += static_cast<double>(take.amount);
        }
        for (const Payment& payment : payments_of(admission)) {
            money_[place_of(payment) + 1] += static_cast<double>(admission.worst);
        }
    }

    void note_headroom(const QueuedAdmission& admission, Decision& decision) const {
        double requests_left = std::numeric_limits<double>::infinity();
        double tokens_left = std::numeric_limits<double>::infinity();
        for (const Take& take : admission.takes) {
            const bool is_tokens = counts_tokens(take.kind);
            if (take.mode == EnforceMode::shadow || (!is_tokens && !counts_requests(take.kind))) {
                continue;
            }
            const BucketLevel level = level_of(take);
            const double left = level.remaining() / level.limit;
            double& least = is_tokens ? tokens_left : requests_left;
            if (left < least) {
                least = left;
                (is_tokens ? decision.tokens : decision.requests) =
                    Headroom{.limit = take.limit,
                             .remaining = whole_from(level.remaining()),
                             .resets_in = level.full_in()};
            }
        }
    }

    std::span<double> used_;
    std::span<double> money_;
    bool is_loading_;
};

}  // namespace

std::expected<ShardReply, std::string> parse_shard_reply(const ShardCall& call,
                                                         std::string_view reply) {
    const std::size_t count = call.buckets.size() + 2 * call.scopes.size();
    const std::size_t first = 2 + call.admissions.size();
    if (reply.size() != first + count * sizeof(double) || reply[0] != 'a' ||
        reply.substr(1, first - 1).find_first_not_of("01") != std::string_view::npos) {
        return std::unexpected{"a reply of another form than was asked for"};
    }
    ShardReply parsed{.is_loading = reply[1] == '1',
                      .grants = reply.substr(2, call.admissions.size()),
                      .numbers = std::vector<double>(count)};
    if (count > 0) {
        std::memcpy(parsed.numbers.data(), reply.data() + first, count * sizeof(double));
    }
    for (const double number : parsed.numbers) {
        if (!(std::abs(number) <= kMostNumber)) {
            return std::unexpected{"a counter out of range"};
        }
    }
    return parsed;
}

std::expected<std::vector<Decision>, std::string> decisions_of(const ShardCall& call,
                                                               ShardReply reply) {
    std::vector<Decision> decisions;
    decisions.reserve(call.admissions.size());
    Replay replay{call, reply};
    for (std::size_t i = 0; i < call.admissions.size(); ++i) {
        decisions.push_back(replay.decide(call.admissions[i]));
        if (decisions.back().refusal.has_value() != (reply.grants[i] == '0')) {
            return std::unexpected{"a grant that does not follow from the counters"};
        }
    }
    return decisions;
}

}  // namespace headgate::policy
