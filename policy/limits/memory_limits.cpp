#include "policy/limits/memory_limits.h"

#include "policy/limits/bucket_admission.h"

#include <algorithm>
#include <array>
#include <limits>

namespace headgate::policy {

namespace {

__extension__ using Wide = __int128;  // sums of amounts that each may fill 64 bits

/// Outermost first; null where a scope has no rules.
std::array<const ScopeRules*, 3> scopes_of(const Subject& subject) {
    return {subject.organization, subject.project, subject.key};
}

/// Where the organization's money is added: known also where it has no rules.
Account* organization_account(const Subject& subject) {
    if (subject.organization != nullptr) {
        return subject.organization->account.get();
    }
    return subject.project->organization_account.get();
}

/// Both accounts of a subject, locked in the order that all keep: the organization's first.
class AccountLocks {
public:
    AccountLocks(Account* organization, Account* project)
        : organization_{lock(organization)}, project_{lock(project)} {}

private:
    static std::unique_lock<std::mutex> lock(Account* account) {
        return account == nullptr ? std::unique_lock<std::mutex>{}
                                  : std::unique_lock{account->mutex()};
    }

    std::unique_lock<std::mutex> organization_;
    std::unique_lock<std::mutex> project_;
};

std::int64_t nanos_from(providers::Money money) {
    return std::max<std::int64_t>(0, money.nanos());
}

Wide total(const SpentReserved& used) {
    return static_cast<Wide>(used.spent.nanos()) + used.reserved.nanos();
}

SpentReserved used_of(const ScopeRules& scope, Day day) {
    return scope.account->sum(span_of(*scope.budget, day));
}

/// Of a budget of 0 all is used.
double ratio(const SpentReserved& used, const BudgetSettings& budget) {
    if (budget.limit.nanos() <= 0) {
        return 1;
    }
    return static_cast<double>(total(used)) / static_cast<double>(budget.limit.nanos());
}

/// With the account's mutex held.
void ask_budget(const ScopeRules& scope, const Demand& demand, Decision& decision) {
    if (scope.budget == nullptr) {
        return;
    }
    const SpentReserved used = used_of(scope, demand.day);
    const std::int64_t needed = nanos_from(demand.worst_case);
    if (total(used) + needed <= scope.budget->limit.nanos()) {
        return;
    }
    if (scope.budget->mode == EnforceMode::shadow) {
        decision.shadow_budget = true;
        return;
    }
    add_refusal(decision, {.kind = Refusal::Kind::budget,
                           .scope = &scope,
                           .spent = used.spent,
                           .reserved = used.reserved,
                           .needed = providers::Money::nanos(needed)});
}

/// What is to be told when the locks have been let go: at most one alert a scope.
class PendingAlerts {
public:
    /// With the mutexes of the subject's accounts held.
    void find(const Subject& subject, Day day) {
        add(subject.organization, day, organization_);
        add(subject.project, day, project_);
    }

    void tell(const std::function<void(const BudgetAlert&)>& tell) const {
        for (const std::optional<BudgetAlert>* alert : {&organization_, &project_}) {
            if (*alert && tell) {
                tell(**alert);
            }
        }
    }

private:
    static void add(const ScopeRules* scope, Day day, std::optional<BudgetAlert>& alert) {
        if (scope == nullptr || scope->budget == nullptr) {
            return;
        }
        const BudgetSettings& budget = *scope->budget;
        const BudgetSpan span = span_of(budget, day);
        const SpentReserved used = scope->account->sum(span);
        if (const std::optional<int> threshold = scope->account->next_alert(budget, span, used)) {
            alert = {.project = scope->id,
                     .threshold = *threshold,
                     .period = span,
                     .per = budget.per,
                     .limit = budget.limit,
                     .spent = used.spent,
                     .reserved = used.reserved};
        }
    }

    std::optional<BudgetAlert> organization_;
    std::optional<BudgetAlert> project_;
};

/// Adds to the day's money of the project and the organization. With both mutexes held.
void add_money(const Subject& subject, Day day, std::int64_t spent, std::int64_t reserved) {
    subject.project->account->add(day, spent, reserved);
    if (Account* organization = organization_account(subject); organization != nullptr) {
        organization->add(day, spent, reserved);
    }
}

/// The accounts that an exchange with these rules and amounts of money has to do with: without
/// any, nothing is locked.
AccountLocks lock_accounts(const Subject& subject, bool has_money) {
    const bool has_organization = subject.organization != nullptr;
    const bool has_project = !subject.project->is_empty() || subject.key != nullptr;
    return {has_money || has_organization ? organization_account(subject) : nullptr,
            has_money || has_project ? subject.project->account.get() : nullptr};
}

}  // namespace

Decision MemoryLimits::admit(const Subject& subject,
                             const Demand& demand,
                             providers::SteadyTime now) {
    const std::int64_t worst = nanos_from(demand.worst_case);
    const std::array<const ScopeRules*, 3> scopes = scopes_of(subject);
    Decision decision;
    PendingAlerts alerts;
    {
        const AccountLocks locks = lock_accounts(subject, worst != 0);
        BucketAdmission buckets{demand, share_, bucket_time(now)};
        for (const ScopeRules* scope : scopes) {
            if (scope != nullptr) {
                buckets.ask(*scope, decision);
                ask_budget(*scope, demand, decision);
            }
        }
        for (const ScopeRules* scope : scopes) {
            if (scope != nullptr) {
                buckets.take(*scope, decision);
            }
        }
        if (!decision.refusal && worst != 0) {
            add_money(subject, demand.day, 0, worst);
        }
        if (const BudgetSettings* budget = subject.project->budget; budget != nullptr) {
            decision.budget_used = ratio(used_of(*subject.project, demand.day), *budget);
        }
        if (const ScopeRules* all = subject.organization;
            all != nullptr && all->budget != nullptr) {
            decision.organization_used = ratio(used_of(*all, demand.day), *all->budget);
        }
        alerts.find(subject, demand.day);
    }
    alerts.tell(tell_);
    return decision;
}

void MemoryLimits::settle(const Subject& subject,
                          const Settled& settled,
                          providers::SteadyTime now) {
    const Demand& held = settled.held;
    PendingAlerts alerts;
    {
        const AccountLocks locks = lock_accounts(subject, true);
        for (const ScopeRules* scope : scopes_of(subject)) {
            if (scope != nullptr) {
                correct_buckets(*scope, settled, share_, bucket_time(now));
            }
        }
        add_money(subject, held.day, nanos_from(settled.cost), -nanos_from(held.worst_case));
        if (settled.output_tokens > 0 && !settled.is_withdrawn) {
            subject.project->account->note_output(held.model, settled.output_tokens);
        }
        alerts.find(subject, held.day);
    }
    alerts.tell(tell_);
}

double MemoryLimits::budget_used(const ScopeRules& project, Day day) {
    if (project.budget == nullptr) {
        return 0;
    }
    const std::lock_guard lock{project.account->mutex()};
    return ratio(used_of(project, day), *project.budget);
}

}  // namespace headgate::policy
