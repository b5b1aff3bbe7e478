#include "policy/config/admin_section.h"

namespace headgate::policy {
namespace {

constexpr KnownName kAdminNames[] = {{"listen"}, {"keys"}};

}  // namespace

std::optional<MapReader> admin_block(Reading& reading, const MapReader& root) {
    const std::optional<Setting> block = root.find("admin");
    return block ? std::optional<MapReader>{std::in_place, reading, *block, kAdminNames}
                 : std::nullopt;
}

}  // namespace headgate::policy
