#pragma once

#include "policy/config/glob_sets.h"
#include "policy/config/route_places.h"

namespace headgate::policy {

/// Finds targets that can never serve a request of their route: errors.
class TargetChecks {
public:
    /// Both must outlive it.
    TargetChecks(Reading& reading, const RoutePlaces& places)
        : reading_{reading}, places_{places} {}

    void check(const Route& route);

private:
    void check_model(const Route& route, const RouteTarget& target, const Setting& setting);
    /// False only where no name is among the route's models and the provider's.
    bool may_serve(const providers::Provider& provider, const std::vector<std::string>& globs);
    bool meet(const std::vector<std::string>& some, const std::vector<std::string>& others);
    /// "provider `azure-eu` (line 5)"
    std::string told(const providers::Provider& provider, const Setting& setting) const;

    Reading& reading_;
    const RoutePlaces& places_;
    GlobWork work_;
};

}  // namespace headgate::policy
