#include "policy/breaker/health_table.h"

#include <utility>

namespace headgate::policy {

using providers::SteadyTime;

std::shared_ptr<TargetHealth> HealthTable::of(std::string_view provider, std::string_view model) {
    constexpr std::string_view all_others = "*";  // no model name may be that
    const std::scoped_lock lock{mutex_};
    auto models = providers_.find(provider);
    if (models == providers_.end()) {
        models = providers_.emplace(provider, Models{}).first;
    }
    const auto known = models->second.find(model);
    if (known != models->second.end()) {
        return known->second;
    }
    const std::string_view name = models->second.size() < kMaxModels ? model : all_others;
    const auto shared = models->second.find(name);
    if (shared != models->second.end()) {
        return shared->second;
    }
    auto health = std::make_shared<TargetHealth>(std::string{provider}, std::string{name});
    models->second.emplace(name, health);
    return health;
}

void HealthTable::keep_only(const std::set<std::string, std::less<>>& providers) {
    const std::scoped_lock lock{mutex_};
    std::erase_if(providers_, [&](const auto& entry) { return !providers.contains(entry.first); });
}

std::vector<TargetHealth::Report> HealthTable::report(SteadyTime now) const {
    const std::scoped_lock lock{mutex_};
    std::vector<TargetHealth::Report> reports;
    for (const auto& [provider, models] : providers_) {
        for (const auto& [model, health] : models) {
            TargetHealth::Report report = health->report(now);
            if (report.attempts != 0) {
                reports.push_back(std::move(report));
            }
        }
    }
    return reports;
}

std::vector<std::shared_ptr<TargetHealth>> HealthTable::claim_active_probes(SteadyTime now) {
    const std::scoped_lock lock{mutex_};
    std::vector<std::shared_ptr<TargetHealth>> claimed;
    for (const auto& [provider, models] : providers_) {
        for (const auto& [model, health] : models) {
            // Memory first: a claim that cannot be handed out would never be ended.
            claimed.reserve(claimed.size() + 1);
            if (health->breaker().try_active_probe(now)) {
                claimed.push_back(health);
            }
        }
    }
    return claimed;
}

}  // namespace headgate::policy
