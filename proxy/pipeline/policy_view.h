#pragma once

#include "policy/breaker/health_table.h"
#include "proxy/net/reactor.h"
#include "proxy/net/resolver.h"
#include "proxy/net/upstream.h"
#include "proxy/pipeline/loaded_policy.h"

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace headgate::proxy {

/// One provider of a policy as one worker uses it.
struct ProviderLine {
    const ProviderWire* wire = nullptr;
    std::shared_ptr<Upstream> upstream;
    Tick next_warning = 0;  // one line a second tells of a provider that cannot be reached
    Tick next_alert = 0;    // and one in ten seconds of one that the operator has to mend

    const providers::Provider& provider() const { return wire->settings->provider; }
    const providers::Adapter& adapter() const { return *wire->adapter; }
};

/// One policy as one worker uses it: an exchange keeps the one that it began with. Not thread-safe.
class PolicyView : private policy::TargetHealths {
public:
    PolicyView(const PolicyView&) = delete;
    PolicyView& operator=(const PolicyView&) = delete;
    ~PolicyView() override = default;
    /// `previous` (may be null) gives the connections of providers whose address, trust and limits
    /// are still the same.
    PolicyView(Reactor& reactor,
               Resolver& resolver,
               policy::HealthTable& healths,
               std::shared_ptr<const LoadedPolicy> policy,
               const PolicyView* previous);

    const LoadedPolicy& policy() const { return *policy_; }
    const policy::Snapshot& snapshot() const { return *policy_->snapshot; }
    policy::TargetHealths& healths() { return *this; }
    ProviderLine& line(const providers::Provider& provider) { return *by_provider_.at(&provider); }
    /// Null where the policy has no provider of that name.
    ProviderLine* line(std::string_view provider);
    std::vector<ProviderLine>& lines() { return lines_; }

private:
    struct NameHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view name) const {
            return std::hash<std::string_view>{}(name);
        }
    };
    using Known = std::unordered_map<std::string, policy::TargetHealth*, NameHash, std::equal_to<>>;

    policy::TargetHealth& of(const providers::Provider& provider, std::string_view model) override;
    std::shared_ptr<Upstream> upstream_for(Reactor& reactor,
                                           Resolver& resolver,
                                           const ProviderWire& wire,
                                           const PolicyView* previous) const;

    policy::HealthTable& table_;
    std::shared_ptr<const LoadedPolicy> policy_;
    std::vector<ProviderLine> lines_;  // as policy_->wires
    std::unordered_map<const providers::Provider*, ProviderLine*> by_provider_;
    /// What the table has told, so that it is asked, under its lock, once a target.
    std::unordered_map<const providers::Provider*, Known> known_;
    std::set<std::shared_ptr<policy::TargetHealth>> held_;
};

}  // namespace headgate::proxy
