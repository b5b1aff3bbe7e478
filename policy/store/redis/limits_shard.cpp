#include "policy/store/redis/limits_shard.h"

#include "policy/store/redis/shard_reply.h"

#include <algorithm>
#include <utility>

namespace headgate::policy {

using Outcome = RedisLimits::Outcome;

LimitsShard::LimitsShard(const RedisLimits::Settings& settings, std::string tag)
    : settings_{settings},
      tag_{std::move(tag)},
      tallies_{settings.instance, settings.worker, settings.untold} {}

void LimitsShard::admit(RedisLimits::Ticket ticket, const Subject& subject, const Demand& demand) {
    queue_.push_back(queued(ticket, subject, demand, tallies_));
}

bool LimitsShard::abandon(RedisLimits::Ticket ticket) {
    const auto abandon_in = [ticket](auto& admissions) {
        const auto found = std::ranges::find_if(admissions, [ticket](const auto& admission) {
            return admission.ticket == ticket && !admission.is_abandoned;
        });
        if (found == admissions.end()) {
            return false;
        }
        found->is_abandoned = true;
        return true;
    };
    if (is_in_flight_ && abandon_in(call_.admissions)) {
        return true;
    }
    if (!abandon_in(queue_)) {
        return false;
    }
    while (!queue_.empty() && queue_.front().is_abandoned) {
        queue_.pop_front();
    }
    return true;
}

bool LimitsShard::has_work() const {
    return !is_in_flight_ && (in_doubt_ || is_asked_ || !queue_.empty() || tallies_.is_dirty());
}

std::string LimitsShard::start_call() {
    build_call();
    return payload_;
}

void LimitsShard::build_call() {
    call_.clear();
    call_.number = ++number_;
    call_.acked = acked_;
    if (in_doubt_) {
        call_.probes = in_doubt_->number;
    } else {
        is_asked_ = false;
        call_.tells = telling_ != Telling::done;
        if (telling_ == Telling::not_begun) {
            call_.begins = true;
            tallies_.mark_all();
        }
        call_.add_settles(tallies_);
        const bool has_told_all = telling_ == Telling::done || !tallies_.is_dirty();
        call_.completes = telling_ != Telling::done && has_told_all;
        if (has_told_all) {
            call_.add_admissions(queue_);
        }
    }
    payload_ = call_.payload(settings_);
    is_in_flight_ = true;
}

LimitsShard::Taken LimitsShard::take(std::string_view reply,
                                     std::vector<RedisLimits::Answer>& answers) {
    const char kind = reply.empty() ? '\0' : reply.front();
    const bool is_probe = in_doubt_.has_value();
    ShardCall& asked = in_doubt_ ? *in_doubt_ : call_;
    switch (kind) {
        case 'a':
            if (is_probe) {
                break;
            }
            return apply(asked, reply, answers);
        case 'p':
            if (!is_probe) {
                break;
            }
            return apply_doubtful(asked, reply.substr(1), answers);
        case 'n':
            if (!is_probe) {
                break;
            }
            acked_ = call_.number;
            asked.take_back(tallies_, queue_);
            forget_applied();
            return {};
        case 't':
        case 'l':
            asked.take_back(tallies_, queue_);
            forget_applied();
            telling_ = Telling::not_begun;
            if (kind == 't') {
                is_asked_ = true;
                return {};
            }
            build_call();
            return {.outcome = Outcome::report, .problem = {}};
        case 's':
            return {.outcome = Outcome::faulty,
                    .problem = "another process uses the same instance"};
        default:
            break;
    }
    return {.outcome = Outcome::faulty, .problem = "a reply that no script gives"};
}

LimitsShard::Taken LimitsShard::apply(ShardCall& call,
                                      std::string_view reply,
                                      std::vector<RedisLimits::Answer>& answers) {
    const auto parsed = parse_shard_reply(call, reply);
    if (!parsed) {
        return {.outcome = Outcome::faulty, .problem = parsed.error()};
    }
    const auto decisions = decisions_of(call, *parsed);
    if (!decisions) {
        return {.outcome = Outcome::faulty, .problem = decisions.error()};
    }
    for (std::size_t i = 0; i < call.admissions.size(); ++i) {
        const QueuedAdmission& admission = call.admissions[i];
        const Decision& decision = (*decisions)[i];
        if (!admission.is_abandoned) {
            if (!decision.refusal) {
                hold(admission);
            }
            answers.push_back({.ticket = admission.ticket, .decision = decision});
        } else if (!decision.refusal) {
            withdraw(admission, tallies_);
        }
    }
    call.confirm(!parsed->is_loading);
    if (call.begins) {
        telling_ = Telling::begun;
    }
    if (call.completes) {
        telling_ = Telling::done;
    } else if (telling_ != Telling::done) {
        is_asked_ = true;  // the rest is told with the next call, also where nothing is left
    }
    acked_ = call_.number;
    forget_applied();
    return {};
}

LimitsShard::Taken LimitsShard::apply_doubtful(ShardCall& call,
                                               std::string_view reply,
                                               std::vector<RedisLimits::Answer>& answers) {
    Taken taken = apply(call, reply, answers);
    if (taken.outcome == Outcome::faulty) {
        // The same probe would get the same reply for ever. It was applied, so nothing of it is
        // sent again; telling all that is held takes back what it may have been granted.
        forget_applied();
        telling_ = Telling::not_begun;
        is_asked_ = true;
    }
    return taken;
}

void LimitsShard::forget_applied() {
    is_in_flight_ = false;
    in_doubt_.reset();
    call_.clear();
    if (queue_.empty()) {
        tallies_.prune();
    }
}

void LimitsShard::lose() {
    if (!is_in_flight_) {
        return;
    }
    is_in_flight_ = false;
    if (call_.probes == 0) {
        for (QueuedAdmission& admission : call_.admissions) {
            admission.is_abandoned = true;
        }
        in_doubt_ = std::exchange(call_, {});
    }
}

}  // namespace headgate::policy
