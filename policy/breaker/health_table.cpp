#include "policy/breaker/health_table.h"

#include <algorithm>
#include <utility>

namespace headgate::policy {

using providers::SteadyTime;

std::shared_ptr<TargetHealth> HealthTable::of(std::string_view provider, std::string_view model) {
    const std::scoped_lock lock{mutex_};
    auto models = providers_.find(provider);
    if (models == providers_.end()) {
        models = providers_.emplace(provider, Models{}).first;
    }
    const auto known = models->second.find(model);
    if (known != models->second.end()) {
        return known->second;
    }
    const bool has_room = models->second.size() < kMaxModels || give_up_one(models->second);
    const std::string_view name = has_room ? model : kOthers;
    std::shared_ptr<TargetHealth>& health = models->second[std::string{name}];
    if (!health) {
        health = std::make_shared<TargetHealth>(std::string{provider}, std::string{name});
    }
    return health;
}

/// An invented name: nothing has come of it. Whoever still uses it holds it.
bool HealthTable::give_up_one(Models& models) {
    const auto now = std::chrono::steady_clock::now();
    const auto unused = std::ranges::find_if(models, [now](const auto& entry) {
        const TargetHealth::Report report = entry.second->report(now);
        return report.successes == 0 && report.in_flight == 0 && entry.first != kOthers &&
               report.breaker == Breaker::State::closed && !report.benched;
    });
    if (unused == models.end()) {
        return false;
    }
    models.erase(unused);
    return true;
}

std::shared_ptr<TargetHealth> HealthTable::find(std::string_view provider,
                                                std::string_view model) const {
    const std::scoped_lock lock{mutex_};
    const auto models = providers_.find(provider);
    if (models == providers_.end()) {
        return nullptr;
    }
    const auto known = models->second.find(model);
    return known == models->second.end() ? nullptr : known->second;
}

void HealthTable::forgive(std::string_view provider) {
    const std::scoped_lock lock{mutex_};
    if (const auto models = providers_.find(provider); models != providers_.end()) {
        for (const auto& [model, health] : models->second) {
            health->forgive();
        }
    }
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
