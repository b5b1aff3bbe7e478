// What the gateway tells its admin listener.
#include "policy/config/show.h"
#include "policy/explain/explain.h"
#include "policy/explain/quiet_healths.h"
#include "proxy/cli/admin_records.h"
#include "proxy/cli/gateway.h"
#include "proxy/cli/money_reports.h"

#include <algorithm>

namespace headgate::proxy {
namespace {

using policy::LogLevel;

/// The health of the targets that serve, for explaining: nothing of it is changed.
class LiveHealths final : public policy::TargetHealths {
public:
    explicit LiveHealths(policy::HealthTable& table) : table_{table} {}

    policy::TargetHealth& of(const providers::Provider& provider, std::string_view model) override {
        std::shared_ptr<policy::TargetHealth> known = table_.find(provider.name, model);
        if (!known) {
            return quiet_.of(provider, model);
        }
        held_.push_back(std::move(known));
        return *held_.back();
    }

private:
    policy::HealthTable& table_;
    policy::QuietHealths quiet_;  // of targets that nobody has asked yet
    std::vector<std::shared_ptr<policy::TargetHealth>> held_;
};

}  // namespace

AdminSources Gateway::admin_sources() {
    AdminSources sources;
    sources.metrics = [this] { return metrics_.render(); };
    sources.readiness = [this] { return readiness(); };
    sources.admin_keys = [this] { return policy()->snapshot->admin_keys; };
    sources.targets = [this](providers::SteadyTime now) { return process_.healths.report(now); };
    sources.explain = [this](const policy::Question& question) { return explain(question); };
    sources.policy_json = [this] { return policy::show_policy_json(*policy()->tree); };
    sources.budget = [this](std::string_view id) { return reports().budget(*policy(), id); };
    sources.limits = [this](std::string_view id) { return reports().limits(*policy(), id); };
    auto records = std::make_shared<AdminRecords>(started_with_->state);
    sources.projects = [this, records] {
        // Without the records, what this process has seen itself.
        return reports().projects(*policy(),
                                  records->uses().value_or(std::vector<policy::KeyUse>{}));
    };
    sources.ledger = [records](const policy::LedgerQuery& query) { return records->page(query); };
    sources.ledger_row = [records](std::string_view id) { return records->row(id); };
    sources.audit = [this](std::string_view actor, std::string_view action) {
        policy::AuditEntry entry{
            std::chrono::system_clock::now(), std::string{actor}, std::string{action}, {}};
        process_.bookkeeping->post([this, entry](policy::RecordStore* store) {
            if (store == nullptr || !store->add_audit(entry)) {
                log_.write(LogLevel::warn,
                           "the audit has no entry for: " + entry.actor + " " + entry.action);
            }
        });
    };
    sources.log_error = [this](std::string_view text) { log_.write(LogLevel::error, text); };
    sources.reload = [this](ReloadRequest request) { ask_reload_(std::move(request)); };
    return sources;
}

MoneyReports Gateway::reports() const {
    return MoneyReports{process_, shared_reader_.get()};
}

/// A store that is away but bridged is a warning; where its absence refuses requests, a reason.
void Gateway::add_stores(const LoadedPolicy& policy, Readiness& now) const {
    const Bookkeeping& books = *process_.bookkeeping;
    if (!books.knows_sums()) {
        const bool has_budget =
            policy.limits.organization().budget != nullptr ||
            std::ranges::any_of(policy.limits.projects(),
                                [](const auto& rules) { return rules->budget != nullptr; });
        (has_budget ? now.reasons : now.warnings)
            .emplace_back(
                "the record store has been away since the start: what was spent is not "
                "known");
    } else if (books.has_records() && !books.figures().is_up) {
        now.warnings.emplace_back("the record store is away: rows wait in the journal");
    }
    if (process_.shared_limits && !process_.shared_limits->is_up()) {
        const bool refuses =
            policy.snapshot->state.on_redis_failure == policy::OnRedisFailure::closed;
        (refuses ? now.reasons : now.warnings).emplace_back("redis is away");
    }
}

Readiness Gateway::readiness() const {
    Readiness now;
    if (process_.is_draining) {
        now.reasons.emplace_back("draining");
    }
    const std::shared_ptr<const LoadedPolicy> active = policy();
    now.generation = active->snapshot->generation;
    add_stores(*active, now);
    // Readiness needs no key: it tells that there is a problem, the log tells which.
    if (has_faulty_policy_) {
        now.warnings.emplace_back("the latest policy is faulty and not in use: see the log");
    }
    if (has_faulty_credential_) {
        now.warnings.emplace_back("a token or CA file could not be read anew: see the log");
    }
    return now;
}

std::expected<policy::Explanation, providers::ApiError> Gateway::explain(
    const policy::Question& question) {
    const std::shared_ptr<const LoadedPolicy> active = policy();
    const bool is_known = std::ranges::any_of(active->snapshot->projects, [&](const auto& project) {
        return project->id == question.project;
    });
    if (!is_known) {
        return std::unexpected{providers::ApiError{providers::ErrorCode::invalid_request,
                                                   "The policy has no such project.",
                                                   "project",
                                                   {}}};
    }
    LiveHealths healths{process_.healths};
    return policy::explain(
        {.router = active->router,
         .healths = healths,
         .limits = active->limits,
         .now = std::chrono::steady_clock::now(),
         .time = std::chrono::system_clock::now(),
         .used = [&](const policy::ScopeRules& scope) { return reports().used(*active, scope); },
         .bucket = [&](const policy::BucketRule& rule) { return reports().bucket(*active, rule); },
         .knows_sums = process_.bookkeeping->knows_sums()},
        question);
}

}  // namespace headgate::proxy
