#include "policy/config/budget_section.h"
#include "policy/config/limits_section.h"
#include "policy/config/sections.h"

namespace headgate::policy {
namespace {

constexpr KnownName kOrganizationNames[] = {{"limits"}, {"budget"}};

}  // namespace

void read_organization_section(Reading& reading,
                               const MapReader& root,
                               const StatePlaces& places,
                               Organization& organization) {
    const std::optional<Setting> block = root.find("organization");
    if (!block) {
        return;
    }
    const MapReader map{reading, *block, kOrganizationNames};
    if (const std::optional<Setting> limits = map.find("limits")) {
        organization.limits = read_limits(reading, *limits);
    }
    if (const std::optional<Setting> budget = map.find("budget")) {
        organization.budget = read_budget(reading, *budget, places);
    }
}

}  // namespace headgate::policy
