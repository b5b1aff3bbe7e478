#pragma once

#include "policy/breaker/target_health.h"

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::policy {

/// The health of every target of the process, kept across reloads by provider and model name.
/// Thread-safe; a worker asks once a target and remembers the answer.
///
/// Clients choose model names where a policy lets them: beyond kMaxModels of one provider a name
/// that never had a success gives its place up, and where there is none all further ones share the
/// entry `*`.
class HealthTable {
public:
    static constexpr std::size_t kMaxModels = 256;

    std::shared_ptr<TargetHealth> of(std::string_view provider, std::string_view model);
    /// The same without making an entry; null where there is none.
    std::shared_ptr<TargetHealth> find(std::string_view provider, std::string_view model) const;

    /// Ends all benchings of a provider whose credential has been replaced.
    void forgive(std::string_view provider);

    /// Forgets the targets of providers that are not among `providers` (after a reload).
    void keep_only(const std::set<std::string, std::less<>>& providers);

    /// All targets that were tried, by provider, then model.
    std::vector<TargetHealth::Report> report(providers::SteadyTime now) const;

    /// Targets whose breaker waits for GET /models now; each is given to one caller, who must end
    /// it by breaker().end_active_probe().
    std::vector<std::shared_ptr<TargetHealth>> claim_active_probes(providers::SteadyTime now);

private:
    static constexpr std::string_view kOthers = "*";  // no model may have that name
    using Models = std::map<std::string, std::shared_ptr<TargetHealth>, std::less<>>;

    /// Makes room in a full table; false where every entry is worth keeping.
    static bool give_up_one(Models& models);

    mutable std::mutex mutex_;
    std::map<std::string, Models, std::less<>> providers_;
};

}  // namespace headgate::policy
