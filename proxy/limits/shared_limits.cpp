#include "proxy/limits/shared_limits.h"

#include <algorithm>
#include <mutex>
#include <utility>

namespace headgate::proxy {
namespace {

using policy::Decision;
using policy::Demand;
using policy::Refusal;
using policy::ScopeRules;
using policy::Settled;
using policy::Subject;

bool is_ready(Interest interest) {
    return interest.socket != nullptr && interest.socket->is_ready(interest.bits);
}

/// Nothing of what is asked for is limited: no reason to ask anybody.
bool is_unlimited(const Subject& subject, const Demand& demand) {
    if (demand.only_money) {
        return !has_budget(subject);
    }
    const auto is_empty = [](const ScopeRules* scope) {
        return scope == nullptr || scope->is_empty();
    };
    return is_empty(subject.organization) && is_empty(subject.project) && is_empty(subject.key);
}

Decision unavailable() {
    Decision decision;
    decision.refusal = Refusal{.kind = Refusal::Kind::unavailable};
    return decision;
}

/// What an exchange has cost and said, in the accounts of its process.
void add_to_accounts(const Subject& subject, const Settled& settled) {
    const std::int64_t cost = std::max<std::int64_t>(0, settled.cost.nanos());
    policy::Account* organization = subject.organization != nullptr
                                        ? subject.organization->account.get()
                                        : subject.project->organization_account.get();
    policy::Account& project = *subject.project->account;
    if (organization != nullptr && cost != 0) {
        const std::scoped_lock lock{organization->mutex()};
        organization->add(settled.held.day, cost, 0);
    }
    const bool has_output = settled.output_tokens > 0 && !settled.is_withdrawn;
    if (cost != 0 || has_output) {
        const std::scoped_lock lock{project.mutex()};
        project.add(settled.held.day, cost, 0);
        if (has_output) {
            project.note_output(settled.held.model, settled.output_tokens);
        }
    }
}

}  // namespace

SharedLimits::Waiting::Waiting(SharedLimits& limits, Flow& waiting_flow)
    : owner{limits}, flow{waiting_flow}, ticket{limits.next_ticket_++} {
    owner.waiting_.emplace(ticket, this);
}

SharedLimits::SharedLimits(Reactor& reactor,
                           SharedLimitsProcess& process,
                           std::size_t worker,
                           Observer observer)
    : reactor_{reactor},
      process_{process},
      observer_{std::move(observer)},
      limits_{process.of_worker(worker)},
      nodes_{reactor, process.resolver(), process.settings().address, process.settings().trust},
      local_{1, process.settings().tell},
      random_{std::random_device{}()} {
    if (worker == 0) {
        heartbeat_ = std::make_unique<RedisHeartbeat>(reactor, process,
                                                      [this](std::chrono::nanoseconds took) {
                                                          if (observer_) {
                                                              observer_(Operation::heartbeat, took);
                                                          }
                                                      });
    }
}

SharedLimits::~SharedLimits() = default;

Task<Decision> SharedLimits::admit(
    Flow& flow, const Subject& subject, const Demand& demand, Grant& grant, Interest client_gone) {
    if (is_unlimited(subject, demand)) {
        if (demand.only_money) {
            grant.not_held = grant.not_held + demand.worst_case;
        }
        co_return Decision{};
    }
    // Whoever holds the first reservation of an exchange holds them all.
    const bool is_redis = !demand.only_money || grant.by == Grant::By::redis;
    if (!is_redis || state_ == State::away || !is_running_) {
        co_return decide_without_redis(subject, demand, grant);
    }
    co_return co_await ask_redis(flow, subject, demand, grant, client_gone);
}

Task<Decision> SharedLimits::ask_redis(
    Flow& flow, const Subject& subject, const Demand& demand, Grant& grant, Interest client_gone) {
    const auto until = std::chrono::steady_clock::now() + process_.settings().deadline;
    Waiting waiting{*this, flow};
    limits_.admit(waiting.ticket, subject, demand);
    kick();
    while (!waiting.decision && !waiting.is_lost && !is_ready(client_gone)) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        if (left.count() <= 0 || co_await flow.sleep(left, client_gone) == Wake::stopped) {
            break;
        }
    }
    if (waiting.decision) {
        // Redis is back and its sums are not: where the policy lets pass without it, so it does
        // now.
        const bool is_loading =
            waiting.decision->refusal && waiting.decision->refusal->kind == Refusal::Kind::loading;
        if (is_loading && process_.settings().on_failure == policy::OnRedisFailure::open) {
            co_return decide_without_redis(subject, demand, grant);
        }
        keep(subject, demand, *waiting.decision, grant);
        co_return *waiting.decision;
    }
    limits_.abandon(waiting.ticket);
    if (flow.is_cancelled() || is_ready(client_gone)) {
        kick();  // what Redis may have granted goes back at once
        co_return unavailable();
    }
    if (!waiting.is_lost) {
        // Nobody after it waits as long. The coroutine, in the middle of something, comes back.
        become_away("no reply in time");
        release_waiting();
    }
    co_return decide_without_redis(subject, demand, grant);
}

/// Notes what Redis has decided.
void SharedLimits::keep(const Subject& subject,
                        const Demand& demand,
                        const Decision& decision,
                        Grant& grant) {
    if (!decision.refusal && grant.by != Grant::By::redis) {
        grant.by = Grant::By::redis;
        ++held_;
    }
    note_budgets(subject, demand, decision);
}

void SharedLimits::settle(const Subject& subject, const Settled& settled, Grant grant) {
    Settled known = settled;
    known.held.worst_case = settled.held.worst_case - grant.not_held;
    // The accounts follow at once: a report in between must not count the cost twice.
    switch (grant.by) {
        case Grant::By::redis:
            limits_.settle(subject, known);
            add_to_accounts(subject, settled);
            held_ -= held_ > 0 ? 1 : 0;
            break;
        case Grant::By::local:
            limits_.book(subject, settled.held.day, settled.cost);
            settle_locally(subject, known, grant.outage);
            break;
        case Grant::By::open:
        case Grant::By::nobody:
            limits_.book(subject, settled.held.day, settled.cost);
            add_to_accounts(subject, settled);
            break;
    }
    kick();
}

}  // namespace headgate::proxy
