#pragma once

#include "policy/config/map_reader.h"
#include "policy/config/snapshot.h"

#include <cstddef>
#include <string_view>

namespace headgate::policy {

/// The setting of that name below `map`; `map` itself where there is none.
Setting child(const Setting& map, std::string_view name);

/// Where in the policy the parts of its routes stand, for messages. Only for a policy without
/// errors: all of it is in the snapshot then, in the order of the file.
class RoutePlaces {
public:
    explicit RoutePlaces(const MapReader& root) : root_{root.setting()} {}

    Setting routes() const { return child(root_, "routes"); }
    Setting route(const Route& route) const;
    /// The target of that number.
    Setting target(const Route& route, std::size_t index) const;
    Setting provider(std::string_view name) const { return child(child(root_, "providers"), name); }
    Setting projects() const { return child(root_, "projects"); }

private:
    Setting root_;
};

}  // namespace headgate::policy
