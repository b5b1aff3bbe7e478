#include "policy/config/route_places.h"

namespace headgate::policy {
namespace {

/// Of a list, or of the one that stands for a list of itself.
Setting item_of(const Setting& list, std::size_t index) {
    return list.node->kind == YamlNode::Kind::sequence ? list.item(index) : list;
}

}  // namespace

Setting child(const Setting& map, std::string_view name) {
    const auto entry = std::ranges::find_if(
        map.node->entries, [name](const YamlEntry& each) { return each.key->text == name; });
    if (entry == map.node->entries.end()) {
        return map;
    }
    return {entry->value.get(),
            map.path.empty() ? std::string(name) : map.path + "." + std::string(name)};
}

Setting RoutePlaces::route(const Route& route) const {
    return item_of(routes(), route.position);
}

Setting RoutePlaces::target(const Route& route, std::size_t index) const {
    return item_of(child(this->route(route), "targets"), index);
}

}  // namespace headgate::policy
